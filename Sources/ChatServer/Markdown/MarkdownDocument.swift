import CCmarkGFM
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A parsed text: owns cmark's tree and frees it.
final class MarkdownDocument {
    private typealias Node = OpaquePointer

    /// `CMARK_OPT_SAFE` is 0 and the default of this version: raw HTML and dangerous links are left out.
    private static let options = CMARK_OPT_DEFAULT | CMARK_OPT_GITHUB_PRE_LANG

    /// cmark's list of extensions is global: filled once, read afterwards.
    private static let isRegistered: Bool = {
        cmark_gfm_core_extensions_ensure_registered()
        return true
    }()

    /// cmark-gfm keeps in global tables which characters its extensions care about, sets them when a parse
    /// ends its blocks and clears them afterwards (`cmark_manage_extensions_special_characters` in blocks.c):
    /// two parses at once would lose each other's links.
    private static let parsing = Mutex(())

    private let parser: OpaquePointer
    private let root: Node

    /// Parses `bytes`, which must be UTF-8.
    init(_ bytes: UnsafeBufferPointer<UInt8>, hasTables: Bool) {
        precondition(Self.isRegistered)
        guard let parser = cmark_parser_new(Self.options) else { fatalError("out of memory") }
        for name in ["strikethrough", "autolink", "tagfilter", "tasklist"] + (hasTables ? ["table"] : []) {
            guard let known = cmark_find_syntax_extension(name) else { fatalError("cmark lacks \(name)") }
            cmark_parser_attach_syntax_extension(parser, known)
        }
        // SAFETY: what a lock runs must not capture what is not Sendable; this closure does not outlive the
        // call.
        nonisolated(unsafe) let unsafeParser = parser
        nonisolated(unsafe) let unsafeBytes = bytes
        nonisolated(unsafe) var parsed: OpaquePointer?
        Self.parsing.withLock { _ in
            unsafeBytes.withMemoryRebound(to: CChar.self) {
                cmark_parser_feed(unsafeParser, $0.baseAddress, $0.count)
            }
            parsed = cmark_parser_finish(unsafeParser)
        }
        guard let root = parsed else { fatalError("out of memory") }
        self.parser = parser
        self.root = root
    }

    deinit {
        cmark_node_free(root)
        cmark_parser_free(parser)
    }

    /// Each child of the document as safe HTML.
    /// - Parameter line: where a line (the first is 1) begins, and with what state of formulas.
    func safeBlocks(line: (Int) -> (start: Int, math: VerbatimMath.State)) -> [Markdown.Block] {
        let lines = firstLines()
        makeSafe()
        var blocks: [Markdown.Block] = []
        var next = cmark_node_first_child(root)
        while let node = next {
            next = cmark_node_next(node)
            let isTable = String(cString: cmark_node_get_type_string(node)) == "table"
            let (start, math) = line(lines[blocks.count])
            blocks.append(Markdown.Block(start: start, math: math, html: html(of: node), isTable: isTable))
        }
        return blocks
    }

    /// The line on which each child of the document begins; taken before the tree is changed, because new
    /// nodes have none.
    private func firstLines() -> [Int] {
        var lines: [Int] = []
        var next = cmark_node_first_child(root)
        while let node = next {
            next = cmark_node_next(node)
            lines.append(Int(cmark_node_get_start_line(node)))
        }
        // When the last line of a paragraph becomes a table's header, cmark gives the table the paragraph's
        // first line, and what is left of the paragraph none: both begin there, as far as anybody can tell.
        for index in lines.indices.reversed() where lines[index] < 1 {
            lines[index] = index + 1 < lines.count ? lines[index + 1] : 1
        }
        return lines
    }

    private func html(of node: Node) -> String {
        guard
            let rendered = cmark_render_html(
                node, Self.options, cmark_parser_get_syntax_extensions(parser))
        else { fatalError("out of memory") }
        defer { free(rendered) }
        return Self.withSafeLinks(rendered)
    }

    /// In rendered HTML `<` and `"` stand only where the renderer wrote markup: in text and in attributes
    /// both are escaped. So the search finds links and nothing else.
    private static func withSafeLinks(_ html: UnsafeMutablePointer<CChar>) -> String {
        let opening = "<a href="
        var safe = ""
        var rest = UnsafePointer(html)
        while let link = strstr(rest, opening) {
            safe += String(
                decoding: UnsafeRawBufferPointer(start: rest, count: UnsafePointer(link) - rest),
                as: UTF8.self)
            safe += "<a rel=\"noopener noreferrer nofollow\" target=\"_blank\" href="
            rest = UnsafePointer(link) + opening.utf8.count
        }
        return safe + String(cString: rest)
    }

    // MARK: Safety

