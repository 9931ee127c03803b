import ChatStorage

/// The command line.
struct Arguments {
    struct Malformed: Error { let what: String }

    var command = ""
    var path = ""
    var name = "worker"
    var store = VolumeManifest.Store.files
    var engine = Volume.engineDefault
    var sessions = 4
    var clients = 8
    var seconds = 3.0
    var seed: UInt64 = 1
    var acks = [String]()
    var shards = Volume.shardsDefault
    var answerBytes = 0
    var operation = CallCount.Operation.append
    var count = 100
    var slot: CallCount.Slot?

    init(_ words: some Sequence<String>) throws {
        var plain = [String]()
        var words = words.makeIterator()
        while let word = words.next() {
            guard word.hasPrefix("--") else {
                plain.append(word)
                continue
            }
            guard let value = words.next() else { throw Malformed(what: "\(word) needs a value") }
            switch word {
            case "--store": store = try Self.parse(VolumeManifest.Store(rawValue: value), word)
            case "--engine": engine = try Self.parse(VolumeManifest.Engine(rawValue: value), word)
            case "--sessions": sessions = try Self.parse(Int(value), word)
            case "--clients": clients = try Self.parse(Int(value), word)
            case "--seconds": seconds = try Self.parse(Double(value), word)
            case "--seed": seed = try Self.parse(UInt64(value), word)
            case "--name": name = value
            case "--acks": acks.append(value)
            case "--shards": shards = try Self.parse(Int(value), word)
            case "--answer-bytes": answerBytes = try Self.parse(Int(value), word)
            case "--operation": operation = try Self.parse(CallCount.Operation(rawValue: value), word)
            case "--count": count = try Self.parse(Int(value), word)
            case "--slot": slot = try Self.parse(CallCount.Slot(value), word)
            default: throw Malformed(what: "unknown option \(word)")
            }
        }
        guard plain.count >= 2 else { throw Malformed(what: "needs a command and a path") }
        command = plain[0]
        path = plain[1]
        if plain.count > 2 { name = plain[2] }
    }

    private static func parse<Value>(_ value: Value?, _ word: String) throws -> Value {
        guard let value else { throw Malformed(what: "\(word) has a bad value") }
        return value
    }
}
