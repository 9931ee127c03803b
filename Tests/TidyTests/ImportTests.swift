import Testing

/// Dependencies point one way: stoa -> {ChatStorage, ChatModels, ChatServer} -> ChatCore.
@Suite struct ImportTests {
    /// Who may import a module at all, with its tests. Everything that is not named here is free for all.
    private static let soleImporters: [String: [String]] = [
        "CSQLite": ["Sources/ChatStorage", "Tests/ChatStorageTests"],
        "CVolumeVFS": ["Sources/ChatStorage", "Tests/ChatStorageTests", "Tests/CVolumeVFSTests"],
        "CMigrations": ["Sources/ChatStorage", "Tests/ChatStorageTests"],
        "Hummingbird": ["Sources/ChatServer", "Tests/ChatServerTests"],
        "HummingbirdCore": ["Sources/ChatServer", "Tests/ChatServerTests"],
        "CCmarkGFM": ["Sources/ChatServer", "Tests/ChatServerTests"],
        "AsyncHTTPClient": ["Sources/ChatModels", "Tests/ChatModelsTests"],
        "ArgumentParser": ["Sources/stoa", "Sources/stoa-bench"],
        "CHiredis": ["Sources/stoa-bench"],
        "CPostgres": ["Sources/stoa-bench"],
    ]

    /// What a target may import: all of it. A target that is not named here may import what `soleImporters`
    /// allows.
    private static let allowed: [String: Set<String>] = [
        // `Swift` for canonical decomposition, which has no public name (TextFold).
        "Sources/ChatCore": ["FoundationEssentials", "Synchronization", "Swift"],
        "Sources/ChatStorage": [
            "ChatCore", "CSQLite", "CMigrations", "CVolumeVFS", "Logging", "Dispatch", "Glibc", "Musl",
            "Darwin",
            "FoundationEssentials", "Synchronization",
        ],
        "Sources/StoreTorture": [
            "ChatCore", "Glibc", "Musl", "Darwin", "FoundationEssentials", "Synchronization",
        ],
        "Sources/stoa-bench": [
            "ChatCore", "ChatStorage", "StoreTorture", "ArgumentParser", "CHiredis", "CPostgres", "Logging",
            "Dispatch", "Glibc", "Musl", "Darwin", "FoundationEssentials", "Synchronization",
        ],
        "Sources/ChatModels": [
            "ChatCore", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix", "Logging",
            "FoundationEssentials", "Synchronization",
        ],
    ]

    @Test("each technology has one importer")
    func soleImporters() {
        expectNone(
            imports { file, module in Self.soleImporters[module]?.contains(file.target) == false },
            "only its one importer may import it")
    }

    @Test("the domain, the storage and the models import what they are allowed to, and no more")
    func allowedImports() {
        // The whole of Foundation is only there for systems without its essentials; see below.
        let others = imports { file, module in
            module != "Foundation" && Self.allowed[file.target]?.contains(module) == false
        }
        expectNone(others, "not allowed in that module")
    }

    @Test("storage, models and server do not import each other")
    func siblings() {
        let siblings = ["ChatStorage", "ChatModels", "ChatServer"]
        let crossing = imports { file, module in
            siblings.contains(module) && siblings.contains { file.target == "Sources/\($0)" }
        }
        expectNone(crossing, "go through ChatCore")
    }

    @Test("all of Foundation is imported only where its essentials do not exist")
    func foundation() {
        // Tests may need what the essentials lack, such as `Process`.
        let whole = SourceTree.files("swift").filter { $0.path.hasPrefix("Sources/") }.flatMap { file in
            file.imports.filter { $0.module == "Foundation" }.compactMap { line, _ -> String? in
                let above = file.lines[..<(line - 1)].map { $0.split(separator: " ").joined(separator: " ") }
                let isFallback =
                    above.last == "#else" && above.contains("#if canImport(FoundationEssentials)")
                return isFallback ? nil : "\(file.path):\(line)"
            }
        }
        expectNone(whole, "import FoundationEssentials, with Foundation in the #else")
    }

    private func imports(where isWrong: (SourceFile, String) -> Bool) -> [String] {
        SourceTree.files("swift").flatMap { file in
            file.imports.filter { isWrong(file, $0.module) }.map {
                "\(file.path):\($0.line) imports \($0.module)"
            }
        }
    }

    @Test("an import is seen however it is written")
    func parsing() {
        let lines = [
            "import A", "package import B", "    @testable import C", "@_exported public import struct D.E",
            "// import F",
            "let x = \"import G\"", "@preconcurrency internal import H",
        ]
        let file = SourceFile(path: "Sources/X/Y.swift", lines: lines)
        #expect(file.imports.map(\.module) == ["A", "B", "C", "D", "H"])
        #expect(file.imports.map(\.line) == [1, 2, 3, 4, 7])
    }
}
