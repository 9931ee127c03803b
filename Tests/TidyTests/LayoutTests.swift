import Testing

/// The style of the house, as far as a machine can see it. Each failure names files and lines.
@Suite struct LayoutTests {
    private static let fileLinesMax = 400
    private static let functionLinesMax = 70
    private static let columnsMax = 110

    @Test("the tree was found")
    func tree() {
        #expect(SourceTree.files("swift").count > 20)
        #expect(SourceTree.files.contains { $0.path == "Tests/TidyTests/LayoutTests.swift" })
    }

    @Test("no file is longer than 400 lines")
    func fileLength() {
        let files = SourceTree.files("swift", "c", "h", "js", "css", "sh", "py", "sql", "")
        let long = files.compactMap { file -> String? in
            let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
            return count > Self.fileLinesMax ? "\(file.path) has \(count)" : nil
        }
        expectNone(long, "split it by concept")
    }

    @Test("no line of Swift or C is wider than 110 columns")
    func lineWidth() {
        let wide = places(in: SourceTree.files("swift", "c", "h")) { line in
            // Counting bytes is a hundred times faster than counting characters, and enough for nearly every
            // line.
            line.utf8.count > Self.columnsMax && line.count > Self.columnsMax
        }
        expectNone(wide, "break the line")
    }

    @Test("no function is longer than 70 lines")
    func functionLength() {
        let long = SourceTree.files("swift").flatMap { file in
            file.lines.enumerated().compactMap { start, line -> String? in
                guard Self.beginsFunction(line), Self.hasBody(file.lines[start...]) else { return nil }
                // The formatter closes a function with a brace under the column it began in.
                let closing = String(line.prefix { $0 == " " } + "}")
                let end = file.lines[start...].firstIndex(of: closing) ?? start
                return end - start >= Self.functionLinesMax
                    ? "\(file.path):\(start + 1) ends in line \(end + 1)" : nil
            }
        }
        expectNone(long, "say it in smaller functions")
    }

    private static func beginsFunction(_ line: String) -> Bool {
        var words = line.split(separator: " ")
        let modifiers = SourceFile.accessWords.union([
            "static", "mutating", "override", "nonisolated", "@Sendable", "consuming",
        ])
        while let word = words.first, modifiers.contains(word) { words.removeFirst() }
        guard let word = words.first, word == "func" || word.hasPrefix("init(") || word.hasPrefix("init?(")
        else { return false }
        return !line.hasSuffix("}")
    }

    /// Whether a declaration is more than a protocol's requirement: its signature, over as many lines as it
    /// takes, ends with an opening brace.
    private static func hasBody(_ declaration: ArraySlice<String>) -> Bool {
        guard let first = declaration.first, !first.hasSuffix("{") else { return true }
        let column = first.prefix { $0 == " " }.count
        let next =
            declaration.dropFirst().first { $0.prefix { $0 == " " }.count <= column && !$0.isEmpty } ?? ""
        let word = next.drop { $0 == " " }
        return next.hasSuffix("{")
            && [")", "where ", "throws ", "async ", "-> "].contains { word.hasPrefix($0) }
    }

    @Test("no file or folder is called after nothing in particular")
    func names() {
        let vague = SourceTree.files.map(\.path).filter { path in
            ["Util", "Manager", "Helper", "Common"].contains { path.contains($0) }
        }
        expectNone(vague, "name it after what it holds")
    }

    @Test("nothing is left for later without anybody knowing")
    func leftovers() {
        // Put together here, so that this file does not find itself.
        let words = ["TO" + "DO", "FIX" + "ME"]
        expectNone(
            places(in: SourceTree.files) { line in words.contains { line.contains($0) } },
            "do it, or write an issue")
    }

    @Test("every package type and protocol says what it is")
    func documentation() {
        let silent = SourceTree.files("swift").flatMap { file in
            file.lines.indices.compactMap { index -> String? in
                guard Self.declaresPackageType(file.lines[index]) else { return nil }
                let above = file.lines[..<index].last { !$0.drop { $0 == " " }.hasPrefix("@") } ?? ""
                return above.drop { $0 == " " }.hasPrefix("///") ? nil : "\(file.path):\(index + 1)"
            }
        }
        expectNone(silent, "write a doc comment")
    }

    private static func declaresPackageType(_ line: String) -> Bool {
        var words = line.split(separator: " ")
        while words.first?.hasPrefix("@") == true { words.removeFirst() }
        guard words.first == "package" else { return false }
        let modifiers: Set<Substring> = ["package", "final", "indirect", "nonisolated", "distributed"]
        guard let keyword = words.first(where: { !modifiers.contains($0) }) else { return false }
        return ["struct", "class", "enum", "protocol", "actor"].contains(keyword)
    }

    private func places(in files: [SourceFile], where isWrong: (String) -> Bool) -> [String] {
        files.flatMap { file in
            file.lines.indices.filter { isWrong(file.lines[$0]) }.map { "\(file.path):\($0 + 1)" }
        }
    }
}
