import ChatCore
import Hummingbird

/// Turns: begun, asked again, gone on with, and stopped.
struct MessageRoutes: Sendable {
    let task: ChatTask
    let bodies: BodyReader

    func add(to routes: RouteTable) {
        routes.on(.post, "/api/v1/conversations/{id}/messages", use: begin)
        routes.on(.post, "/api/v1/conversations/{id}/messages/{message}/retry", use: retry)
        routes.on(.post, "/api/v1/conversations/{id}/messages/{message}/continue", use: goOn)
        routes.on(.post, "/api/v1/conversations/{id}/stop", use: stop)
    }

    /// 202: the prompt is on the volume, and the answer goes on whether anybody listens or not.
    private func begin(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let conversation = try request.conversation(context)
        let fields = try await bodies.fields(of: request, context, isMessage: true)
        let turn = try await task.beginTurn(
            promptID: try MessageID(validating: try fields.string("id")), text: try fields.string("text"),
            model: try fields.nullableString("model") ?? nil,
            replacing: try fields.optionalString("replaces").map(MessageID.init(validating:)),
            in: conversation)
        return .turn(turn)
    }

    /// 202: the prompt of this message is answered once more.
    private func retry(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let conversation = try request.conversation(context)
        let message = try request.message(context)
        let fields = try await bodies.fields(of: request, context)
        return .turn(
            try await task.retryAnswer(
                to: message, answerID: try MessageID(validating: try fields.string("id")),
                model: try fields.nullableString("model") ?? nil, in: conversation))
    }

    /// 202: the answer runs again, or ran already because of the same request.
    private func goOn(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let conversation = try request.conversation(context)
        let answer = try request.message(context)
        let fields = try await bodies.fields(of: request, context)
        return .turn(
            try await task.continueAnswer(answer, version: try fields.count("version"), in: conversation))
    }

    /// 202, also when nothing is left to stop. The answer that is meant is named in the query, because this
    /// request has no body.
    private func stop(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let isStopping = try await task.stop(
            try request.query("answer").map(MessageID.init(validating:)),
            in: try request.conversation(context))
        return .json(.fields(["stopping": .bool(isStopping)]), status: .accepted)
    }
}

extension Response {
    /// A turn as the contract has it, and the cursor of a reader that has seen it.
    fileprivate static func turn(_ turn: Turn) -> Response {
        let isRunning = turn.answer.state == .running
        let cursor = Cursor(
            version: turn.conversation.version, offset: isRunning ? turn.answer.said.bytes : 0)
        return .json(
            .fields([
                "prompt": turn.prompt.json(blocks: nil), "answer": turn.answer.json(blocks: nil),
                "repeated": .bool(turn.isRepeated), "cursor": .string(cursor.description),
            ]),
            status: .accepted)
    }
}
