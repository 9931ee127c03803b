"""The tables. Each is a function of a Measuring; its doc string says what it shows."""

import threading
import time

from budgets import BUDGETS, TRIES_MAX, WRITERS
from laboratory import Worker, numbers
from measuring import load

DELAYS = [0, 0.3, 1, 3]
ALL_STORES = ["volume", "portable", "delete", "truncate", "wal-exclusive", "files", "naive-files"]
# What passing time costs, beside what an operation of the engine `volume` may.
ALLOWANCE = 0.03
TORTURE_COUNTS = ["kills", "acknowledged", "lost", "lost_sessions"]
TORTURES_MAX = 6


def two(value):
    return f"{value:.2f}"


def short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def stores(measuring, wanted=None):
    return ["volume", "files"] if measuring.is_short else wanted or ALL_STORES


def budgets(measuring):
    """NFS calls an operation, against the budgets"""
    several = stores(measuring)
    found = operations(measuring, several)
    ours = {label: cells["volume"] for label, cells in found.items()}
    for attempt in range(2, TRIES_MAX + 1):
        if not over(ours):
            break
        for label, cells in operations(measuring, ["volume"], f"-{attempt}").items():
            ours[label] = min(ours[label], cells["volume"], key=calls_of)
    measuring.broken += over(ours)
    rows = []
    for label, cells in found.items():
        cells["volume"] = ours[label]
        rows.append([label, str(BUDGETS.get(label, "")),
                     *(two(cells[store].calls_granted) if cells[store] else "" for store in several)])
    measuring.table(["calls an operation", "budget", *several], rows)
    measuring.say("Locks that the other host held are not counted where the lock was somewhere else: how often one asks for them "
                  "depends on when the two met.")


def over(cells):
    """Which budgets of `volume` were not kept, as sentences."""
    return [f"{label}: {calls_of(cell):.2f} calls" for label, cell in cells.items()
            if calls_of(cell) > BUDGETS.get(label, float("inf")) + ALLOWANCE]


def calls_of(cell):
    """What an operation costs; where none was measured, more than any budget."""
    return cell.calls_granted if cell and cell.operations else float("inf")


def operations(measuring, several, again=""):
    """One measurement of what is budgeted: {operation: {store: cell, or None}}. A failure counts in any of them."""
    words = ["--rounds 1 --warm-up 0.5 --shards 1 --stores", ",".join(several)]
    one = measuring.one_host(*words, "--clients 1 --seconds 2 --workloads append,open,turn", label=f"hot{again}")
    many = measuring.one_host(*words, f"--clients {WRITERS} --seconds 2 --workloads append", label=f"many{again}")
    # Two hosts take turns, a quarter of a second apart: the lock is somewhere else each time.
    shared = [store for store in several if store != "wal-exclusive"]
    cold = ["--rounds 1 --warm-up 1 --shards 1 --clients 1 --rate 2 --unannounced --stores", ",".join(shared)]
    seconds = 5 if measuring.is_short else 8
    appends = measuring.two_hosts(*cold, f"--seconds {seconds} --workloads append", label=f"cold-append{again}")
    pages = measuring.run([("c1", [*cold, f"--seconds {seconds} --workloads open"]),
                           ("c2", [*cold, f"--seconds {seconds} --workloads append"])], label=f"cold-page{again}")
    cells = {label: {store: results.cell(store, workload) for store in several} for label, results, workload in (
        ("append, hot", one, "append"), ("page, hot", one, "open"), ("turn (10 writes), hot", one, "turn"),
        (f"append, {WRITERS} writers", many, "append"), ("append, cold", appends, "append"), ("page, cold", pages, "open"))}
    for label, by_store in cells.items():
        ours = by_store["volume"]
        measuring.require(ours and ours.failures == 0, f"{label}: volume failed")
    return cells


