/// What AWS asks for the calls of an operation, in the throughput mode Elastic, which is billed by the byte.
///
/// The rules are those of "How Amazon EFS reports file system and object sizes" (EFS user guide,
/// metered-sizes): a data operation counts as at least 32 KiB, a metadata operation as at least 4 KiB. The
/// guide does not say what a lock is; here every call that moves no data is a metadata operation, billed as a
/// read when it only asks and as a write when it changes something. Storage is not in it.
enum EFSPrice {
    /// When the prices were looked up.
    static let date = "2026-11"
    static let region = "us-east-1"
    /// US dollars for 10^9 bytes.
    static let read = 0.03
    static let write = 0.06
    static let dataBytesMin = 32 * 1_024
    static let metadataBytesMin = 4 * 1_024

    /// Calls that change the file system or its state. OPEN is here because most that cost are creations;
    /// OPEN_NOATTR is how Linux opens for reading.
    private static let changing: Set<String> = [
        "COMMIT", "OPEN", "CLOSE", "CREATE", "REMOVE", "RENAME", "LINK", "SYMLINK", "SETATTR", "LOCK",
        "LOCKU",
        "ALLOCATE", "DEALLOCATE",
    ]
    /// Calls of the session itself, which the guide does not meter.
    private static let free: Set<String> = [
        "SEQUENCE", "FREE_STATEID", "TEST_STATEID", "RENEW", "EXCHANGE_ID", "CREATE_SESSION",
        "DESTROY_SESSION",
        "DESTROY_CLIENTID", "RECLAIM_COMPLETE", "SECINFO_NO_NAME", "SERVER_CAPS", "FSINFO", "PATHCONF",
    ]

    /// US dollars for all these calls.
    static func dollars(_ cost: Cost) -> Double {
        cost.calls.reduce(0) { sum, call in
            let (name, count) = call
            guard !free.contains(name) else { return sum }
            let isData = name == "READ" || name == "WRITE"
            let least = count * (isData ? dataBytesMin : metadataBytesMin)
            let bytes = isData ? max(least, cost.bytes[name] ?? 0) : least
            let price = name == "WRITE" || changing.contains(name) ? write : read
            return sum + Double(bytes) / 1e9 * price
        }
    }
}
