import CSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Connection {
    /// Writes the whole database as an ordinary one, in a rollback journal mode and with the stock VFS, and
    /// makes it durable. Outside of a transaction.
    /// - Parameter path: absolute; there must be nothing yet.
    /// - Throws: `SystemCallError` when the file cannot be made, `SQLiteError`; then no file is left behind.
    func export(to path: String) throws {
        // VACUUM INTO takes an empty file: so it has our mode from the first moment on, and never is somebody
        // else's.
        let file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL)
        do {
            try run("VACUUM INTO ?", [.text("file:" + Self.escaped(path) + "?vfs=unix")])
            // > the output database is not synced .. fsync() is not invoked for VACUUM INTO.
            try file.sync()
        } catch {
            unlink(path)
            throw error
        }
    }

    /// > Every sequence of the form "%HH" (where H is a hexadecimal digit) is replaced by its byte, and "?"
    /// > and "#" end the path. https://www.sqlite.org/uri.html
    private static func escaped(_ path: String) -> String {
        path.reduce(into: "") { text, character in
            switch character {
            case "%": text += "%25"
            case "?": text += "%3f"
            case "#": text += "%23"
            default: text.append(character)
            }
        }
    }
}