def counts(measuring):
    """The harness against mountstats, read from outside by another program"""
    rows = []
    for store, workload, count in (("volume", "append", 1_000), ("files", "append", 60), ("delete", "append", 60),
                                   ("files", "open", 300)):
        # Two lengths: what opening, warming up and closing cost is in both.
        inside, outside = {}, {}
        for times in (1, 2):
            before = rpc(measuring)
            results = measuring.one_host(
                f"--stores {store} --workloads {workload} --rounds 1 --clients 1 --warm-up 0 --shards 1 --unannounced",
                f"--count {count * times} --seed 5", label=f"{store}-{workload}-{times}")
            outside[times] = rpc(measuring) - before
            cell = results.cell(store, workload)
            inside[times] = cell.calls * cell.operations
        told, seen = inside[2] - inside[1], outside[2] - outside[1]
        off = abs(told - seen) / max(1, seen)
        rows.append([f"{workload}, {store}", f"{told / count:.2f}", f"{seen / count:.2f}", f"{off:.1%}"])
        measuring.require(off <= 0.1, f"{workload} of {store}: {told:.0f} calls inside, {seen:.0f} outside")
    measuring.table(["calls an operation", "stoa-bench", "from outside", "apart"], rows)


def rpc(measuring):
    lines = measuring.lab.lab("rpc", "c1").stdout.split("\n")
    pairs = [line.split() for line in lines]
    return sum(int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] != "SEQUENCE")


def delays(measuring):
    """Stores on one host, 4 clients, at four delays of the network"""
    several = ["volume", "wal-exclusive", "portable", "delete", "files", "naive-files"]
    results = {}
    for delay in DELAYS:
        measuring.delay(delay)
        results[delay] = measuring.one_host(
            f"--stores {','.join(several)} --workloads append,turn --clients 4 --rounds 1 --seconds 2 --warm-up 0.3",
            label=str(delay))
    for workload, unit in (("append", "appends/s"), ("turn", "turns/s")):
        rows = []
        for store in several:
            cells = [results[delay].cell(store, workload) for delay in DELAYS]
            if all(cells):
                rows.append([store, two(cells[0].calls), *(short(cell.rate) for cell in cells),
                             *(short(cell.percentile(0.5)) for cell in cells)])
        heads = [workload, "calls"] + [f"{unit} at {delay} ms" for delay in DELAYS]
        measuring.table(heads + [f"p50 ms at {delay}" for delay in DELAYS], rows)


def turn(measuring):
    """Whole turns, 64 writers on two hosts, 1 ms delay: `volume` against `files`"""
    measuring.delay(1)
    several = ["volume", "portable", "files", "naive-files"]
    results = measuring.two_hosts(
        f"--stores {','.join(several)} --workloads turn --clients {WRITERS // 2} --rounds 3 --seconds 5 --warm-up 1")
    cells = {store: results.cell(store, "turn") for store in several}
    rows = [[store, short(cell.rate), short(2 * cell.rate), short(cell.percentile(0.5)), short(cell.percentile(0.99)),
             short(cell.longest), two(cell.calls), short(cell.kilobytes), str(cell.failures)]
            for store, cell in cells.items() if cell]
    measuring.table(["64 writers, 2 hosts", "turns/s", "messages/s", "p50 ms", "p99", "max", "NFS calls a turn",
                     "KB a turn", "failed"], rows)
    if cells["volume"] and cells["files"]:
        measuring.say(f"`volume` stores {cells['volume'].rate / cells['files'].rate:.1f} times the messages of `files`.")


def hosts(measuring):
    """Throughput against hosts: turns, 32 clients each, 1 ms delay"""
    measuring.delay(1)
    several = ["volume", "files"]
    words = f"--stores {','.join(several)} --workloads turn --clients 32 --rounds 2 --seconds 4 --warm-up 1"
    runs = {1: measuring.one_host(words, label="1"), 2: measuring.two_hosts(words, label="2")}
    measuring.table(["turns/s", "1 host", "2 hosts"],
                    [[store, *(short(runs[count].cell(store, "turn").rate) for count in (1, 2))] for store in several])


