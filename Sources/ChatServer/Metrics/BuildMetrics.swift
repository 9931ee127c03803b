import ChatCore

/// Which program this is, and which task of it.
struct BuildMetrics: MetricsSource {
    let version: String
    let task: ChatTask

    func collect(into page: inout MetricsPage) {
        page.gauge(
            "build_info", "1; the program.",
            [.init(["version": version, "platform": Self.platform, "build": Self.build], 1)])
        page.gauge(
            "task_info", "1; the task, as its answers name it in X-Served-By.",
            [.init(["task": task.id.rawValue, "host": task.host], 1)])
    }

    private static var build: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }

    private static var platform: String {
        #if os(Linux)
            let system = "linux"
        #else
            let system = "macos"
        #endif
        #if arch(x86_64)
            return system + "-x86_64"
        #elseif arch(arm64)
            return system + "-arm64"
        #else
            return system
        #endif
    }
}
