import Testing

/// What is embedded in the binary is written in a C file by hand; a file that was forgotten there would
/// silently be missing on every server.
@Suite struct EmbeddingTests {
    @Test("every migration is embedded, in order and without a gap")
    func migrations() throws {
        let names = SourceTree.paths(below: "migrations").filter { $0.hasSuffix(".sql") }.map {
            $0.dropFirst(11)
        }
        try #require(!names.isEmpty)
        for (index, name) in names.enumerated() {
            let digits = String(index + 1)
            let prefix = String(repeating: "0", count: 4 - digits.count) + digits + "_"
            #expect(name.hasPrefix(prefix), "\(name) should begin with \(prefix)")
        }
        let list = try #require(SourceTree.files.first { $0.path == "migrations/migrations.c" })
        #expect(embedded(in: list) == names.map(String.init))
        let named = list.lines.compactMap { line -> String? in
            let parts = line.split(separator: "\"")
            return parts.count == 3 && parts[0].hasSuffix("{") ? String(parts[1]) : nil
        }
        #expect(named == names.map(String.init))
    }

    @Test("every asset of the page is embedded")
    func assets() throws {
        let assets = SourceTree.paths(below: "Sources/CPage/assets").map {
            String($0.dropFirst("Sources/CPage/".count))
        }
        let list = try #require(SourceTree.files.first { $0.path == "Sources/CPage/page.c" })
        let embedded = Set(embedded(in: list))
        for asset in assets { #expect(embedded.contains(asset), "\(asset) is not in page.c") }
    }

    private func embedded(in file: SourceFile) -> [String] {
        file.lines.compactMap { line in
            let parts = line.split(separator: "\"")
            return line.hasPrefix("#embed") && parts.count == 2 ? String(parts[1]) : nil
        }
    }
}
