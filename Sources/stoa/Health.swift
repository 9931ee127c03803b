import ArgumentParser

/// `stoa health`.
struct Health: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a task whether it is well: for health checks of containers, which have no curl.",
        discussion: """
            Asks /livez: the process answers. With --ready it asks /readyz: it takes
            sessions, and its volume can be written and read. A container's health
            check wants the former, since restarting a task mends no volume; a load
            balancer asks /readyz itself.

            EXAMPLES:
              stoa health
              stoa health --ready --port 8081
              HEALTHCHECK CMD ["stoa", "health"]

            EXIT STATUS:
              0 it is; 1 it is not, does not answer, or is no task.
            """)

    @Flag(help: "Ask whether it takes sessions, not only whether it lives.") var ready = false
    @Option(help: "The task's port. [env: STOA_PORT] (default: 8080)") var port: Int?
    @Option(help: "The task's address or name. (default: 127.0.0.1)") var host: String?
    @Option(help: "Seconds it may take to answer.") var seconds: Double = 3
    @Flag(help: "Print what the task said, as JSON.") var json = false

    func run() throws {
        let port = try Setting.check(
            Setting.value(port, "STOA_PORT", default: 8_080), "--port", in: 1...65_535)
        let seconds = try Setting.check(seconds, "--seconds", in: 0.1...60)
        let task = PlainHTTP(host: host ?? "127.0.0.1", port: port)
        let path = ready ? "/readyz" : "/livez"
        do {
            let answer = try task.get(path, until: .now + .seconds(seconds))
            guard json || answer.status != 200 else { return print(ready ? "ready" : "alive") }
            // A task says itself, in JSON, what is wrong with it.
            print(answer.body)
            guard answer.status == 200 else { throw ExitCode(1) }
        } catch let error as PlainHTTP.Failure {
            throw ExitStatus.fail(error.description, 1)
        }
    }
}
