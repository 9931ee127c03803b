import ChatCore
import Dispatch
import NIOCore
import Synchronization

/// Renders messages for all readers of this task, each thing once.
///
/// An actor on a queue of its own: cmark takes milliseconds for a long text, which neither an event loop nor
/// the cooperative pool may be held up for. One queue, so rendering never takes more than one core from the
/// rest; what waits for it is bounded by the streams and requests that the task admits.
actor AnswerRenderer {
    private static let growingBytesMax = 16 * 1024 * 1024
    private static let wholeBytesMax = 16 * 1024 * 1024
    private static let deltasBytesMax = 8 * 1024 * 1024

    private struct WholeKey: Hashable, Sendable {
        let message: MessageID
        let version: Int
        let bytes: Int
    }

    /// Names the bytes of a delta event. Readers that stand at the same place get the same bytes.
    private struct DeltaKey: Hashable, Sendable {
        let growth: AnswerGrowth
        let cursor: Cursor
    }

    private let executor = RenderingExecutor()
    private var growing = BoundedCache<MessageID, AnswerRendering>(costMax: growingBytesMax)
    private var whole = BoundedCache<WholeKey, [String]>(costMax: wholeBytesMax)
    private let deltas = Mutex(BoundedCache<DeltaKey, ByteBuffer>(costMax: deltasBytesMax))

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// The blocks of each of `messages` that is an answer, by its id.
    func blocks(of messages: [Message]) -> [MessageID: [String]] {
        var blocks: [MessageID: [String]] = [:]
        for message in messages where message.role == .assistant {
            blocks[message.id] = self.blocks(of: message)
        }
        return blocks
    }

    private func blocks(of message: Message) -> [String] {
        if message.state == .running {
            return rendering(of: message.id, text: message.text).blocks.map(\.html)
        }
        let key = WholeKey(message: message.id, version: message.version, bytes: message.text.utf8.count)
        if let known = whole[key] { return known }
        let blocks = AnswerRendering.whole(message.text)
        whole.store(blocks, for: key, cost: blocks.reduce(256) { $0 + $1.utf8.count })
        return blocks
    }

    /// The event that tells a reader who has what was said before `growth` about it, with its blocks.
    nonisolated func delta(_ growth: AnswerGrowth, whole text: String, cursor: Cursor) async -> ByteBuffer {
        let key = DeltaKey(growth: growth, cursor: cursor)
        if let known = deltas.withLock({ $0[key] }) { return known }
        return await makeDelta(key, whole: text)
    }

    private func makeDelta(_ key: DeltaKey, whole text: String) -> ByteBuffer {
        // Somebody else may have made it while this reader waited for its turn.
        if let known = deltas.withLock({ $0[key] }) { return known }
        let shown = text.utf8.count - key.growth.said.text.utf8.count
        let change = rendering(of: key.growth.message, text: text).change(after: shown, in: text)
        let event = ServerSentEvent.delta(key.growth, whole: text, change: change, cursor: key.cursor).bytes
        deltas.withLock { $0.store(event, for: key, cost: event.readableBytes + 256) }
        return event
    }

    private func rendering(of message: MessageID, text: String) -> AnswerRendering {
        let known = growing[message]
        let length = text.utf8.count
        if let known, known.length == length { return known }
        // A text shorter than the known one: a reader whose store is behind this task's memory.
        var rendering = known.flatMap { $0.length < length ? $0 : nil } ?? AnswerRendering()
        rendering.extend(to: text)
        if length > known?.length ?? 0 {
            growing.store(
                rendering, for: message, cost: rendering.blocks.reduce(1_024) { $0 + $1.html.utf8.count })
        }
        return rendering
    }
}

/// The queue that renders.
private final class RenderingExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "stoa.markdown")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
