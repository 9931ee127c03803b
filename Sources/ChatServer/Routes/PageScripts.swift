import ChatCore

/// The page's modules, put together so that a browser asks once for all it needs at first.
///
/// A module is small and has one job; asked for one by one, they would be thirty requests in a row on a slow
/// line. What the entry module imports, directly or not, is sent as one script under the entry's name, each
/// module after those it imports. What is only imported when it is needed stays a file of its own, and what
/// it shares with the entry it takes from there, so that nothing is there twice.
///
/// Two rules make that possible without parsing JavaScript: an import is a statement of its own,
/// `import { a, b } from "./name.js";`, without renaming; and no two modules of the entry declare the same
/// name at their top level. `PageScriptTests` holds the modules to both.
struct PageScripts {
    /// The modules as they are sent, by file name. Those that went into the entry are not among them.
    let files: [String: String]
    /// The names of the modules that went into the entry, in their order.
    let joined: [String]

    /// - Parameters:
    ///   - sources: the modules by file name.
    ///   - entry: the name of the one that the page begins with.
    /// - Throws: ``ChatError/Code/internal`` when a module imports one that does not exist.
    init(_ sources: [String: String], entry: String) throws {
        let modules = sources.mapValues(Module.init)
        var order: [String] = []
        var visited: Set<String> = []
        try Self.visit(entry, in: modules, visited: &visited, order: &order)
        joined = order

        var files: [String: String] = [:]
        files[entry] = order.map { modules[$0]?.body ?? "" }.joined(separator: "\n")
        for (name, module) in modules where !visited.contains(name) {
            let imports = try module.imports.map { statement in
                guard modules[statement.from] != nil else { throw Self.missing(statement.from) }
                let from = visited.contains(statement.from) ? entry : statement.from
                return "import {\(statement.names)} from \"./\(from)\";\n"
            }
            files[name] = imports.joined() + module.body
        }
        self.files = files
    }

    /// Depth first: a module stands behind those it imports. Those that import each other stand in the order
    /// they are met in, which is enough as long as they use each other later than when they are loaded.
    private static func visit(
        _ name: String, in modules: [String: Module], visited: inout Set<String>, order: inout [String]
    ) throws {
        guard visited.insert(name).inserted else { return }
        guard let module = modules[name] else { throw missing(name) }
        for statement in module.imports {
            try visit(statement.from, in: modules, visited: &visited, order: &order)
        }
        order.append(name)
    }

    private static func missing(_ name: String) -> ChatError {
        ChatError(.internal, "The page is missing from this binary.", cause: "no module \(name)")
    }
}

/// One module: what it imports, and the rest.
private struct Module {
    struct Import {
        let names: Substring
        let from: String
    }

    var imports: [Import] = []
    var body = ""

    init(_ source: String) {
        var rest = source[...]
        while let line = rest.firstIndex(of: "\n") {
            guard rest.hasPrefix("import {"), let statement = Self.statement(rest) else {
                body += rest[...line]
                rest = rest[rest.index(after: line)...]
                continue
            }
            imports.append(statement.found)
            rest = statement.rest
        }
        body += rest
    }

    /// The import that `text` begins with, and what follows its line.
    private static func statement(_ text: Substring) -> (found: Import, rest: Substring)? {
        guard let end = text.firstIndex(of: ";"), let open = text.firstIndex(of: "{"),
            let close = text[..<end].firstIndex(of: "}")
        else { return nil }
        let address = text[close..<end].split(separator: "\"")
        guard address.count == 2, address[1].hasPrefix("./") else { return nil }
        let found = Import(
            names: text[text.index(after: open)..<close], from: String(address[1].dropFirst(2)))
        return (found, text[text.index(after: end)...].drop { $0 == "\n" })
    }
}
