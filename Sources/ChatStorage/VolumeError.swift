/// Why a folder cannot be used as a volume, in a sentence for its operator.
package struct VolumeError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, for machines and tests.
    package enum Code: String, Sendable, CaseIterable {
        case missing, notAFolder = "not_a_folder", unreadable, notWritable = "not_writable", readOnly =
            "read_only"
        case full, unsupported, noManifest = "no_manifest", lostManifest = "lost_manifest"
        case malformedManifest = "malformed_manifest", newerFormat = "newer_format", otherStore =
            "other_store"
        case otherEngine = "other_engine", noAnswer = "no_answer", taskIDTaken = "task_id_taken", failed
        case moved
    }

    /// What is wrong, for machines.
    package let code: Code
    /// What is wrong and what to do, for people. Names the volume's folder, never a file of a session.
    package let message: String

    /// `message` is a whole sentence.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(message) [\(code.rawValue)]" }
}