def long(measuring):
    """The cost of a turn against the length of its conversation"""
    several = ["volume", "files", "naive-files"]
    results = measuring.one_host(
        f"--stores {','.join(several)} --workloads long --rounds 2 --shards 1 --growth-seconds 150")
    points = [1, 10, 100, 1_000]
    for unit, value in (("NFS calls a turn", lambda cell: two(cell.calls)), ("KB a turn", lambda cell: short(cell.kilobytes)),
                        ("p50 ms", lambda cell: short(cell.percentile(0.5)))):
        rows = []
        for store in several:
            cells = [results.cell(store, "long", point) for point in points]
            rows.append([store, *(value(cell) if cell and cell.operations else "not reached" for cell in cells)])
        measuring.table([unit, *(f"turn {point:,}" for point in points)], rows)
    first, last = results.cell("volume", "long", 1), results.cell("volume", "long", 1_000)
    if first and last and last.operations:
        measuring.say(f"`volume`: turn 1,000 takes {last.calls / first.calls:.2f} times the calls of turn 1 and "
                      f"{last.kilobytes / first.kilobytes:.2f} times the bytes.")
    for note in results.notes:
        measuring.say(note)


def growth(measuring):
    """Short turns and pages among many sessions"""
    several = ["volume", "files", "naive-files"]
    results = measuring.one_host(
        f"--stores {','.join(several)} --workloads growth --sessions-max 10000 --clients 8 --rounds 2 --seconds 2",
        "--warm-up 0.5 --growth-seconds 150")
    rows = []
    for store in several:
        for point in (1_000, 10_000):
            cell = results.cell(store, "growth", point)
            if cell and cell.operations:
                rows.append([f"{store}, {point:,} sessions", short(cell.rate), short(cell.percentile(0.5)),
                             short(cell.percentile(0.99)), two(cell.calls)])
    measuring.table(["growth", "operations/s", "p50 ms", "p99", "NFS calls"], rows)
    for note in results.notes:
        measuring.say(note)


def loops(measuring):
    """Open and closed loop at low load, and a stall of one second; 10 ms delay"""
    # More than what a guest adds by waking a thread too late, about a millisecond, which only an open loop sees.
    measuring.delay(10)
    words = "--stores volume --workloads append --shards 1 --rounds 2 --warm-up 0.5"
    closed = measuring.one_host(words, "--clients 1 --seconds 4", label="closed").cell("volume", "append")
    # One client in the closed loop sends all it can; so few arrive here that nobody waits for anybody.
    opened = measuring.one_host(words, "--clients 4 --rate 20 --seconds 6", label="open").cell("volume", "append")
    stalled = measuring.one_host(words, "--clients 64 --rate 100 --seconds 6 --stall 2+1", label="stall")
    stalled = stalled.cell("volume", "append")
    frozen = frozen_server(measuring, words)
    rows = [[name, short(cell.percentile(0.5)), short(cell.percentile(0.9)), short(cell.percentile(0.99)),
             short(cell.percentile(0.999)), short(cell.longest), str(cell.operations)]
            for name, cell in (("closed, 1 client", closed), ("open, 20/s", opened),
                               ("open, 100/s, stall of 1 s injected", stalled),
                               ("open, 100/s, NFS server frozen for 1 s", frozen))]
    measuring.table(["append of `volume`", "p50 ms", "p90", "p99", "p99.9", "max", "operations"], rows)
    more = [opened.percentile(share) / closed.percentile(share) - 1 for share in (0.5, 0.9)]
    measuring.say(f"Where nobody waits the open loop told {more[0]:+.0%} in the median and {more[1]:+.0%} in p90.")
    for name, cell in (("injected", stalled), ("real", frozen)):
        measuring.require(cell.percentile(0.999) >= 900, f"p99.9 does not show the {name} stall")
        measuring.require(cell.longest >= 900, f"max does not show the {name} stall")


def frozen_server(measuring, words):
    """A run in which the NFS server stands still for a second, twice (once a round)."""
    done = []

    def freeze():
        time.sleep(5)
        while not done:
            measuring.lab.lab("freeze", "server", check=False)
            time.sleep(1)
            measuring.lab.lab("thaw", "server", check=False)
            time.sleep(4)

    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        return measuring.one_host(words, "--clients 64 --rate 100 --seconds 8", label="frozen").cell("volume", "append")
    finally:
        done.append(True)
        thread.join()


