import ChatCore

/// One client: does the operations of a workload, one after the other.
struct BenchClient: Sendable {
    let workload: Workload
    let shape: WorkloadShape
    let candidate: any Candidate
    /// Names what it writes to: run, host, client. Clients of other hosts have other names.
    let name: String
    /// Names sessions that all hosts share.
    let run: String
    /// Among the clients of this process.
    let number: Int
    /// Sessions there are, for `growth`.
    let sessions: Int
    private var generator: SeededGenerator
    private let text: String
    private var running: BenchAnswer?
    /// The conversation it writes to.
    private var place: ConversationReference
    /// Where it reads, made once for all rounds.
    private let readingPlace: ConversationReference

    /// - Parameters:
    ///   - host: this process among those of the run.
    ///   - round: writes go to a conversation of their own in each round, unless the workload is `long`.
    init(
        _ workload: Workload, _ shape: WorkloadShape, on candidate: any Candidate, run: String, host: Int,
        number: Int, round: Int, point: Int, seed: UInt64
    ) {
        self.workload = workload
        self.shape = shape
        self.candidate = candidate
        self.run = run
        self.number = number
        name = "\(run) \(host) \(number)"
        sessions = point
        generator = SeededGenerator(
            seed: seed &+ UInt64(host) << 40 &+ UInt64(number) << 20 &+ UInt64(round))
        // Not the same letters again and again: a store may compress.
        text = Base64URL.randomText(characters: 32_768, using: &generator)
        let session = Self.session(workload == .hot ? "\(run) hot" : name)
        let conversation = workload == .long ? "long-\(round)" : "w-\(host)-\(number)-\(point)-\(round)"
        place = ConversationReference(
            session: session, conversation: ConversationID(uncheckedRawValue: conversation))
        readingPlace = ConversationReference(
            session: session, conversation: ConversationID(uncheckedRawValue: "r-\(host)-\(number)"))
    }

    static func session(_ name: String) -> SessionID { SessionID(hash: SHA256.hash(Array(name.utf8))) }

    // MARK: Before and after, not measured

    /// Makes what the operations need. Again in each round; what is there already stays.
    mutating func prepare() async throws {
        switch workload {
        case .open: try await fillReadingPlace()
        case .list:
            for index in 0..<shape.listConversations {
                try await candidate.make(
                    ConversationReference(
                        session: place.session, conversation: ConversationID(uncheckedRawValue: "l-\(index)"))
                )
            }
        case .mixed:
            try await fillReadingPlace()
            try await candidate.make(place)
        case .growth: break
        case .append, .turn, .long, .hot, .large: try await candidate.make(place)
        }
    }

    private mutating func fillReadingPlace() async throws {
        try await candidate.make(readingPlace)
        guard try await candidate.open(readingPlace) < 2 * shape.openTurns else { return }
        for _ in 0..<shape.openTurns { try await shortTurn(readingPlace) }
    }

    /// Lets the conversation of `long` grow to so many turns.
    mutating func grow(by turns: Int) async throws {
        for _ in 0..<turns { try await shortTurn(place, bytes: shape.flushes * shape.flushBytes) }
    }

    /// Makes some of the sessions of `growth`, with a turn each.
    mutating func grow(sessions numbers: Range<Int>) async throws {
        for number in numbers {
            let place = growthPlace(number)
            try await candidate.make(place)
            try await shortTurn(place)
        }
    }

    /// Ends what runs.
    mutating func leave() async {
        guard let answer = running else { return }
        running = nil
        try? await candidate.finish(answer, with: "")
    }

    // MARK: Measured

    /// Does one operation and says which.
    mutating func perform() async throws -> Operation {
        switch workload {
        case .append: return try await append(shape.appendBytes)
        case .open:
            let count = try await candidate.open(readingPlace)
            guard count >= min(20, 2 * shape.openTurns) else {
                throw Refusal("a page of \(count) messages is not whole")
            }
            return .open
        case .list:
            guard try await candidate.list(place.session) >= shape.listConversations else {
                throw Refusal("a list is not whole")
            }
            return .list
        case .turn, .hot, .long:
            return try await turn(
                prompt: shape.promptBytes, flushes: shape.flushes, flushBytes: shape.flushBytes)
        case .large:
            return try await turn(
                prompt: shape.largeBytes, flushes: shape.largeFlushes,
                flushBytes: shape.largeBytes / max(1, shape.largeFlushes))
        case .mixed: return try await mixed()
        case .growth:
            let place = growthPlace(Int.random(in: 0..<max(1, sessions), using: &generator))
            if Bool.random(using: &generator) {
                guard try await candidate.open(place) >= 2 else { throw Refusal("a session is not whole") }
                return .open
            }
            try await shortTurn(place)
            return .turn
        }
    }

    private mutating func mixed() async throws -> Operation {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0...3:
            _ = try await candidate.open(readingPlace)
            return .open
        case 4, 5:
            _ = try await candidate.list(readingPlace.session)
            return .list
        case 6, 7:
            try await candidate.poll(readingPlace)
            return .poll
        default: return try await append(shape.flushBytes)
        }
    }

    /// An answer that is full makes room for the next one; seldom enough not to show.
    private mutating func append(_ bytes: Int) async throws -> Operation {
        if let answer = running, answer.length + bytes > 512 * 1024 {
            running = nil
            try await candidate.finish(answer, with: "")
        }
        if running == nil { running = try await candidate.begin(words(shape.promptBytes), in: place) }
        guard var answer = running else { return .append }
        try await candidate.append(words(bytes), to: answer)
        answer.length += bytes
        running = answer
        return .append
    }

    private mutating func turn(prompt: Int, flushes: Int, flushBytes: Int) async throws -> Operation {
        if let left = running {
            // The turn before failed halfway; its conversation takes no other.
            running = nil
            try await candidate.finish(left, with: "")
        }
        var answer = try await candidate.begin(words(prompt), in: place)
        running = answer
        _ = try await candidate.history(before: answer)
        for _ in 0..<flushes {
            if shape.flushIntervalMilliseconds > 0 {
                try await Task.sleep(for: .milliseconds(shape.flushIntervalMilliseconds))
            }
            try await candidate.append(words(flushBytes), to: answer)
            answer.length += flushBytes
            running = answer
        }
        try await candidate.finish(answer, with: "")
        running = nil
        return .turn
    }

    private mutating func shortTurn(_ place: ConversationReference, bytes: Int = 1_000) async throws {
        let answer = try await candidate.begin(words(shape.promptBytes), in: place)
        try await candidate.finish(answer, with: words(bytes))
    }

    private func growthPlace(_ number: Int) -> ConversationReference {
        ConversationReference(
            session: Self.session("\(run) growth \(number)"),
            conversation: ConversationID(uncheckedRawValue: "g"))
    }

    /// Some bytes of text, other ones each time.
    private mutating func words(_ bytes: Int) -> String {
        var rest = bytes
        var words = ""
        while rest > 0 {
            let piece = min(rest, text.utf8.count / 2)
            let start = Int.random(in: 0...text.utf8.count - piece, using: &generator)
            let from = text.utf8.index(text.startIndex, offsetBy: start)
            words += text[from..<text.utf8.index(from, offsetBy: piece)]
            rest -= piece
        }
        return words
    }
}
