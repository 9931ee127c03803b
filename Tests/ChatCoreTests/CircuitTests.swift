import ChatCore
import ChatTesting
import Testing

@Suite("A circuit")
struct CircuitTests {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    /// A circuit that has just opened.
    private func opened() throws -> Circuit {
        var circuit = Circuit()
        for _ in 0..<Circuit.awayMax {
            circuit.report(.away, of: try circuit.ask(at: start), at: start)
        }
        return circuit
    }

    @Test("stays closed while a model answers now and then")
    func closed() throws {
        var circuit = Circuit()
        for round in 0..<20 {
            let ticket = try circuit.ask(at: start)
            circuit.report(round % Circuit.awayMax == 0 ? .answered : .away, of: ticket, at: start)
            #expect(!circuit.isOpen)
        }
        for _ in 0..<20 { circuit.report(.unknown, of: try circuit.ask(at: start), at: start) }
        #expect(!circuit.isOpen)
    }

    @Test(
        "opens after as many absences in a row, refuses at once, and lets one through when its time is over")
    func opening() throws {
        var circuit = try opened()
        let error = #expect(throws: ModelError.self) { try circuit.ask(at: at(1_000)) }
        #expect(error?.kind == .unavailable)
        #expect(error?.retryAfterMilliseconds == Circuit.openMillisecondsMin - 1_000)
        let probe = try circuit.ask(at: at(Circuit.openMillisecondsMin))
        #expect(throws: ModelError.self) { try circuit.ask(at: at(Circuit.openMillisecondsMin)) }
        circuit.report(.answered, of: probe, at: at(6_000))
        #expect(!circuit.isOpen)
    }

    @Test("opens for twice as long with each probe in vain, up to a bound")
    func doubling() throws {
        var circuit = try opened()
        var now = 0, wait = Circuit.openMillisecondsMin
        for _ in 0..<10 {
            #expect(throws: ModelError.self) { try circuit.ask(at: at(now + wait - 1)) }
            now += wait
            let probe = try circuit.ask(at: at(now))
            circuit.report(.away, of: probe, at: at(now))
            wait = min(2 * wait, Circuit.openMillisecondsMax)
        }
        #expect(wait == Circuit.openMillisecondsMax)
    }

    @Test("a probe that was given up leaves the next one to probe; news from before changes nothing")
    func givenUp() throws {
        var circuit = Circuit()
        let before = try circuit.ask(at: start)
        for _ in 0..<Circuit.awayMax { circuit.report(.away, of: try circuit.ask(at: start), at: start) }
        let probe = try circuit.ask(at: at(5_000))
        circuit.report(.away, of: before, at: at(5_000))
        circuit.report(.unknown, of: before, at: at(5_000))
        #expect(throws: ModelError.self) { try circuit.ask(at: at(5_001)) }
        circuit.report(.unknown, of: probe, at: at(5_002))
        circuit.report(.answered, of: try circuit.ask(at: at(5_002)), at: at(5_003))
        #expect(!circuit.isOpen)
    }

    @Test("a guarded model that is away is asked a few times only, and asked again when it has answered")
    func guarded() async throws {
        let away = ScriptedModel([.fail(ModelError(.unavailable))])
        let model = GuardedModel(away)
        let prompt = ModelPrompt(system: nil, messages: [.init(role: .user, text: "Hi")])
        for _ in 0..<10 {
            await #expect(throws: ModelError.self) { try await model.answer(to: prompt) { _ in } }
        }
        #expect(away.prompts.count == Circuit.awayMax)

        let refusing = ScriptedModel([.fail(ModelError(.refused))])
        let guarded = GuardedModel(refusing)
        for _ in 0..<10 {
            await #expect(throws: ModelError.self) { try await guarded.answer(to: prompt) { _ in } }
        }
        #expect(refusing.prompts.count == 10, "a refusal is an answer")

        let breaking = ScriptedModel([.text("a"), .fail(ModelError(.timedOut))])
        let broken = GuardedModel(breaking)
        for _ in 0..<10 {
            await #expect(throws: ModelError.self) { try await broken.answer(to: prompt) { _ in } }
        }
        #expect(breaking.prompts.count == 10, "whoever began to answer is there")
    }
}
