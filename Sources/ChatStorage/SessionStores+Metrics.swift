package import ChatCore

extension SQLiteSessionStore: MetricsSource {
    /// Counts a shard, each with the shard's name as a label: there are at most
    /// ``VolumeManifest/shardsMax``.
    package func collect(into page: inout MetricsPage) async {
        metrics.collect(into: &page)
        let shards = named
        func samples(_ value: (ShardStatistics) -> Int) -> [MetricsPage.Sample] {
            shards.map { .init(["shard": $0.name], value($0.statistics)) }
        }
        page.gauge("shard_waiting", "Operations that wait for the shard.", samples(\.waiting))
        page.gauge("shard_held", "1 while this task has the shard.", samples { $0.isHeld ? 1 : 0 })
        page.gauge(
            "shard_refused", "1 while the shard cannot be served: damaged, missing or of another schema.",
            samples { $0.isRefused ? 1 : 0 })
        page.gauge(
            "shard_read_only", "1 while this program may only read the shard, whose schema is newer.",
            samples { $0.isReadOnly ? 1 : 0 })
        page.gauge(
            "shard_log_bytes", "Length of the shard's write-ahead log when this task looked last.",
            samples(\.logBytes))
        page.counter("shard_operations_total", "Operations answered.", samples(\.operations))
        page.counter(
            "shard_transactions_total", "Transactions: batches of reads, and batches that were committed.",
            shards.flatMap { shard -> [MetricsPage.Sample] in
                [
                    .init(["shard": shard.name, "kind": "read"], shard.statistics.readBatches),
                    .init(["shard": shard.name, "kind": "write"], shard.statistics.writeBatches),
                ]
            })
        page.counter("shard_busy_total", "Times another process had the shard.", samples(\.busy))
        page.counter("shard_holds_total", "Times the shard was taken.", samples(\.holds))
        page.counter("shard_openings_total", "Times the shard's files were opened.", samples(\.openings))
        page.counter(
            "shard_losses_total", "Times a transaction was lost with its connection, and run again.",
            samples(\.losses))
        page.counter(
            "shard_fenced_total", "Times the shard's lock was lost for good, as after a lease that ended.",
            samples(\.fenced))
        page.counter(
            "shard_queue_full_total", "Operations turned away because too many waited.", samples(\.refused))
        page.counter("shard_expired_total", "Operations whose deadline passed.", samples(\.expired))
        page.counter("shard_checkpoints_total", "Times the log was emptied.", samples(\.checkpoints))
        page.counter(
            "shard_checkpoint_failures_total", "Times emptying the log failed.",
            samples(\.checkpointFailures))
    }

    /// How many shards there are.
    package var shardsCount: Int { statistics.count }

    /// The shards that cannot be served, by their names; for a readiness check.
    package var refusedShards: [String] { named.filter(\.statistics.isRefused).map(\.name) }

    /// The shards that this program may only read.
    package var readOnlyShards: [String] { named.filter(\.statistics.isReadOnly).map(\.name) }
}

extension FileSessionStore: MetricsSource {
    package func collect(into page: inout MetricsPage) async {
        metrics.collect(into: &page)
        page.gauge("files_waiting", "Operations that wait or run.", [.init([:], callsCount)])
        page.counter(
            "files_busy_total", "Times another process had the folder's lock.", [.init([:], lockMisses.value)]
        )
    }
}
