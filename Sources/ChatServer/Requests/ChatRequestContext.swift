import ChatCore
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// What a request carries on its way through middleware and routes.
struct ChatRequestContext: RequestContext, Sendable {
    var coreContext: CoreRequestContextStorage
    /// The connection it came on.
    let channel: any Channel
    /// What its log line will say.
    let record = RequestRecord()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The same; whatever is logged with it names the request.
    func named(_ id: String) -> ChatRequestContext {
        var context = self
        context.logger[metadataKey: "hb.request.id"] = nil
        context.logger[metadataKey: "request"] = .string(id)
        return context
    }

    /// The path as it was routed; nil when there is no such path.
    var routeTemplate: String? { endpointPath == "NotFound" ? nil : endpointPath }
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
