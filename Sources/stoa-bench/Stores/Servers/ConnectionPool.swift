#if DatabaseServers
    import ChatCore
    import ChatStorage

    /// A connection whose calls block.
    protocol PooledConnection: AnyObject, SendableMetatype {
        func close()
    }

    /// Some connections to a server, each on a thread of its own. A conversation always uses the same one, so
    /// that its operations keep their order.
    final class ConnectionPool<Connection: PooledConnection>: Sendable {
        /// More than a server's processors, fewer than it allows: PostgreSQL takes 100 as installed.
        private static var size: Int { 32 }
        private static var waitingMax: Int { 4_096 }

        private struct Slot: Sendable {
            let lane: BlockingLane
            /// Used on its lane only.
            nonisolated(unsafe) let connection: Connection
        }

        private let slots: [Slot]

        /// Connects all of them.
        init(_ connect: @escaping @Sendable () throws -> Connection) async throws {
            var slots = [Slot]()
            for index in 0..<Self.size {
                let lane = BlockingLane(label: "stoa.pool.\(index)", jobsMax: Self.waitingMax)
                slots.append(
                    try await lane.run(until: .now + .seconds(30)) {
                        Slot(lane: lane, connection: try connect())
                    })
            }
            self.slots = slots
        }

        func run<Value: Sendable>(
            _ hash: Int, _ body: @escaping @Sendable (Connection) throws -> Value
        ) async throws -> Value {
            let slot = slots[hash % slots.count]
            return try await slot.lane.run(until: .now + .seconds(60)) { try body(slot.connection) }
        }

        func close() async {
            for slot in slots {
                try? await slot.lane.run(until: .now + .seconds(5)) { slot.connection.close() }
            }
        }
    }

    extension SessionID {
        var poolHash: Int { Int(bytes[2]) << 8 | Int(bytes[3]) }
    }

    extension ConversationReference {
        /// Clients of one session have conversations of their own: they must not share a connection.
        var poolHash: Int {
            conversation.rawValue.utf8.reduce(session.poolHash) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
        }
    }
#endif
