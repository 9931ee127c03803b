// swift-tools-version:6.2
import PackageDescription

/// What every Swift target is compiled with: an accidental leak of `CSQLite` through a signature then fails to compile.
let houseSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "stoa",
    platforms: [.macOS(.v15)],
    targets: [
        // The domain: no I/O, no third-party code.
        .target(name: "ChatCore", swiftSettings: houseSettings),

        // Tests.
        .target(name: "ChatTesting", dependencies: ["ChatCore"], path: "Tests/ChatTesting", swiftSettings: houseSettings),
        .testTarget(name: "ChatCoreTests", dependencies: ["ChatCore", "ChatTesting"], swiftSettings: houseSettings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
