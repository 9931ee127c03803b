import ChatCore
import HTTPTypes
import Hummingbird
import Logging

/// Turns errors into answers, and logs what is a defect of ours with its private cause.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = ChatRequestContext

    /// Knows which methods a path takes.
    let routes: RouteList

    func handle(
        _ request: Request, context: ChatRequestContext,
        next: (Request, ChatRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            if let error = error as? HTTPError, error.status == .notFound {
                let allowed = routes.methods(of: request.uri.path)
                if !allowed.isEmpty { return Problem.methodNotAllowed(allowing: allowed).response }
            }
            Self.log(error, context)
            return Problem(of: error).response
        }
    }

    /// What nobody but the operator can mend is said at level error; a volume that is away at warning.
    static func log(_ error: any Error, _ context: ChatRequestContext) {
        switch error {
        case let error as ChatError:
            switch error.code {
            case .internal: context.logger.error("request failed", metadata: ["error": "\(error)"])
            case .unavailable: context.logger.warning("request failed", metadata: ["error": "\(error)"])
            default: break
            }
        case is HTTPError, is RequestFault, is CancellationError: break
        default: context.logger.error("request failed", metadata: ["error": "\(type(of: error)): \(error)"])
        }
    }
}
