#if DatabaseServers
    import CHiredis
    import ChatCore
    import ChatStorage

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #else
        import Darwin
    #endif

    /// The same chat in Redis: a conversation is a list of message ids and a counter, a message a hash with a
    /// string beside it that grows. Durable only with `appendfsync always`, which is set for the run.
    final class RedisCandidate: Candidate {
        private let pool: ConnectionPool<RedisConnection>
        let repetitions = 0

        /// - Parameter url: `redis://HOST:PORT/DB`.
        /// - Throws: ``Refusal`` when the server is not there or does not promise durability.
        init(url: String) async throws {
            let address = try RedisAddress(url)
            pool = try await ConnectionPool { try RedisConnection(address) }
            try await pool.run(0) { try $0.makeDurable() }
        }

        func make(_ place: ConversationReference) async throws {
            let (list, key) = (Self.sessionKey(place.session), Self.key(place))
            try await pool.run(place.poolHash) { connection in
                try connection.send([
                    ["HSETNX", key, "version", "1"], ["ZADD", list, "NX", "1", place.conversation.rawValue],
                ])
            }
        }

        func begin(_ prompt: String, in place: ConversationReference) async throws -> BenchAnswer {
            let answer = BenchAnswer(place: place, prompt: .random(), answer: .random())
            let key = Self.key(place)
            try await pool.run(place.poolHash) { connection in
                try connection.send([
                    ["HINCRBY", key, "version", "2"],
                    ["SET", Self.text(key, answer.prompt), prompt],
                    ["SET", Self.text(key, answer.answer), ""],
                    ["HSET", key, answer.answer.rawValue, "running"],
                    ["RPUSH", "\(key):messages", answer.prompt.rawValue, answer.answer.rawValue],
                ])
            }
            return answer
        }

        func history(before answer: BenchAnswer) async throws -> Int { try await open(answer.place) }

        func append(_ text: String, to answer: BenchAnswer) async throws {
            let key = Self.text(Self.key(answer.place), answer.answer)
            try await pool.run(answer.place.poolHash) { try $0.send([["APPEND", key, text]]) }
        }

        func finish(_ answer: BenchAnswer, with text: String) async throws {
            let key = Self.key(answer.place)
            try await pool.run(answer.place.poolHash) { connection in
                try connection.send([
                    ["APPEND", Self.text(key, answer.answer), text],
                    ["HSET", key, answer.answer.rawValue, "complete"],
                    ["HINCRBY", key, "version", "1"],
                    [
                        "ZINCRBY", Self.sessionKey(answer.place.session), "1",
                        answer.place.conversation.rawValue,
                    ],
                ])
            }
        }

        func open(_ place: ConversationReference) async throws -> Int {
            let key = Self.key(place)
            return try await pool.run(place.poolHash) { connection in
                let ids = try connection.ask(["LRANGE", "\(key):messages", "-20", "-1"])
                guard !ids.isEmpty else { return 0 }
                let texts = try connection.ask(["MGET"] + ids.map { "\(key):\($0)" })
                _ = try connection.ask(["HGET", key, "version"])
                return texts.count
            }
        }

        func list(_ session: SessionID) async throws -> Int {
            try await pool.run(session.poolHash) {
                try $0.ask(["ZREVRANGE", Self.sessionKey(session), "0", "49"]).count
            }
        }

        func poll(_ place: ConversationReference) async throws {
            let key = Self.key(place)
            try await pool.run(place.poolHash) { _ = try $0.ask(["HGET", key, "version"]) }
        }

        func close() async { await pool.close() }

        /// Removes every key of the benchmark and closes.
        func forget() async throws {
            try await pool.run(0) { connection in
                var cursor = "0"
                repeat {
                    let (next, keys) = try connection.scan(cursor, "stoa-bench:*")
                    if !keys.isEmpty { _ = try connection.ask(["UNLINK"] + keys) }
                    cursor = next
                } while cursor != "0"
            }
            await close()
        }

        private static func sessionKey(_ session: SessionID) -> String {
            "stoa-bench:\(session.hexadecimal.prefix(32))"
        }
        private static func key(_ place: ConversationReference) -> String {
            "\(sessionKey(place.session)):\(place.conversation.rawValue)"
        }
        private static func text(_ key: String, _ message: MessageID) -> String {
            "\(key):\(message.rawValue)"
        }
    }

    /// `redis://HOST:PORT/DB`.
    struct RedisAddress: Sendable {
        var host: String
        var port: Int32 = 6_379
        var database = 0

        init(_ url: String) throws {
            guard url.hasPrefix("redis://") else { throw Refusal("a Redis URL is redis://HOST:PORT/DB") }
            let parts = url.dropFirst(8).split(separator: "/", maxSplits: 1)
            let words = (parts.first ?? "127.0.0.1").split(separator: ":")
            host = String(words.first ?? "127.0.0.1")
            if words.count > 1 { port = Int32(words[1]) ?? port }
            if parts.count > 1 { database = Int(parts[1]) ?? 0 }
        }
    }

    /// One connection; belongs to one thread.
    final class RedisConnection: PooledConnection {
        private let context: UnsafeMutablePointer<redisContext>

        init(_ address: RedisAddress) throws {
            guard
                let context = redisConnectWithTimeout(
                    address.host, address.port, timeval(tv_sec: 5, tv_usec: 0))
            else { throw Refusal("no memory for Redis") }
            guard context.pointee.err == 0 else {
                redisFree(context)
                throw Refusal("Redis at \(address.host):\(address.port) does not answer")
            }
            self.context = context
            redisSetTimeout(context, timeval(tv_sec: 30, tv_usec: 0))
            try send([["SELECT", "\(address.database)"]])
        }

        func close() { redisFree(context) }

        func makeDurable() throws {
            try send([["CONFIG", "SET", "appendonly", "yes"], ["CONFIG", "SET", "appendfsync", "always"]])
            let found = try ask(["CONFIG", "GET", "appendfsync"])
            guard found.last == "always" else {
                throw Refusal("Redis does not write before it answers: appendfsync is not always")
            }
        }

        /// Sends commands together, in one transaction when they are several, and waits for all answers.
        func send(_ commands: [[String]]) throws {
            let all = commands.count > 1 ? [["MULTI"]] + commands + [["EXEC"]] : commands
            for command in all {
                let isKept = Self.withArguments(command) { count, words, lengths in
                    redisAppendCommandArgv(context, count, words, lengths) == REDIS_OK
                }
                guard isKept else { throw Refusal("Redis: no memory") }
            }
            for _ in all { _ = try reply { redisGetReply(context, &$0) == REDIS_OK } }
        }

        /// One command; its answer as strings, nil as none.
        func ask(_ command: [String]) throws -> [String] {
            try reply { answer in
                answer = Self.withArguments(command) { redisCommandArgv(context, $0, $1, $2) }
                return answer != nil
            }
        }

        /// Some of the keys that match, and where to go on; "0" is the end.
        func scan(_ cursor: String, _ pattern: String) throws -> (next: String, keys: [String]) {
            let raw = Self.withArguments(["SCAN", cursor, "MATCH", pattern, "COUNT", "1000"]) {
                redisCommandArgv(context, $0, $1, $2)
            }
            guard let raw else { throw Refusal("Redis: the connection is lost") }
            defer { freeReplyObject(raw) }
            let reply = raw.assumingMemoryBound(to: redisReply.self).pointee
            guard reply.type == REDIS_REPLY_ARRAY, reply.elements == 2, let next = reply.element[0],
                let list = reply.element[1]?.pointee
            else { throw Refusal("Redis: SCAN was not answered") }
            let keys = (0..<Int(list.elements)).compactMap { index in
                list.element[index]?.pointee.str.map { String(cString: $0) }
            }
            return (next.pointee.str.map { String(cString: $0) } ?? "0", keys)
        }

        private func reply(_ get: (inout UnsafeMutableRawPointer?) -> Bool) throws -> [String] {
            var raw: UnsafeMutableRawPointer?
            guard get(&raw), let raw else { throw Refusal("Redis: the connection is lost") }
            defer { freeReplyObject(raw) }
            let reply = raw.assumingMemoryBound(to: redisReply.self).pointee
            let text = { (one: redisReply) in
                one.str.map {
                    String(decoding: UnsafeRawBufferPointer(start: $0, count: Int(one.len)), as: UTF8.self)
                }
            }
            switch reply.type {
            case REDIS_REPLY_ERROR: throw Refusal("Redis: \(text(reply) ?? "error")")
            case REDIS_REPLY_ARRAY:
                return (0..<Int(reply.elements)).compactMap { index in
                    reply.element[index].flatMap { text($0.pointee) }
                }
            default: return [text(reply)].compactMap(\.self)
            }
        }

        private static func withArguments<Value>(
            _ words: [String],
            _ body: (Int32, UnsafeMutablePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int>?) -> Value
        ) -> Value {
            let copies = words.map { strdup($0) }
            defer { for copy in copies { free(copy) } }
            var pointers = copies.map { UnsafePointer($0) }
            let lengths = words.map(\.utf8.count)
            return body(Int32(words.count), &pointers, lengths)
        }
    }
#endif