    /// Takes out of the tree what must not reach the page: raw HTML, images, links elsewhere.
    private func makeSafe() {
        // Changing the tree under cmark's iterator is undefined, so the nodes are collected first.
        var found: [(node: Node, type: cmark_node_type)] = []
        let iterator = cmark_iter_new(root)
        defer { cmark_iter_free(iterator) }
        while case let event = cmark_iter_next(iterator), event != CMARK_EVENT_DONE {
            guard let node = cmark_iter_get_node(iterator) else { break }
            let type = cmark_node_get_type(node)
            // Children before parents: an image inside a link is a link's text when the link is looked at.
            let isLast =
                event == CMARK_EVENT_EXIT || type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE
            if isLast, Self.isSuspect(type) { found.append((node, type)) }
        }
        for (node, type) in found {
            switch type {
            case CMARK_NODE_HTML_BLOCK: showMarkup(block: node)
            case CMARK_NODE_HTML_INLINE: showMarkup(inline: node)
            case CMARK_NODE_IMAGE: showAsLink(image: node)
            default: check(link: node)
            }
        }
    }

    private static func isSuspect(_ type: cmark_node_type) -> Bool {
        type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE || type == CMARK_NODE_IMAGE
            || type == CMARK_NODE_LINK
    }

    /// Raw HTML is shown as it was written: a model that explains `<div>` means the characters.
    private func showMarkup(block node: Node) {
        guard let paragraph = cmark_node_new(CMARK_NODE_PARAGRAPH) else { return }
        let lines = literal(of: node).split(whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            if index > 0 { append(CMARK_NODE_LINEBREAK, nil, to: paragraph) }
            append(CMARK_NODE_TEXT, String(line), to: paragraph)
        }
        replace(node, with: paragraph)
    }

    /// `<br>` is what models write for a new line inside a table's cell.
    private func showMarkup(inline node: Node) {
        let text = literal(of: node)
        let name = text.dropFirst().prefix { $0.isLetter }
        let isBreak = name.lowercased() == "br" && text.allSatisfy { "<brBR/> ".contains($0) }
        guard let shown = cmark_node_new(isBreak ? CMARK_NODE_LINEBREAK : CMARK_NODE_TEXT) else { return }
        if !isBreak { cmark_node_set_literal(shown, text) }
        replace(node, with: shown)
    }

    /// An image would tell its server who reads what, as soon as the page shows it: the reader decides.
    private func showAsLink(image node: Node) {
        guard let link = cmark_node_new(CMARK_NODE_LINK) else { return }
        let address = cmark_node_get_url(node).map { String(cString: $0) } ?? ""
        guard Self.isAllowed(address), !isInsideLink(node), cmark_node_insert_before(node, link) != 0 else {
            cmark_node_free(link)
            return unwrap(node)
        }
        cmark_node_set_url(link, address)
        if cmark_node_first_child(node) == nil { append(CMARK_NODE_TEXT, address, to: link) }
        while let child = cmark_node_first_child(node), cmark_node_append_child(link, child) != 0 {}
        cmark_node_unlink(node)
        cmark_node_free(node)
    }

    private func check(link node: Node) {
        let address = cmark_node_get_url(node).map { String(cString: $0) } ?? ""
        if !Self.isAllowed(address) { unwrap(node) }
    }

    private static func isAllowed(_ address: String) -> Bool {
        let scheme = address.prefix(8).lowercased()
        return ["http://", "https://", "mailto:"].contains { scheme.hasPrefix($0) }
    }

    private func isInsideLink(_ node: Node) -> Bool {
        var parent = cmark_node_parent(node)
        while let ancestor = parent {
            if cmark_node_get_type(ancestor) == CMARK_NODE_LINK { return true }
            parent = cmark_node_parent(ancestor)
        }
        return false
    }

    // MARK: Tree

    private func literal(of node: Node) -> String {
        cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
    }

    private func append(
        _ type: cmark_node_type, _ text: String?, to parent: Node
    ) {
        guard let node = cmark_node_new(type) else { return }
        if let text { cmark_node_set_literal(node, text) }
        if cmark_node_append_child(parent, node) == 0 { cmark_node_free(node) }
    }

    /// Puts the children of `node` in its place.
    private func unwrap(_ node: Node) {
        while let child = cmark_node_first_child(node), cmark_node_insert_before(node, child) != 0 {}
        cmark_node_unlink(node)
        cmark_node_free(node)
    }

    private func replace(
        _ node: Node, with other: Node
    ) {
        // What cannot be replaced is removed: nothing raw may stay.
        if cmark_node_replace(node, other) == 0 {
            cmark_node_unlink(node)
            cmark_node_free(other)
        }
        cmark_node_free(node)
    }
}
