import ChatCore
import NIOHTTP1
import Testing

@testable import ChatModels

@Suite struct RetryPolicyTests {
    @Test("waits double, are shortened by at most a quarter, and are capped")
    func delays() throws {
        var policy = RetryPolicy()
        policy.retriesMax = 10
        var generator = SystemRandomNumberGenerator()
        for (retry, full) in [(0, 500), (1, 1_000), (3, 4_000), (4, 8_000), (9, 8_000)] {
            for _ in 0..<50 {
                let wait = try #require(policy.delayMilliseconds(retry: retry, asked: nil, using: &generator))
                #expect((full * 3 / 4...full).contains(wait))
            }
        }
    }

    @Test("the server's own wait counts, unless it is too long, and retries end")
    func asked() {
        var generator = SystemRandomNumberGenerator()
        let policy = RetryPolicy()
        #expect(policy.delayMilliseconds(retry: 0, asked: 7_000, using: &generator) == 7_000)
        #expect(policy.delayMilliseconds(retry: 1, asked: 121_000, using: &generator) == nil)
        #expect(policy.delayMilliseconds(retry: 2, asked: nil, using: &generator) == nil)
    }

    @Test(
        "Retry-After is read in all its forms",
        arguments: [
            (["retry-after": "2"], 2_000), (["retry-after": "0.5"], 500),
            (["retry-after-ms": "70", "retry-after": "2"], 70),
            (
                ["retry-after": "Sun, 06 Nov 1994 08:50:07 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"],
                30_000
            ),
            (["retry-after": "Sun, 06 Nov 1994 08:49:07 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"], nil),
            (["retry-after": "Sun, 06 Nov 1994 08:50:07 GMT"], nil), (["retry-after": "soon"], nil),
            (["retry-after": "-1"], nil), (["retry-after": "nan"], nil), (["retry-after": "1e300"], nil),
            ([:], nil),
        ] as [([String: String], Int?)])
    func retryAfter(headers: [String: String], milliseconds: Int?) {
        #expect(RetryAfter.milliseconds(in: HTTPHeaders(headers.map { ($0, $1) })) == milliseconds)
    }

    @Test(
        "HTTP dates are seconds since 1970",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799), ("Mon, 23 Nov 2026 16:34:30 GMT", 1_795_451_670),
            ("Sun, 06 Nov 1994 08:49 GMT", nil), ("Sun, 06 Nov 1994 25:49:37 GMT", nil), ("yesterday", nil),
        ] as [(String, Int?)])
    func dates(text: String, seconds: Int?) {
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test(
        "each status means its kind, and only passing trouble is worth a retry",
        arguments: [
            (400, "", ModelError.Kind.refused, false), (401, "", .unauthorized, false),
            (403, "", .unauthorized, false),
            (404, "", .unknownModel, false), (408, "", .timedOut, true), (409, "", .unavailable, true),
            (413, "", .tooLong, false), (422, "", .refused, false), (429, "", .throttled, true),
            (500, "", .unavailable, true), (503, "", .unavailable, true), (529, "", .unavailable, true),
            (302, "", .malformed, false), (429, "insufficient_quota", .unavailable, false),
            (400, "context_length_exceeded", .tooLong, false),
            (500, "context_length_exceeded", .tooLong, false),
            (400, "content_policy_violation", .refused, false),
        ])
    func statuses(status: Int, code: String, kind: ModelError.Kind, transient: Bool) {
        var body = UpstreamErrorBody(message: "the prompt's own words")
        body.code = code.isEmpty ? nil : code
        let failure = UpstreamFailure.answer(status: status, body: body, headers: [:])
        #expect(failure.error.kind == kind)
        #expect(failure.isTransient == transient)
        #expect(failure.error.detail?.contains("HTTP \(status)") == true)
        #expect(failure.error.detail?.contains("own words") == false)
    }

    @Test("x-should-retry outranks the status")
    func shouldRetry() {
        let body = UpstreamErrorBody()
        #expect(
            !UpstreamFailure.answer(status: 500, body: body, headers: ["x-should-retry": "false"]).isTransient
        )
        #expect(
            UpstreamFailure.answer(status: 400, body: body, headers: ["x-should-retry": "true"]).isTransient)
    }
}
