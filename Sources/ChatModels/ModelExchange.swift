import AsyncHTTPClient
import ChatCore
import NIOCore
import NIOHTTP1

/// Turns the body of a 200 into deltas, as one provider's protocol has it.
protocol AnswerReader: SendableMetatype {
    /// Nothing more is to be read: the answer is full, or an error ended it.
    var isOver: Bool { get }
    /// How long the server may take for the rest of the body, in milliseconds, once the answer is complete;
    /// nil until then.
    var drainMilliseconds: Int? { get }

    /// Takes the next bytes, nil for the end of the body, and returns the pieces of the answer in them. An
    /// error among them ends the answer only after the pieces before it: ``finish()`` throws it.
    mutating func take(_ chunk: ByteBuffer?) -> [ModelDelta]

    /// What became of the answer.
    /// - Throws: the error that ended it.
    func finish() throws(UpstreamFailure) -> ModelFinish
}

/// One question to a provider over HTTP: attempts, deadlines and delivery, the same for every protocol.
struct ModelExchange<Reader: AnswerReader>: Sendable {
    let deadlines: ModelDeadlines
    let retries: RetryPolicy
    /// Sends the request and returns the head of the response; throws ``UpstreamFailure``.
    let send: @Sendable () async throws -> HTTPClientResponse
    /// What a status other than 200 means.
    let refusal: @Sendable (HTTPClientResponse) async -> UpstreamFailure
    let reader: @Sendable (HTTPClientResponse) -> Reader

    /// See ``LanguageModel/answer(to:onDelta:)``.
    func answer(onDelta: @Sendable (ModelDelta) async throws -> Void) async throws -> ModelFinish {
        let watch = DeadlineWatch(deadlines)
        // The group's children end before `answer` returns, so the closure does not outlive the call.
        return try await withoutActuallyEscaping(onDelta) { deliver in
            try await withThrowingTaskGroup(of: ModelFinish?.self) { group in
                group.addTask { try await ask(watch: watch, deliver: deliver) }
                group.addTask {
                    try await watch.run()
                    return nil
                }
                while let result = try await group.next() {
                    group.cancelAll()
                    if let finish = result { return finish }
                }
                throw CancellationError()
            }
        }
    }

    /// Asks until an attempt succeeds, delivers something, or is not worth repeating.
    private func ask(
        watch: DeadlineWatch, deliver: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        var generator = SystemRandomNumberGenerator()
        var retry = 0
        while true {
            do {
                return try await attempt(watch: watch, deliver: deliver)
            } catch let failure as UpstreamFailure {
                // The client reports a cancelled request as an error of its own.
                try Task.checkCancellation()
                guard failure.isTransient, !watch.hasDelivered,
                    let wait = retries.delayMilliseconds(
                        retry: retry, asked: failure.error.retryAfterMilliseconds, using: &generator),
                    watch.allowsWaiting(milliseconds: wait)
                else { throw failure.error }
                try await Task.sleep(for: .milliseconds(wait))
                retry += 1
            }
        }
    }

    private func attempt(
        watch: DeadlineWatch, deliver: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        watch.asking()
        let response = try await send()
        guard response.status == .ok else { throw await refusal(response) }
        var reader = reader(response)
        var chunks = response.body.makeAsyncIterator()
        while !reader.isOver {
            let chunk: ByteBuffer?
            do {
                chunk = try await chunks.next()
            } catch {
                // The answer is whole; that its connection ended badly is nobody's loss.
                if reader.drainMilliseconds != nil { break }
                throw UpstreamFailure.transport(error, hasBegun: true)
            }
            watch.heard()
            for delta in reader.take(chunk) {
                watch.delivering()
                try await deliver(delta)
                watch.delivered()
            }
            guard chunk != nil else { break }
            if let milliseconds = reader.drainMilliseconds {
                // Fails at once when the answer was cut off; otherwise the connection is worth keeping.
                _ = try reader.finish()
                watch.draining(milliseconds: milliseconds)
            }
        }
        return try reader.finish()
    }
}
