"""RESULTS.md: what was seen, for people who decide."""

HEAD = """# What the laboratory saw

{place}

Written by `Tests/NFSLab/run --long --results Tests/NFSLab/RESULTS.md`. Hosts are Linux kernels of their own; each runs
`storage-worker hammer`, 8 clients that begin turns, append to answers and end them, in the same few sessions, and note
every acknowledgement. Afterwards a checker looks for all of them: lost, at another place than was told, refused and
kept all the same, out of order, torn, doubled, database unsound. An engine that keeps its word has zeros.
"""


def page(place, rows, calls):
    parts = [HEAD.format(place=place)]
    if calls:
        parts.append("## NFS calls an operation\n\nFrom `/proc/self/mountstats`, the renewal of the lease left out. Hot: the "
                     "host had the shard before; cold: another host had it since. `delete` is stock SQLite as it is "
                     "installed, one table, one row a transaction.\n\n" + calls + "\n")
    if rows:
        lines = ["## Faults\n", "| what happens | engine | acknowledged | lost | misplaced | refused, kept | verdict | seen |",
                 "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        for row in rows:
            seen = "; ".join(row["notes"] + [f"**{text}**" for text in row["broken"]])
            counts = " | ".join("" if row.get(name, -1) < 0 else str(row[name])
                                for name in ("acknowledged", "lost", "misplaced", "kept_refused"))
            verdict = "kept" if row["kept"] else "**broken**"
            lines.append(f"| {row['cell']}: {row['what']} | {row['engine']} | {counts} | {verdict} | {seen} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
