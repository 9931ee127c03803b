import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One text file of the repository.
struct SourceFile: Sendable, CustomTestStringConvertible {
    /// From the repository's top, such as `Sources/ChatCore/Limits.swift`.
    let path: String
    let lines: [String]

    var name: String { String(path.split(separator: "/").last ?? "") }
    var kind: String { name.contains(".") ? String(name.split(separator: ".").last ?? "") : "" }
    /// `Sources/ChatCore`, `Tests/ChatCoreTests` …
    var target: String { path.split(separator: "/").prefix(2).joined(separator: "/") }
    var testDescription: String { path }

    /// The modules it imports, with their lines, counted from 1.
    var imports: [(line: Int, module: String)] {
        guard kind == "swift" else { return [] }
        return lines.enumerated().compactMap { index, line in
            var words = line.split(separator: " ")
            while let word = words.first, word.hasPrefix("@") || Self.accessWords.contains(word) {
                words.removeFirst()
            }
            guard words.first == "import" else { return nil }
            words.removeFirst()
            if let kind = words.first, Self.declarationWords.contains(kind) { words.removeFirst() }
            guard let module = words.first?.split(separator: ".").first else { return nil }
            return (index + 1, String(module))
        }
    }

    static let accessWords: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    static let declarationWords: Set<Substring> = [
        "struct", "class", "enum", "protocol", "actor", "typealias", "func", "let", "var",
    ]
}

/// The working tree this test was compiled from. What the repository ignores is not looked at.
enum SourceTree {
    /// The repository's top. Symbolic links are resolved: a package may link to these folders.
    static let top: String = {
        let file = URL(filePath: #filePath).resolvingSymlinksInPath().path
        return "/" + file.split(separator: "/").dropLast(3).joined(separator: "/")
    }()

    /// Every file below the folders that hold our own text.
    static let files: [SourceFile] = ["Sources", "Tests", "migrations", "deploy", ".ci"].flatMap { folder in
        paths(below: folder).filter { !isIgnored($0) }.compactMap { path in
            guard let data = FileManager.default.contents(atPath: "\(top)/\(path)"),
                let text = String(bytes: data, encoding: .utf8)
            else { return nil }
            return SourceFile(
                path: path,
                lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }

    static func files(_ kinds: String...) -> [SourceFile] { files.filter { kinds.contains($0.kind) } }

    /// The paths of all files below `folder`, sorted.
    static func paths(below folder: String) -> [String] {
        let below = (try? FileManager.default.subpathsOfDirectory(atPath: "\(top)/\(folder)")) ?? []
        return below.map { "\(folder)/\($0)" }.sorted()
    }

    private static func isIgnored(_ path: String) -> Bool {
        path.split(separator: "/").contains { part in
            ["__pycache__", "node_modules"].contains(part) || (part.hasPrefix(".") && part != ".ci")
        }
    }
}

/// Says where a rule is broken, in one issue for all places: `path:line what`.
func expectNone(_ places: [String], _ advice: String, at location: SourceLocation = #_sourceLocation) {
    let shown = places.prefix(40).joined(separator: "\n") + (places.count > 40 ? "\n... and more" : "")
    #expect(places.isEmpty, "\(advice) (\(places.count) places):\n\(shown)", sourceLocation: location)
}
