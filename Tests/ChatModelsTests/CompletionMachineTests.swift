import ChatCore
import Testing

@testable import ChatModels

@Suite struct CompletionMachineTests {
    /// Feeds events and returns what was read and how it ended.
    private func read(
        _ events: [String], name: String? = nil, bytesMax: Int = 1_000
    ) -> (deltas: [ModelDelta], finish: Result<ModelFinish, UpstreamFailure>) {
        var machine = CompletionMachine(answerBytesMax: bytesMax)
        var deltas: [ModelDelta] = []
        do {
            for data in events { deltas += try machine.receive(.init(name: name, data: data)) }
            return (deltas, .success(try machine.finish()))
        } catch {
            return (deltas, .failure(error))
        }
    }

    private func choice(_ delta: String, finish: String = "null") -> String {
        #"{"id":"c","choices":[{"index":0,"delta":\#(delta),"logprobs":null,"finish_reason":\#(finish)}],"#
            + #""extra":[1]}"#
    }

    @Test("the shapes of llama-cpp-python make an answer without usage")
    func llama() throws {
        let result = read([
            choice(#"{"role":"assistant"}"#), choice(#"{"content":" Hel"}"#), choice(#"{"content":"lo"}"#),
            choice("{}", finish: #""stop""#), "[DONE]",
        ])
        #expect(result.deltas == [.text(" Hel"), .text("lo")])
        #expect(try result.finish.get() == ModelFinish(stopReason: "stop"))
    }

    @Test(
        "usage is read wherever servers put it",
        arguments: [
            [#"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":1,"x":{}}}"#],
            [#"{"choices":null,"usage":{"prompt_tokens":4,"completion_tokens":1}}"#],
            [#"{"usage":{"prompt_tokens":4,"completion_tokens":1}}"#],
        ])
    func usage(events: [String]) throws {
        let result = read(
            [choice(#"{"content":"a"}"#), choice("{}", finish: #""stop""#)] + events + ["[DONE]"])
        let finish = try result.finish.get()
        #expect(finish == ModelFinish(stopReason: "stop", usage: .init(inputTokens: 4, outputTokens: 1)))
    }

    @Test("a body that ends after a finish reason is whole, also without [DONE]")
    func noDone() throws {
        let result = read([choice(#"{"content":"a"}"#, finish: #""length""#)])
        #expect(try result.finish.get().stopReason == "length")
        #expect(result.deltas == [.text("a")])
    }

    @Test("no finish reason means cut off, [DONE] or not", arguments: [["[DONE]"], []])
    func cutOff(end: [String]) throws {
        let result = read([choice(#"{"content":"a"}"#)] + end)
        #expect(throws: UpstreamFailure.self) { try result.finish.get() }
        guard case .failure(let failure) = result.finish else { return }
        #expect(failure.error.kind == .cutOff)
    }

    @Test("reasoning is kept apart from the answer, by either name")
    func reasoning() {
        let result = read([
            choice(#"{"reasoning_content":"hm","content":null}"#),
            choice(#"{"reasoning":"so","content":""}"#),
            choice(#"{"reasoning_content":"x","reasoning":"x"}"#),
            choice(#"{"content":"42"}"#, finish: #""stop""#),
        ])
        #expect(result.deltas == [.reasoning("hm"), .reasoning("so"), .reasoning("x"), .text("42")])
    }

    @Test("content may be an array of parts, and a refusal is the answer")
    func parts() {
        let parts =
            #"{"content":[{"type":"text","text":"a"},{"type":"thinking","text":"no"},"#
            + #"{"type":"text","text":"b"}]}"#
        let result = read([choice(parts), choice(#"{"refusal":"I cannot."}"#, finish: #""stop""#)])
        #expect(result.deltas == [.text("ab"), .text("I cannot.")])
    }

    @Test(
        "members of unexpected types, other choices and unknown objects are passed over",
        arguments: [
            #"{"choices":[{"index":1,"delta":{"content":"other"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":7}}]}"#,
            #"{"choices":{}}"#, #"{"choices":[{}]}"#, #"{"prompt_filter_results":[]}"#,
            #"{"choices":[],"error":null}"#, "",
            #"{"choices":[{"delta":null,"finish_reason":""}]}"#,
        ])
    func passedOver(data: String) throws {
        let result = read([data, choice(#"{"content":"a"}"#, finish: #""stop""#)])
        #expect(result.deltas == [.text("a")])
        #expect(try result.finish.get().stopReason == "stop")
    }

    @Test(
        "an error object inside the stream ends it, after the text before it",
        arguments: [
            (#"{"error":{"message":"m","type":"server_error","code":null}}"#, ModelError.Kind.unavailable),
            (#"{"error":{"message":"m","code":429}}"#, .throttled),
            (#"{"error":"overloaded"}"#, .unavailable),
            (#"{"error":{"code":"context_length_exceeded"}}"#, .tooLong),
            (#"{"error":{"message":"This model's maximum context length is 2048 tokens"}}"#, .tooLong),
            (#"{"error":{"code":401}}"#, .unauthorized), (#"{"error":7}"#, .unavailable),
        ])
    func errorObject(data: String, kind: ModelError.Kind) {
        let result = read([choice(#"{"content":"a"}"#), data, "[DONE]"])
        #expect(result.deltas == [.text("a")])
        guard case .failure(let failure) = result.finish else {
            Issue.record("it did not fail")
            return
        }
        #expect(failure.error.kind == kind)
        #expect(!(failure.error.detail ?? "").contains("message"))
    }

    @Test("an event named error is an error, JSON or not", arguments: ["Bad things", #"{"message":"m"}"#])
    func errorEvent(data: String) {
        guard case .failure(let failure) = read([data], name: "error").finish else {
            Issue.record("it did not fail")
            return
        }
        #expect(failure.error.kind == .unavailable)
    }

    @Test("something that is no JSON is malformed", arguments: ["<html>", "{", "[1", "hello"])
    func malformed(data: String) {
        guard case .failure(let failure) = read([data]).finish else {
            Issue.record("it did not fail")
            return
        }
        #expect(failure.error.kind == .malformed)
        #expect(!failure.isTransient)
    }

    @Test("an answer past its bound ends with `length` and no split character", arguments: [4, 5, 6, 7])
    func bounded(bytesMax: Int) throws {
        let result = read(
            [choice(#"{"content":"abc"}"#), choice(#"{"content":"é🙂"}"#), "junk"], bytesMax: bytesMax)
        #expect(try result.finish.get().stopReason == "length")
        #expect(result.deltas == (bytesMax < 5 ? [.text("abc")] : [.text("abc"), .text("é")]))
    }

    @Test("a filtered answer is refused when nothing of it came, and kept when something did")
    func filtered() throws {
        guard
            case .failure(let failure) = read([choice("{}", finish: #""content_filter""#), "[DONE]"]).finish
        else {
            Issue.record("it did not fail")
            return
        }
        #expect(failure.error.kind == .refused)
        let partial = read([
            choice(#"{"content":"a"}"#), choice("{}", finish: #""content_filter""#), "[DONE]",
        ])
        #expect(try partial.finish.get().stopReason == "content_filter")
    }
}
