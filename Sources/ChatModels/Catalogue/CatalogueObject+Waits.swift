extension CatalogueObject {
    /// `first_token_seconds`, `gap_seconds`, `whole_seconds`.
    func deadlines() throws(CatalogueProblem) -> ModelDeadlines {
        var deadlines = ModelDeadlines()
        if let seconds = try number("first_token_seconds", 1...3_600) {
            deadlines.firstTokenMilliseconds = Int(seconds * 1_000)
        }
        if let seconds = try number("gap_seconds", 1...3_600) {
            deadlines.gapMilliseconds = Int(seconds * 1_000)
        }
        if let seconds = try number("whole_seconds", 1...86_400) {
            deadlines.wholeMilliseconds = Int(seconds * 1_000)
        }
        return deadlines
    }

    /// `retries`.
    func retries() throws(CatalogueProblem) -> RetryPolicy {
        var policy = RetryPolicy()
        if let retries = try integer("retries", 0...5) { policy.retriesMax = retries }
        return policy
    }
}
