import ChatCore
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// What a request carries on its way through middleware and routes.
struct ChatRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection it came on.
    let channel: any Channel
    /// What its log line will say.
    let record = RequestRecord()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// What is learned about a request while it is answered, for its line in the log. Never a key, a text or a
/// value of the query.
final class RequestRecord: Sendable {
    private let state = Mutex<(session: SessionID?, conversation: ConversationID?)>((nil, nil))

    /// The session whose key it carried.
    var session: SessionID? {
        get { state.withLock { $0.session } }
        set { state.withLock { $0.session = newValue } }
    }

    /// The conversation it was about.
    var conversation: ConversationID? {
        get { state.withLock { $0.conversation } }
        set { state.withLock { $0.conversation = newValue } }
    }
}
