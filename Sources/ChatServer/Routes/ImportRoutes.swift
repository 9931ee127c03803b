import ChatCore
import Hummingbird

/// Taking in what an export holds.
struct ImportRoutes: Sendable {
    let task: ChatTask
    let deadlines: ConnectionDeadlines
    let slots: Slots
    /// The longest file, in bytes.
    let bytesMax: Int
    /// How long it may take.
    let secondsMax: Int

    func add(to routes: RouteTable) { routes.on(.post, "/api/v1/import", use: importAll) }

    private func importAll(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let session = try request.session(context)
        guard BodyReader.isJSON(request.headers[.contentType]) else {
            throw RequestFault.unsupportedMediaType
        }
        guard let slot = slots.take() else {
            throw ChatError.busy("This server", retryAfterMilliseconds: 5_000)
        }
        defer { withExtendedLifetime(slot) {} }
        // A key that opens nothing is told before a long file was sent for nothing.
        _ = try await task.store.session(session)
        let body = try LongBody(
            of: request, context, bytesMax: bytesMax, secondsMax: secondsMax, deadlines: deadlines)
        var reader = ImportReader(body, into: ImportIntake(into: session, of: task))
        let outcome = try await reader.run()
        return .json(
            .fields(["imported": .count(outcome.imported), "skipped": .count(outcome.skipped)]))
    }
}
