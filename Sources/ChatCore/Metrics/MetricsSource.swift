/// Something that can say how it is doing.
///
/// The contract: `collect` adds what is known at that moment and waits for no volume and no model, except
/// within a deadline of its own. It may be called at any time, also twice at once. It tells no session, no
/// key and no text: whoever may read the page need not be trusted with them.
package protocol MetricsSource: Sendable {
    /// Adds its metrics to `page`, each name once.
    func collect(into page: inout MetricsPage) async
}

extension MetricsPage {
    /// What all of `sources` say now, in their order.
    package static func of(_ sources: [any MetricsSource]) async -> MetricsPage {
        var page = MetricsPage()
        for source in sources { await source.collect(into: &page) }
        return page
    }
}
