// swift-tools-version:6.2
import PackageDescription

/// What every Swift target is compiled with: a leak of `CSQLite` through a signature then fails to compile.
let houseSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "stoa",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "stoa", targets: ["stoa"]),
        .executable(name: "stoa-bench", targets: ["stoa-bench"]),
    ],
    traits: [
        .trait(
            name: "DatabaseServers",
            description: "stoa-bench measures Redis and PostgreSQL too (libhiredis-dev, libpq-dev)")
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // The domain: no I/O, no third-party code.
        .target(name: "ChatCore", swiftSettings: houseSettings),

        // Storage on a shared volume: libsqlite3 and logging, nothing else.
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .target(
            name: "CMigrations", path: "migrations",
            exclude: [
                "0001_create_sessions.sql",
                "0002_parts_by_arrival.sql",
                "0003_branches.sql",
                "0004_running_answers.sql",
                "0005_session_versions.sql",
                "0006_reasoning.sql",
            ],
            sources: ["migrations.c"],
            publicHeadersPath: "include"),
        .target(name: "CVolumeVFS", dependencies: ["CSQLite"]),
        .target(
            name: "ChatStorage",
            dependencies: [
                "ChatCore", "CSQLite", "CMigrations", "CVolumeVFS",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: houseSettings),

        // Model providers: the only importer of AsyncHTTPClient.
        .target(
            name: "ChatModels",
            dependencies: [
                "ChatCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: houseSettings),

        // HTTP: the only importer of Hummingbird.
        .systemLibrary(
            name: "CCmarkGFM", pkgConfig: "libcmark-gfm",
            providers: [.apt(["libcmark-gfm-dev", "libcmark-gfm-extensions-dev"]), .brew(["cmark-gfm"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(
            name: "CPage", exclude: ["assets"], sources: ["page.c"], publicHeadersPath: "include"),
        .target(
            name: "CContract", exclude: ["openapi.json"], sources: ["contract.c"],
            publicHeadersPath: "include"),
        .target(
            name: "ChatServer",
            dependencies: [
                "ChatCore", "CCmarkGFM", "CZlib", "CPage", "CContract",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: houseSettings),

        // The command, which ties them together.
        .executableTarget(
            name: "stoa",
            dependencies: [
                "ChatCore", "ChatStorage", "ChatModels", "ChatServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: houseSettings,
            // With the Swift runtime in it a program exports every symbol, and the older linker puts tables
            // beside code: 5 MB more are resident when it does nothing.
            linkerSettings: [
                .unsafeFlags(
                    ["-use-ld=lld", "-Xlinker", "--no-export-dynamic"],
                    .when(platforms: [.linux], configuration: .release))
            ]),

        // The benchmark. What writes and checks under faults is shared with the laboratory's worker.
        .target(
            name: "StoreTorture", dependencies: ["ChatCore"], swiftSettings: houseSettings),
        .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .executableTarget(
            name: "stoa-bench",
            dependencies: [
                "ChatCore", "ChatStorage", "StoreTorture",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .target(name: "CHiredis", condition: .when(traits: ["DatabaseServers"])),
                .target(name: "CPostgres", condition: .when(traits: ["DatabaseServers"])),
            ],
            swiftSettings: houseSettings),

        // Tests.
        .target(
            name: "ChatTesting", dependencies: ["ChatCore"], path: "Tests/ChatTesting",
            swiftSettings: houseSettings),
        .testTarget(
            name: "ChatCoreTests", dependencies: ["ChatCore", "ChatTesting"], swiftSettings: houseSettings),
        .executableTarget(
            name: "storage-worker",
            dependencies: [
                "ChatCore", "ChatStorage", "StoreTorture", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/StorageWorker", swiftSettings: houseSettings),
        .testTarget(
            name: "ChatStorageTests",
            dependencies: [
                "ChatCore", "ChatStorage", "ChatTesting", "CSQLite", "CVolumeVFS", "storage-worker",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: houseSettings),
        .testTarget(
            name: "ChatModelsTests",
            dependencies: [
                "ChatCore", "ChatModels", "ChatTesting",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            exclude: ["botocore"], swiftSettings: houseSettings),
        .testTarget(
            name: "ChatServerTests",
            dependencies: [
                "ChatCore", "ChatServer", "ChatTesting", "CCmarkGFM", "CPage", "CZlib",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: houseSettings),
        .testTarget(
            name: "StoaBenchTests",
            dependencies: ["ChatCore", "ChatStorage", "ChatTesting", "StoreTorture", "stoa-bench"],
            swiftSettings: houseSettings),
        .testTarget(name: "TidyTests", swiftSettings: houseSettings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
