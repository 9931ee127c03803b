import ChatCore
import Hummingbird

extension Request {
    /// The value of a parameter of the query, or nil.
    /// - Throws: ``ChatError/Code/invalid`` when it is there twice.
    func query(_ name: String) throws -> String? {
        let values = uri.queryParameters.filter { $0.key == name }
        guard values.count <= 1 else {
            throw ChatError(.invalid, "The parameter `\(name)` is there more than once.")
        }
        return values.first.map { String($0.value) }
    }

    /// How many things a page may have; more than `most` is cut to that.
    /// - Throws: ``ChatError/Code/invalid`` when it is no number from 1 on.
    func limit(default usual: Int, most: Int) throws -> Int {
        guard let text = try query("limit") else { return usual }
        guard let limit = Int(text), limit >= 1 else {
            throw ChatError(.invalid, "The parameter `limit` must be a number from 1 to \(most).")
        }
        return min(limit, most)
    }

    /// Whether messages are wanted with their HTML.
    /// - Throws: ``ChatError/Code/invalid`` for anything but `html`.
    func rendersHTML() throws -> Bool {
        switch try query("render") {
        case nil: return false
        case "html": return true
        default: throw ChatError(.invalid, "The parameter `render` can only be `html`.")
        }
    }
}
