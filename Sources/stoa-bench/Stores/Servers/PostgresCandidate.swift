#if DatabaseServers
    import CPostgres
    import ChatCore
    import ChatStorage

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #else
        import Darwin
    #endif

    /// The same chat in PostgreSQL: rows for conversations, messages and parts of running answers, one
    /// transaction an operation, prepared statements, the server's own settings (`synchronous_commit` is on
    /// as installed, and required).
    final class PostgresCandidate: Candidate {
        private let pool: ConnectionPool<PostgresConnection>
        let repetitions = 0

        /// - Parameter url: as libpq takes it.
        /// - Throws: ``Refusal`` when the server is not there or does not promise durability.
        init(url: String) async throws {
            pool = try await ConnectionPool { try PostgresConnection(url) }
            try await pool.run(0) { connection in
                guard try connection.ask("show synchronous_commit", []).first == "on",
                    try connection.ask("show fsync", []).first == "on"
                else { throw Refusal("PostgreSQL does not write before it answers: synchronous_commit") }
                for statement in Self.schema { _ = try connection.ask(statement, []) }
            }
        }

        /// One at a time: several hosts begin at once.
        private static let schema = [
            "select pg_advisory_lock(7305)",
            """
            create table if not exists stoa_bench_conversation(
              session text, id text, version bigint not null, updated bigint not null,
              primary key(session, id))
            """,
            """
            create table if not exists stoa_bench_message(
              session text, conversation text, position bigint, id text not null, state text not null,
              body text not null, primary key(session, conversation, position),
              unique(session, conversation, id))
            """,
            """
            create table if not exists stoa_bench_part(
              session text, conversation text, id text, at bigint, body text not null,
              primary key(session, conversation, id, at))
            """,
            "select pg_advisory_unlock(7305)",
        ]

        func make(_ place: ConversationReference) async throws {
            try await ask(
                "insert into stoa_bench_conversation values($1, $2, 1, 0) on conflict do nothing", place, [])
        }

        func begin(_ prompt: String, in place: ConversationReference) async throws -> BenchAnswer {
            let answer = BenchAnswer(place: place, prompt: .random(), answer: .random())
            try await ask(
                """
                with c as (update stoa_bench_conversation set version = version + 2, updated = updated + 1
                  where session = $1 and id = $2 returning version)
                insert into stoa_bench_message select $1, $2, c.version - 1, $3, 'complete', $4 from c
                union all select $1, $2, c.version, $5, 'running', '' from c
                """, place, [answer.prompt.rawValue, prompt, answer.answer.rawValue])
            return answer
        }

        func history(before answer: BenchAnswer) async throws -> Int {
            try await ask(
                """
                select body from stoa_bench_message where session = $1 and conversation = $2
                order by position desc limit 20
                """, answer.place, []
            ).count
        }

        func append(_ text: String, to answer: BenchAnswer) async throws {
            try await ask(
                "insert into stoa_bench_part values($1, $2, $3, $4::text::bigint, $5)", answer.place,
                [answer.answer.rawValue, "\(answer.length)", text])
        }

        func finish(_ answer: BenchAnswer, with text: String) async throws {
            try await ask(
                """
                with p as (delete from stoa_bench_part where session = $1 and conversation = $2 and id = $3
                  returning at, body),
                c as (update stoa_bench_conversation set version = version + 1, updated = updated + 1
                  where session = $1 and id = $2)
                update stoa_bench_message set state = 'complete',
                  body = coalesce((select string_agg(body, '' order by at) from p), '') || $4
                where session = $1 and conversation = $2 and id = $3
                """, answer.place, [answer.answer.rawValue, text])
        }

        func open(_ place: ConversationReference) async throws -> Int {
            try await ask(
                """
                select m.body || coalesce((select string_agg(p.body, '' order by p.at) from stoa_bench_part p
                  where m.state = 'running' and p.session = $1 and p.conversation = $2 and p.id = m.id), '')
                from stoa_bench_message m where m.session = $1 and m.conversation = $2
                order by m.position desc limit 20
                """, place, []
            ).count
        }

        func list(_ session: SessionID) async throws -> Int {
            try await pool.run(session.poolHash) {
                try $0.ask(
                    """
                    select id from stoa_bench_conversation where session = $1 order by updated desc limit 50
                    """, [session.hexadecimal]
                ).count
            }
        }

        func poll(_ place: ConversationReference) async throws {
            try await ask(
                "select version::text from stoa_bench_conversation where session = $1 and id = $2", place, [])
        }

        func close() async { await pool.close() }

        /// Removes the tables of the benchmark and closes.
        func forget() async throws {
            try await pool.run(0) { connection in
                for table in ["conversation", "message", "part"] {
                    _ = try connection.ask("drop table if exists stoa_bench_\(table)", [])
                }
            }
            await close()
        }

        @discardableResult
        private func ask(
            _ sql: String, _ place: ConversationReference, _ values: [String]
        ) async throws -> [String] {
            let all = [place.session.hexadecimal, place.conversation.rawValue] + values
            return try await pool.run(place.poolHash) { try $0.ask(sql, all) }
        }
    }

    /// One connection; belongs to one thread.
    final class PostgresConnection: PooledConnection {
        private let handle: OpaquePointer
        private var prepared: [String: String] = [:]

        init(_ url: String) throws {
            guard let handle = PQconnectdb(url) else { throw Refusal("no memory for PostgreSQL") }
            guard PQstatus(handle) == CONNECTION_OK else {
                PQfinish(handle)
                throw Refusal("PostgreSQL does not answer, or refuses: see --postgres-url")
            }
            self.handle = handle
            _ = try ask("set client_min_messages = error", [])
        }

        func close() { PQfinish(handle) }

        /// Runs one statement; the first column of its rows.
        func ask(_ sql: String, _ values: [String]) throws -> [String] {
            let name = try prepared[sql] ?? prepare(sql)
            let copies = values.map { strdup($0) }
            defer { for copy in copies { free(copy) } }
            let pointers = copies.map { UnsafePointer($0) }
            let result = PQexecPrepared(handle, name, Int32(values.count), pointers, nil, nil, 0)
            defer { PQclear(result) }
            let status = PQresultStatus(result)
            guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw failure() }
            return (0..<PQntuples(result)).map { row in
                PQgetvalue(result, row, 0).map { String(cString: $0) } ?? ""
            }
        }

        private func prepare(_ sql: String) throws -> String {
            let name = "s\(prepared.count)"
            let result = PQprepare(handle, name, sql, 0, nil)
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure() }
            prepared[sql] = name
            return name
        }

        private func failure() -> Refusal {
            Refusal("PostgreSQL: \(PQerrorMessage(handle).map { String(cString: $0) } ?? "error")")
        }
    }
#endif
