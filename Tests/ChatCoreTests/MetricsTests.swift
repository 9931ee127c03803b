import ChatCore
import ChatTesting
import Testing

@Suite("Metrics")
struct MetricsTests {
    @Test("the page is Prometheus's text format")
    func format() {
        let histogram = Histogram(.milliseconds([1, 2.5, 1_000]))
        for duration in [Duration.zero, .milliseconds(1), .microseconds(1_001), .seconds(3)] {
            histogram.record(duration)
        }
        var page = MetricsPage()
        page.counter("a_total", "Things.", [.init([:], 3), .init(["name": "a \"b\" \\ \n"], 0.25)])
        page.histogram("b_seconds", "Time.", [(["kind": "x"], histogram)])
        page.gauge("nothing", "No sample, so no line.", [])
        #expect(
            page.text == """
                # HELP stoa_a_total Things.
                # TYPE stoa_a_total counter
                stoa_a_total 3
                stoa_a_total{name="a \\"b\\" \\\\ \\n"} 0.25
                # HELP stoa_b_seconds Time.
                # TYPE stoa_b_seconds histogram
                stoa_b_seconds_bucket{kind="x",le="0.001"} 2
                stoa_b_seconds_bucket{kind="x",le="0.0025"} 3
                stoa_b_seconds_bucket{kind="x",le="1"} 3
                stoa_b_seconds_bucket{kind="x",le="+Inf"} 4
                stoa_b_seconds_sum{kind="x"} 3.002001
                stoa_b_seconds_count{kind="x"} 4

                """)
    }

    @Test("counts from many threads are all there")
    func concurrency() async {
        let counter = Counter()
        let histogram = Histogram(.batch)
        await withTaskGroup { group in
            for value in 0..<64 {
                group.addTask {
                    for _ in 0..<1_000 {
                        counter.add()
                        histogram.record(value)
                    }
                }
            }
        }
        #expect(counter.value == 64_000)
        #expect(histogram.count == 64_000)
    }

    private static let prompt = ModelPrompt(system: nil, messages: [.init(role: .user, text: "?")])

    private static func lines(_ source: any MetricsSource) async -> Set<Substring> {
        Set(await MetricsPage.of([source]).text.split(separator: "\n"))
    }

    @Test("a model's answers are counted by their end, its first token and whole answers are timed")
    func models() async throws {
        let model = ScriptedModel(
            id: "m", [.text("a"), .text("b")], [.text("a"), .fail(ModelError(.throttled))],
            [.fail(ModelError(.timedOut))], [.gate],
            finish: ModelFinish(stopReason: "stop", usage: Message.Usage(inputTokens: 7, outputTokens: 2)))
        let models = try MeasuredModels(try ModelCatalogue([model, ScriptedModel(id: "other", [])]))
        let measured = try models.catalogue.model("m")
        _ = try await measured.answer(to: Self.prompt) { _ in }
        for _ in 0..<2 {
            await #expect(throws: ModelError.self) { try await measured.answer(to: Self.prompt) { _ in } }
        }
        let asked = Task { try await measured.answer(to: Self.prompt) { _ in } }
        while await !Self.lines(models).contains(#"stoa_model_running{model="m"} 1"#) { await Task.yield() }
        asked.cancel()
        _ = await asked.result

        let lines = await Self.lines(models)
        for expected in [
            #"stoa_model_requests_total{model="m",end="complete"} 1"#,
            #"stoa_model_requests_total{model="m",end="throttled"} 1"#,
            #"stoa_model_requests_total{model="m",end="timed_out"} 1"#,
            #"stoa_model_requests_total{model="m",end="cancelled"} 1"#,
            #"stoa_model_requests_total{model="other",end="complete"} 0"#,
            #"stoa_model_first_token_seconds_count{model="m"} 2"#,
            #"stoa_model_answer_seconds_count{model="m"} 1"#,
            #"stoa_model_tokens_total{model="m",direction="input"} 7"#,
            #"stoa_model_tokens_total{model="m",direction="output"} 2"#,
            #"stoa_model_running{model="m"} 0"#,
        ] {
            #expect(lines.contains(expected[...]), "\(expected)")
        }
    }
}
