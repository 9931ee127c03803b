import Synchronization

// Records so many numbers as a task does, for `Tests/Watching/cost`, which counts the instructions.
//
//   recording counter|histogram|clock|request COUNT

/// What is counted for one route; see `HTTPMetrics`.
final class Record: Sendable {
    let ends = (0...21).map { _ in Counter() }
    let durations = Histogram(.request)
}

struct Route: Hashable {
    let method: String
    let path: String
}

let kind = CommandLine.arguments[1]
let count = Int(CommandLine.arguments[2]) ?? 0
let counter = Counter()
let histogram = Histogram(.storage)
let table = Dictionary(
    uniqueKeysWithValues: (0..<36).map { number in
        let path = "/api/v1/conversations/{id}/route\(number)"
        return (Route(method: number % 2 == 0 ? "GET" : "POST", path: path), Record())
    })
let routes = Array(table.keys)
var now = ContinuousClock.now

// A loop in each case, so that what is counted is the recording.
switch kind {
case "counter": for _ in 0..<count { counter.add() }
case "histogram": for number in 0..<count { histogram.record(.microseconds(number % 20_000)) }
case "clock": for _ in 0..<count { now = .now }
case "request":
    for number in 0..<count {
        let route = routes[number % routes.count]
        guard let record = table[Route(method: route.method, path: route.path)] else { break }
        record.ends[1].add()
        record.durations.record(.microseconds(number % 20_000))
    }
default: fatalError("no such kind")
}
print(counter.value, histogram.count, now)
