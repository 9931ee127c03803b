import ArgumentParser
import ChatStorage

extension SchemaRepair {
    /// Prints what was found and done, one line for all shards that are alike.
    /// - Throws: the exit status 65 when a problem is left.
    static func print(_ reports: [Report], of volume: Volume, asJSON: Bool) throws {
        if asJSON {
            Swift.print(try JSONText.of(reports))
        } else {
            let groups = Dictionary(grouping: reports) { "\($0.version ?? -1) \($0.problems) \($0.changes)" }
            for alike in groups.values.sorted(by: { $0[0].shard < $1[0].shard }) {
                let names = alike.map { volume.shardName($0.shard) }.joined(separator: " ")
                let version = alike[0].version.map { "schema \($0)" } ?? "a schema that is not this program's"
                Swift.print("shards \(names): \(version)\(alike[0].problems.isEmpty ? ", good" : "")")
                for change in alike[0].changes { Swift.print("  changed  \(change)") }
                for problem in alike[0].problems { Swift.print("  PROBLEM  \(problem)") }
            }
        }
        if reports.contains(where: { !$0.problems.isEmpty }) { throw ExitCode(ExitStatus.dataError) }
    }
}
