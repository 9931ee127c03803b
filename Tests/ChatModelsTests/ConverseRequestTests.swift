import ChatCore
import Testing

@testable import ChatModels

@Suite struct ConverseRequestTests {
    private func body(
        _ messages: [(Message.Role, String)], system: String? = nil,
        _ change: (inout BedrockModel.Settings) -> Void = { _ in }
    ) throws -> String {
        let prompt = ModelPrompt(
            system: system, messages: messages.map { .init(role: $0.0, text: $0.1) })
        let request = ConverseRequest(prompt: prompt, settings: Asking.bedrockSettings(change))
        return String(decoding: try request.encoded(), as: UTF8.self)
    }

    @Test("what is not set is not sent")
    func bare() throws {
        #expect(
            try body([(.user, "Hi \"é\"")])
                == #"{"messages":[{"content":[{"text":"Hi \"é\""}],"role":"user"}]}"#)
    }

    @Test("what is set is sent")
    func full() throws {
        let text = try body([(.user, "Hi")], system: "Be brief.") {
            $0.outputTokensMax = 9
            $0.temperature = 0.5
            $0.topP = 0.25
            $0.stop = ["END"]
        }
        #expect(
            text
                == #"{"inferenceConfig":{"maxTokens":9,"stopSequences":["END"],"temperature":0.5,"#
                + #""topP":0.25},"#
                + #""messages":[{"content":[{"text":"Hi"}],"role":"user"}],"system":[{"text":"Be brief."}]}"#)
    }

    @Test("the history is repaired: user first, alternating, nothing blank")
    func repaired() throws {
        let text = try body([
            (.assistant, "x"), (.user, " \n"), (.user, "a"), (.user, "b"), (.assistant, ""), (.user, "c"),
            (.assistant, "d"), (.user, "e"),
        ])
        #expect(
            text
                == #"{"messages":[{"content":[{"text":"a"},{"text":"b"},{"text":"c"}],"role":"user"},"#
                + #"{"content":[{"text":"d"}],"role":"assistant"},{"content":[{"text":"e"}],"role":"user"}]}"#
        )
    }

    @Test("an answer that goes on loses the white space at its end, others keep theirs")
    func prefill() throws {
        #expect(
            try body([(.user, "a "), (.assistant, "Once upon \n")])
                == #"{"messages":[{"content":[{"text":"a "}],"role":"user"},"#
                + #"{"content":[{"text":"Once upon"}],"role":"assistant"}]}"#)
    }

    @Test("a model without system prompts is told in front of the first message")
    func systemInFront() throws {
        #expect(
            try body([(.user, "Hi")], system: "Be brief.") { $0.takesSystemPrompt = false }
                == #"{"messages":[{"content":[{"text":"Be brief."},{"text":"Hi"}],"role":"user"}]}"#)
        #expect(try body([(.user, "Hi")], system: " ") == body([(.user, "Hi")]))
    }

    @Test("an id is one segment of the path, and a region names its host")
    func paths() throws {
        let endpoint = try #require(BedrockEndpoint(region: "eu-central-1"))
        #expect(
            endpoint.url(of: "arn:aws:bedrock:us-east-1:1:inference-profile/us.a-v1:0")
                == "https://bedrock-runtime.eu-central-1.amazonaws.com/model/"
                + "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a-v1%3A0/converse-stream")
        #expect(
            BedrockEndpoint(region: "cn-north-1")?.address.authority
                == "bedrock-runtime.cn-north-1.amazonaws.com.cn")
        let own = try #require(BedrockEndpoint(region: "r", baseURL: "http://h:80/a/b/"))
        #expect(own.path(of: "m") == "/a/b/model/m/converse-stream")
        #expect(own.url(of: "m") == "http://h:80/a/b/model/m/converse-stream")
        #expect(own.address.authority == "h")
        for region in ["", "a.b", "a/b", "é"] { #expect(BedrockEndpoint(region: region) == nil) }
    }
}
