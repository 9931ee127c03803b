import AsyncHTTPClient
import NIOCore

/// The connections to all providers. Made once, shut down once.
package struct ModelHTTPClient: Sendable {
    let client: HTTPClient

    /// - Parameters:
    ///   - connectMilliseconds: deadline for name, connection and TLS together.
    ///   - connectionsMax: connections to one host, and so answers of one provider at once on this task.
    package init(connectMilliseconds: Int = 5_000, connectionsMax: Int = 512) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .milliseconds(Int64(connectMilliseconds))))
        // One connection an answer: cancelling closes it, which every server notices. (Resetting a stream of
        // a shared HTTP/2 connection is left to the good will of the proxies in between.)
        configuration.httpVersion = .http1Only
        // The client's own default of 8 would make the ninth answer wait silently.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connectionsMax
        // Retries are ours: a refused connection must be known at once, not after the whole connect deadline.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Sends a request and returns the head of the response.
    /// - Throws: ``UpstreamFailure`` when there is none.
    func send(_ request: HTTPClientRequest, deadlines: ModelDeadlines) async throws -> HTTPClientResponse {
        do {
            // The watch cancels earlier; this is the client's own upper bound on the head of the response.
            return try await client.execute(
                request, timeout: .milliseconds(Int64(deadlines.wholeMilliseconds)))
        } catch {
            throw UpstreamFailure.transport(error, hasBegun: false)
        }
    }

    /// Ends all connections. Answers under way fail. Call it exactly once.
    package func shutdown() async {
        // It only throws when called twice, and then there is nothing left to do.
        try? await client.shutdown()
    }
}
