import ChatCore

/// The table `schema_migration` of a shard, inside a transaction: which migrations it has had, and who can
/// live with them.
struct SchemaHistory {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// The table's name; it is the migrator's and in no migration.
    static let table = "schema_migration"

    /// Makes the table, or brings one up that knows nothing of minimal versions yet.
    func prepare() throws(SQLiteError) {
        try connection.run(
            """
            CREATE TABLE IF NOT EXISTS schema_migration (
                version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
                applied_ms INTEGER NOT NULL, host TEXT NOT NULL, duration_ms INTEGER NOT NULL,
                min_reader INTEGER, min_writer INTEGER
            ) STRICT
            """)
        guard try !knowsMinimalVersions() else { return }
        try connection.run("ALTER TABLE schema_migration ADD COLUMN min_reader INTEGER")
        try connection.run("ALTER TABLE schema_migration ADD COLUMN min_writer INTEGER")
    }

    private func knowsMinimalVersions() throws(SQLiteError) -> Bool {
        try connection.rows("PRAGMA table_info(schema_migration)") { row throws(SQLiteError) in
            try row.text(1)
        }.contains("min_reader")
    }

    /// In ascending order; the table exists. What is not said means that only a program which has the
    /// migration can live with it.
    func applied() throws(SQLiteError) -> [SchemaStatus.Applied] {
        let minimal =
            try knowsMinimalVersions()
            ? "ifnull(min_reader, version), ifnull(min_writer, version)" : "version, version"
        return try connection.rows(
            """
            SELECT version, name, checksum, applied_ms, host, duration_ms, \(minimal)
            FROM schema_migration ORDER BY version
            """
        ) { row throws(SQLiteError) in
            SchemaStatus.Applied(
                version: try row.int(0), name: try row.text(1), checksum: try row.text(2),
                applied: Timestamp(milliseconds: try row.int64(3)), host: try row.text(4),
                durationMilliseconds: try row.int(5), minReader: try row.int(6), minWriter: try row.int(7))
        }
    }

    /// Writes down that a migration was applied; one of the same version gives way.
    func add(
        _ migration: Migration, at time: Timestamp, host: String, durationMilliseconds: Int
    ) throws(SQLiteError) {
        try connection.run(
            """
            INSERT OR REPLACE INTO schema_migration
                (version, name, checksum, applied_ms, host, duration_ms, min_reader, min_writer)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(migration.version), .text(migration.name), .text(migration.checksum),
                .integer(time.milliseconds), .text(host), .integer(durationMilliseconds),
                .integer(migration.minReader), .integer(migration.minWriter),
            ])
    }
}
