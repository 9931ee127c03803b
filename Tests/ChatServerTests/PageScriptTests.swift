import CPage
import Testing

@testable import ChatServer

@Suite("The page's scripts")
struct PageScriptTests {
    @Test("what the entry imports is sent as one script, each module after those it needs")
    func joined() throws {
        let scripts = try PageScripts(
            [
                "app.js": "import { b } from \"./b.js\";\nimport { a } from \"./a.js\";\n\nb(a);\n",
                "a.js": "export const a = 1;\n",
                "b.js":
                    "// b\nimport { a } from \"./a.js\";\nexport const b = () => import(\"./late.js\");\n",
                "late.js":
                    "import {\n    a, b,\n} from \"./a.js\";\nimport { c } from \"./c.js\";\nb(a, c);\n",
                "c.js": "export const c = 3;\n",
            ], entry: "app.js")
        #expect(scripts.joined == ["a.js", "b.js", "app.js"])
        #expect(
            scripts.files["app.js"]
                == "export const a = 1;\n\n// b\nexport const b = () => import(\"./late.js\");\n\nb(a);\n")
        #expect(
            scripts.files["late.js"]
                == "import {\n    a, b,\n} from \"./app.js\";\nimport { c } from \"./c.js\";\nb(a, c);\n")
        #expect(scripts.files["c.js"] == "export const c = 3;\n")
        #expect(scripts.files["a.js"] == nil && scripts.files["b.js"] == nil)
    }

    @Test("a module that is not there is found when the server starts, not in a browser")
    func missing() {
        #expect(throws: (any Error).self) {
            try PageScripts(["app.js": "import { a } from \"./a.js\";\n"], entry: "app.js")
        }
        #expect(throws: (any Error).self) {
            try PageScripts(["app.js": "", "late.js": "import { a } from \"./a.js\";\n"], entry: "app.js")
        }
    }

    @Test("the modules keep the two rules that joining them builds on")
    func rules() throws {
        let sources = Self.sources
        let scripts = try PageScripts(sources, entry: "app.js")
        #expect(scripts.joined.count > 10 && scripts.files.count > 5)
        var declared: [String: String] = [:]
        for name in scripts.joined {
            for declaration in Self.declarations(in: sources[name] ?? "") {
                let other = declared.updateValue(name, forKey: declaration)
                #expect(other == nil, "\(declaration) is declared in \(other ?? "") and in \(name)")
            }
        }
        for (name, source) in sources {
            let imports = source.split(separator: "\n").filter {
                $0.hasPrefix("import ") || $0.hasPrefix("} from ")
            }
            for line in imports where line.hasSuffix(";") {
                #expect(!line.contains(" as ") && line.contains(" from \"./"), "\(name): \(line)")
            }
            for (sent, file) in scripts.files where sent == name && sent == "app.js" {
                #expect(!file.contains("\nimport {"), "an import was not taken out")
            }
        }
    }

    private static var sources: [String: String] {
        var count = 0
        let first = cpage_assets(&count)
        var sources: [String: String] = [:]
        for asset in UnsafeBufferPointer(start: first, count: count) {
            let name = String(cString: asset.name)
            guard name.hasSuffix(".js") else { continue }
            sources[name] = String(
                decoding: UnsafeBufferPointer(start: asset.bytes, count: asset.count), as: UTF8.self)
        }
        return sources
    }

    /// Names that are declared in the first column.
    private static func declarations(in source: String) -> [String] {
        source.split(separator: "\n").compactMap { line in
            guard line.first != " " else { return nil }
            let words = line.split(separator: " ").drop { $0 == "export" || $0 == "async" }
            guard let keyword = words.first, ["const", "let", "function", "class"].contains(keyword),
                let name = words.dropFirst().first
            else { return nil }
            return String(name.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
        }
    }
}
