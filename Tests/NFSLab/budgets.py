"""NFS calls per operation, held against the budgets; the other stores and stock SQLite beside them."""

import time
from functools import partial

from cells import STORES
from laboratory import Broken, Worker, numbers

HOT_COUNT, COLD_COUNT, MANY_COUNT = 1_500, 20, 60
STOCK_COUNT = 200
WRITERS = 64

# What an engine may cost, in calls an operation. Cold: another host had the shard since.
BUDGETS = {
    "append, hot": 1.5,
    "append, cold": 6,
    "page, hot": 0,
    "page, cold": 4,
    "cursors, hot": 0,
    "cursors, cold": 4,
    f"append, {WRITERS} writers": 0.3,
}


# What passing time costs and no operation does: a task that is alone looks 4 times a second whether it still is,
# and gives its shard back for a moment every 2 s. Spread over the operations of a run that is this at most.
ALLOWANCE = 0.02
# A call too many by chance (a lock asked for twice) is not there every time; one that an operation costs is.
TRIES_MAX = 3


def measure(lab, engines, note):
    """Measures every engine. Returns ({operation: {engine: calls}}, sentences on budgets of `volume` broken)."""
    table, broken = {}, []

    def record(operation, engine, run):
        budget = BUDGETS.get(operation, float("inf")) if engine == "volume" else float("inf")
        least = float("inf")
        for _ in range(TRIES_MAX):
            line = run()
            said = numbers(line)
            if "calls" not in said:
                raise Broken(f"{engine} {operation}: {line}")
            note(f"{engine:9} {operation:20} {said['calls']:6.2f} calls | {line}")
            least = min(least, said["calls"])
            if least <= budget + ALLOWANCE:
                break
        else:
            broken.append(f"{operation}: {least} calls in the cheapest of {TRIES_MAX} runs, the budget is {budget}")
        table.setdefault(operation, {})[engine] = least

    for engine in engines:
        if engine == "delete":
            stock(lab, record)
            continue
        hot(lab, engine, record)
        cold(lab, engine, record)
    return table, broken


def hot(lab, engine, record):
    """One host alone; the shard stays where it is."""
    for operation, clients, count, label in (
            ("append", 1, HOT_COUNT, "append, hot"), ("page", 1, 2_000, "page, hot"),
            ("cursors", 1, 2_000, "cursors, hot"), ("turn", 1, 200, "turn, hot"),
            ("append", WRITERS, MANY_COUNT, f"append, {WRITERS} writers")):
        if engine != "volume":
            count = min(count, 100 if clients == 1 else 10)
        record(label, engine, partial(alone, lab, engine, operation, f"--count {count} --clients {clients}"))


def alone(lab, engine, operation, more):
    """What a worker says that has the volume for itself."""
    return calls(lab, "c1", lab.volume(f"calls-{engine}"), engine, operation, more).end()[-1]


def cold(lab, engine, record):
    """Two hosts take turns, a quarter of a second apart."""
    for operation in ("append", "page", "cursors"):
        record(f"{operation}, cold", engine, partial(in_turns, lab, engine, operation))


def in_turns(lab, engine, operation):
    """What the first of two workers says, of which the second one appends."""
    volume = lab.volume(f"calls-{engine}")
    start = time.time() + 6
    pair = [calls(lab, host, volume, engine, what, f"--count {COLD_COUNT} --clients 1 --slot {slot}/2@{start:.1f}")
            for slot, (host, what) in enumerate((("c1", operation), ("c2", "append")))]
    line = [worker.end()[-1] for worker in pair][0]
    return without_refused_locks(line) if engine == "volume" else line


def without_refused_locks(line):
    """On a loaded machine a turn comes late, meets the other host's lock and tries again: that is waiting, not what the
    operation costs. The engine gives back every lock that it takes, so what is left over was refused."""
    said = numbers(line)
    refused = max(0.0, said.get("LOCK", 0) - said.get("LOCKU", 0))
    return " ".join([line.rsplit(" calls=", 1)[0], f"refused={refused:.2f}", f"calls={said['calls'] - refused:.2f}"])


def calls(lab, host, volume, engine, operation, more):
    return Worker(lab, host, f"calls-{host}", lab.worker, "calls", volume, STORES[engine], f"--operation {operation}",
                  f"--name {host} --shards 1", more)


def stock(lab, record):
    """SQLite as it is installed, by its own shell: journal mode DELETE, synchronous FULL, one connection."""
    for statement, label in (("insert into item values(1, zeroblob(1000));", "append, hot"),
                             ("select max(rowid) from item;", "page, hot")):
        record(label, "delete", partial(stock_line, lab, statement))


def stock_line(lab, statement):
    """Calls of one statement, as a worker says them: what opening and closing cost is in both counts."""
    few, many = (stock_calls(lab, statement, count) for count in (20, 20 + STOCK_COUNT))
    each = {name: (many[name] - few.get(name, 0)) / STOCK_COUNT for name in many}
    words = [f"{name}={count:.2f}" for name, count in sorted(each.items()) if round(count, 2)]
    return " ".join([*words, f"calls={sum(each.values()):.2f}"])


def stock_calls(lab, statement, count):
    """Calls by name of a shell that opens a database and runs one statement `count` times."""
    script = lab.folder / "script.sql"
    script.write_text("create table item(list int, body blob);\n" + (statement + "\n") * count)
    lab.run("c2", "rm -rf /mnt/nfs/stock; mkdir /mnt/nfs/stock")
    before = rpc(lab, "c1")
    lab.run("c1", f"sqlite3 /mnt/nfs/stock/s.db <{script} >/dev/null")
    return {name: calls - before.get(name, 0) for name, calls in rpc(lab, "c1").items()}


def rpc(lab, host):
    lines = lab.lab("rpc", host).stdout.split("\n")
    return {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) == 2 and words[0] != "SEQUENCE"}


def markdown(table, engines):
    """The table, as RESULTS.md shows it."""
    lines = ["| calls an operation | budget | " + " | ".join(engines) + " |", "| --- |" + " --- |" * (len(engines) + 1)]
    for operation, row in table.items():
        cells = [f"{row[engine]:.2f}" if engine in row else "" for engine in engines]
        lines.append(f"| {operation} | {BUDGETS.get(operation, '')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
