import ChatCore
import ChatStorage
import StoreTorture

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// A process of its own for tests that need more than one: inside one process some locks are settled without
// the file system. Says what it did in one line on standard output.
//
//   storage-worker open VOLUME [--store sqlite|files]    open or create; prints the volume's id
//   storage-worker present VOLUME TASK                   be a task that lives until standard input ends
//   storage-worker alive VOLUME TASK                     whether that task lives
//   storage-worker hold FILE                             hold a file's lock until standard input ends
//   storage-worker examination-peer FOLDER               the second process of an examination
//   storage-worker hammer VOLUME --acks FILE [--store sqlite|files] [--engine portable|volume] [--shards N]
//       [--sessions N] [--clients N] [--seconds S] [--seed X] [--answer-bytes N] [--name WORKER]
//                                                        write turns; every acknowledged one goes into FILE
//   storage-worker check VOLUME --acks FILE...           everything acknowledged is there, nothing else
//   storage-worker check-killed VOLUME --acks FILE...    the same after a worker was killed
//   storage-worker calls VOLUME --operation append|turn|page|cursors [--count N] [--clients N]
//       [--name WORKER] [--slot NUMBER/COUNT@START] [--store ..] [--engine ..] [--shards N]
//                                                        count NFS calls an operation
//   storage-worker export VOLUME FOLDER                  every shard as an ordinary database, FOLDER/N.db

/// Writes a line at once, past every buffer, because whoever started us waits for it.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
}

/// Waits until whoever started us closes our standard input or is gone.
func waitForEndOfInput() {
    var byte: UInt8 = 0
    while read(STDIN_FILENO, &byte, 1) > 0 {}
}

do {
    let arguments = try Arguments(CommandLine.arguments.dropFirst())
    switch arguments.command {
    case "examination-peer": ExaminationPeer.serve(arguments.path)
    case "open":
        say(
            try await Volume.openOrCreate(
                at: arguments.path, store: arguments.store, engine: arguments.engine
            ).manifest.id)
    case "present":
        let volume = try await Volume.open(at: arguments.path)
        let presence = try await TaskPresence.start(try TaskID(validating: arguments.name), on: volume)
        say("present")
        waitForEndOfInput()
        await presence.end()
    case "alive":
        let volume = try await Volume.open(at: arguments.path)
        let presence = try await TaskPresence.start(.random(), on: volume)
        say("\(try await presence.isAlive(try TaskID(validating: arguments.name)))")
        await presence.end()
    case "export":
        let volume = try await Volume.open(at: arguments.path)
        for shard in 0..<volume.manifest.shards {
            try await SQLiteSessionStore.exportDatabase(
                of: shard, in: volume, to: "\(arguments.name)/\(shard).db")
        }
        say("exported")
    case "hold":
        let lock = try FileLock(arguments.path, create: true)
        say(try lock.tryLock() ? "held" : "taken")
        waitForEndOfInput()
        try lock.unlock()
    case "hammer":
        let volume = try await Volume.openOrCreate(
            at: arguments.path, store: arguments.store, engine: arguments.engine, shards: arguments.shards)
        var hammer = Hammer(name: arguments.name, acks: arguments.acks.first ?? "")
        (hammer.sessions, hammer.clients) = (arguments.sessions, arguments.clients)
        (hammer.seconds, hammer.seed) = (arguments.seconds, arguments.seed)
        hammer.answerBytes = arguments.answerBytes
        say(
            try await hammer.run(
                on: try await WorkerStore.open(volume), started: { say("ready") }, report: { say($0) }))
    case "calls":
        say(try await CallCount(arguments).run())
    case "check", "check-killed":
        let volume = try await Volume.open(at: arguments.path)
        let store = try await WorkerStore.open(volume)
        let check = AckCheck(
            try arguments.acks.flatMap(Ack.read), isKilled: arguments.command == "check-killed")
        var verdict = try await check.run(on: store)
        await store.close()
        verdict.faults += try await WorkerStore.faults(volume)
        for fault in verdict.faults.prefix(20) { say("fault: \(fault)") }
        say(verdict.line)
        if !verdict.faults.isEmpty { exit(1) }
    default:
        throw Arguments.Malformed(what: "unknown command")
    }
} catch {
    say("failed: \(error)")
    exit(1)
}