def torture(measuring):
    """kill -9 of writers: what was acknowledged and is gone; 3 ms delay"""
    # What tears a file is a death between its being emptied and its being written again: the longer the network takes, the
    # likelier, but never certain. So the store that must lose is killed until it has.
    measuring.delay(3)
    rows = []
    for store in stores(measuring, ["volume", "files"]):
        said = tortured(measuring, store)
        measuring.require(said.get("faults") == 0 and said.get("acknowledged", 0) > 0, f"{store}: {said}")
        rows.append([store, *(f"{said.get(name, -1):,.0f}" for name in TORTURE_COUNTS)])
    total = dict.fromkeys(TORTURE_COUNTS, 0)
    for _ in range(TORTURES_MAX):
        said = tortured(measuring, "naive-files")
        total = {name: count + said.get(name, 0) for name, count in total.items()}
        if total["lost_sessions"]:
            break
    measuring.require(total["lost_sessions"] > 0, f"naive-files lost no session by {total['kills']:.0f} kills")
    rows.append(["naive-files", *(f"{count:,.0f}" for count in total.values())])
    measuring.table(["one writer", "kills", "acknowledged", "lost", "sessions lost (of 4)"], rows)


def tortured(measuring, store):
    """What the torture counted."""
    seconds = 12 if measuring.is_short else 25
    measuring.lab.run("c2", "rm -rf /mnt/nfs/bench; mkdir /mnt/nfs/bench")
    worker = Worker(measuring.lab, "c1", f"torture-{store}", measuring.lab.worker, "torture run --volume /mnt/nfs/bench",
                    f"--store {store} --writers 1 --seconds {seconds} --kill-every 1 --answer-bytes 20000")
    lines = worker.end() or ["it said nothing"]
    measuring.loads.append(load())
    said = numbers(lines[-1])
    measuring.require("acknowledged" in said, f"{store}: {lines[-1]}")
    return said


SERVER = "10.77.0.2"


def servers(measuring):
    """Redis and PostgreSQL where the NFS server is, on the same memory disk, 1 ms delay, 16 clients"""
    lab = measuring.lab
    lab.run("server", "redis-server --bind 0.0.0.0 --protected-mode no --dir /run --save '' --daemonize yes >/dev/null")
    lab.run("server", f"cd /run && {POSTGRES}")
    measuring.delay(1)
    several = ["volume", "files", "redis", "postgres"]
    results = measuring.one_host(
        f"--stores {','.join(several)} --workloads append,turn,open --clients 16 --rounds 2 --seconds 2 --warm-up 0.5",
        f"--redis-url redis://{SERVER}:6379/0 --postgres-url postgresql://postgres@{SERVER}/postgres")
    rows = []
    for store in several:
        cells = [results.cell(store, workload) for workload in ("append", "turn", "open")]
        if all(cells):
            rows.append([store, *(short(cell.rate) for cell in cells), *(short(cell.percentile(0.5)) for cell in cells)])
    measuring.table(["one host", "appends/s", "turns/s", "pages/s", "append p50 ms", "turn", "page"], rows)
    for note in results.notes:
        measuring.say(note)


# A cluster of its own in the guest's memory; what Debian installs has its programs in a folder a version.
POSTGRES = """bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1) && mkdir -p /run/pg && chown postgres /run/pg &&
as="setpriv --reuid=postgres --regid=postgres --clear-groups" && $as $bin/initdb -D /run/pg/data -A trust >/dev/null &&
echo "host all all 10.77.0.0/24 trust" >>/run/pg/data/pg_hba.conf &&
$as $bin/pg_ctl -D /run/pg/data -l /run/pg/log -w -t 60 -o "-k /run/pg -c listen_addresses=* -c shared_buffers=32MB -c dynamic_shared_memory_type=mmap" start >/dev/null </dev/null"""

ALL = [budgets, counts, delays, turn, hosts, long, growth, loops, torture, servers]
SHORT = ["budgets", "counts", "loops", "torture"]
