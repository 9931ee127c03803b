import AsyncHTTPClient
import ChatCore
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an OpenAI-compatible server says it has: `GET {base}/models`.
struct ModelDiscovery {
    /// One model of the list.
    struct Found: Equatable {
        var id: String
        /// Only a few servers tell.
        var contextTokensMax: Int?
    }

    static let bytesMax = 4 << 20
    static let modelsMax = 100

    /// Parts of names that no chat model has: OpenAI lists everything it sells in one list, without a type.
    private static let otherKinds = [
        "embed", "whisper", "tts", "dall-e", "moderation", "transcribe", "image", "realtime", "audio", "sora",
        "babbage", "davinci", "rerank",
    ]

    let http: ModelHTTPClient
    let deadlineMilliseconds: Int

    /// Asks once.
    /// - Throws: ``ModelError``.
    func models(of endpoint: OpenAIEndpoint) async throws -> [Found] {
        try await withThrowingTaskGroup(of: [Found].self) { group in
            group.addTask { try await ask(endpoint) }
            group.addTask {
                try await Task.sleep(for: .milliseconds(deadlineMilliseconds))
                throw ModelError(.timedOut, detail: "no list of models after \(deadlineMilliseconds) ms")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    private func ask(_ endpoint: OpenAIEndpoint) async throws -> [Found] {
        var request = HTTPClientRequest(url: endpoint.baseURL + "/models")
        request.headers = endpoint.headers(accept: "application/json")
        let bytes: ByteBuffer
        do {
            let response = try await http.client.execute(
                request, timeout: .milliseconds(Int64(deadlineMilliseconds)))
            guard response.status == .ok else {
                throw UpstreamFailure.answer(
                    status: Int(response.status.code), body: await ErrorBodyReader.read(response.body),
                    headers: response.headers)
            }
            bytes = try await response.body.collect(upTo: Self.bytesMax)
        } catch let failure as UpstreamFailure {
            throw failure.error
        } catch is NIOTooManyBytesError {
            throw ModelError(.malformed, detail: "a list of models of more than \(Self.bytesMax) bytes")
        } catch {
            throw UpstreamFailure.transport(error, hasBegun: false).error
        }
        guard let list = Self.chatModels(in: Data(bytes.readableBytesView)) else {
            throw ModelError(.malformed, detail: "no list of models at that base URL")
        }
        return list
    }

    /// The chat models of a list, in its order, each once; nil when it is no such list.
    static func chatModels(in body: Data) -> [Found]? {
        guard let list = try? JSONDecoder().decode(List.self, from: body) else { return nil }
        var seen: Set<String> = []
        let found = list.data.compactMap { entry -> Found? in
            guard let id = entry.id, (1...Limits.modelIDBytesMax).contains(id.utf8.count) else { return nil }
            let name = id.lowercased()
            guard !otherKinds.contains(where: { name.contains($0) }), seen.insert(id).inserted else {
                return nil
            }
            return Found(id: id, contextTokensMax: entry.contextTokensMax)
        }
        return Array(found.prefix(modelsMax))
    }

    private struct List: Decodable {
        var data: [Entry]
    }

    private struct Entry: Decodable {
        var id: String?
        var contextTokensMax: Int?

        private enum Key: String, CodingKey {
            case id
            /// vLLM.
            case maxModelLength = "max_model_len"
            /// OpenRouter and Together.
            case contextLength = "context_length"
            /// Groq.
            case contextWindow = "context_window"
        }

        init(from decoder: any Decoder) throws {
            guard let members = try? decoder.container(keyedBy: Key.self) else { return }
            id = members.tolerant(String.self, .id)
            let told = [Key.maxModelLength, .contextLength, .contextWindow].compactMap {
                members.tolerant(Int.self, $0)
            }
            contextTokensMax = told.first { $0 > 0 }
        }
    }
}
