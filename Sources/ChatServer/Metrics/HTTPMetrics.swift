import ChatCore
import HTTPTypes
import Synchronization

/// Requests by route and status, and how long they took. Recording takes no lock: the table of routes is
/// complete before the first request, and what it holds are atomic numbers.
final class HTTPMetrics: MetricsSource {
    /// What has a line of its own; every other status counts as `other`.
    private static let statuses = [
        200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429, 431, 500,
        503,
    ]
    /// By status, the place in `statuses`; behind the last for what is not there.
    private static let places: [Int] = (0..<600).map { status in
        statuses.firstIndex(of: status) ?? statuses.count
    }

    /// What is counted for one route.
    private final class Record: Sendable {
        let ends = (0...statuses.count).map { _ in Counter() }
        let durations = Histogram(.request)

        func add(_ status: Int, since began: ContinuousClock.Instant) {
            ends[places.indices.contains(status) ? places[status] : statuses.count].add()
            durations.record(since: began)
        }
    }

    private final class Table: Sendable {
        let records: [RouteList.Route: Record]

        init(_ routes: [RouteList.Route]) {
            records = Dictionary(routes.map { ($0, Record()) }) { first, _ in first }
        }
    }

    private let table = AtomicLazyReference<Table>()
    private let unrouted = Record()
    private let requests: Slots
    private let streams: Slots

    /// - Parameters:
    ///   - requests: the places of requests that are being answered.
    ///   - streams: the places of event streams that are open.
    init(requests: Slots, streams: Slots) {
        self.requests = requests
        self.streams = streams
    }

    /// These are all routes; called once, before the first request.
    func know(_ routes: [RouteList.Route]) { _ = table.storeIfNil(Table(routes)) }

    /// Counts a request whose answer has begun.
    /// - Parameter path: the route's template; nil when the request had none.
    func record(
        _ method: HTTPRequest.Method, _ path: String?, status: Int, since began: ContinuousClock.Instant
    ) {
        let route = path.map { RouteList.Route(method: method, path: $0) }
        let record = route.flatMap { table.load()?.records[$0] } ?? unrouted
        record.add(status, since: began)
    }

    func collect(into page: inout MetricsPage) {
        let known = (table.load()?.records ?? [:])
            .map { (method: $0.key.method.rawValue, path: $0.key.path, record: $0.value) }
            .sorted { ($0.path, $0.method) < ($1.path, $1.method) }
        // What nobody asked for yet is left out: a page of all routes and statuses would be mostly zeros.
        let asked = (known + [("other", "none", unrouted)]).filter { $0.record.durations.count > 0 }
        page.counter(
            "http_requests_total", "Requests whose answer has begun, by route and status.",
            asked.flatMap { method, path, record in
                record.ends.enumerated().compactMap { place, count -> MetricsPage.Sample? in
                    guard count.value > 0 else { return nil }
                    let status = place < Self.statuses.count ? "\(Self.statuses[place])" : "other"
                    return .init(["method": method, "route": path, "status": status], count.value)
                }
            })
        page.histogram(
            "http_request_seconds", "From a request's head to the head of its answer, by route.",
            asked.map { (["method": $0.method, "route": $0.path], $0.record.durations) })
        page.gauge("http_requests_running", "Requests that are being answered.", [.init([:], requests.count)])
        page.gauge("event_streams_open", "Event streams that are open.", [.init([:], streams.count)])
        page.gauge(
            "event_streams_max", "Event streams that may be open at once; more are told to come back.",
            [.init([:], streams.countMax)])
    }
}
