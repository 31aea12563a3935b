#!/usr/bin/env python3
"""Measures access and erasure in a foreign database; called by bin/bench-rights, which installs and builds.

The rows are made by SQL: people, twenty-eight tables that belong to them, and one whose rows belong to orders. Nothing is
made for the measured program: it proposes the map itself, and the indexes are those that it recommends.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import pwd
import random
import re
import statistics
import subprocess
import sys
import threading
import time

from bench import free_port, machine

NAMES = ["orders", "payment", "refund", "invoice", "shipment", "review", "comment", "message", "notification", "subscription",
         "login", "device", "address", "cart", "wish", "favourite", "vote", "follow", "badge", "ticket", "answer", "upload",
         "bookmark", "report", "consent", "visit", "search", "alert"]


def buffers():
    """A quarter of the memory, as the manual of the server advises."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**22


class Server:
    """A PostgreSQL of our own, as the user that may run one."""

    def __init__(self, options):
        self.home, self.bin, self.port = options.scratch / "pg", options.pg_bin, free_port()
        self.home.mkdir()
        user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        os.chown(self.home, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", self.home / "data", "-U", "bench", "--auth=trust", "-E", "UTF8", "--locale=C")
        (self.home / "data" / "postgresql.auto.conf").write_text(
            f"listen_addresses = ''\nport = {self.port}\nunix_socket_directories = '{self.home}'\nshared_buffers = '{buffers()}MB'\n"
            "max_wal_size = '4GB'\ncheckpoint_timeout = '15min'\nmaintenance_work_mem = '512MB'\n")
        self.run("pg_ctl", "-D", self.home / "data", "-l", self.home / "log", "-w", "start")

    def run(self, program, *arguments):
        subprocess.run([self.bin / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/", **self.who)

    def url(self, database="postgres"):
        return f"postgres:///{database}?host={self.home}&port={self.port}&user=bench"

    def sql(self, text, database="postgres"):
        done = subprocess.run(
            [self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.home, "-p", str(self.port), "-U", "bench", database],
            input=text, text=True, check=False, capture_output=True)
        if done.returncode:
            sys.exit(f"bench: {done.stderr}")
        return done.stdout.strip()

    def stop(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("pg_ctl", "-D", self.home / "data", "-m", "immediate", "stop")


def fill(server, people, rows):
    each = (rows - people) // (len(NAMES) + 1)
    text = "md5(n::text) || ' and so the day went on as days do'"
    server.sql(f"""
        CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE, full_name text NOT NULL, created_at timestamptz NOT NULL);
        INSERT INTO users SELECT n, 'person' || n || '@example.org', 'Person ' || chr(65 + (n % 26)::int) || 'x', now() FROM generate_series(1, {people}) AS n;
    """)
    for name in NAMES:
        server.sql(f"""
            CREATE TABLE {name} (id bigint PRIMARY KEY, user_id bigint NOT NULL, body text NOT NULL, amount numeric(10, 2) NOT NULL, created_at timestamptz NOT NULL);
            INSERT INTO {name} SELECT n, (n::bigint * 7919) % {people} + 1, {text}, n % 1000, now() FROM generate_series(1, {each}) AS n;
            ALTER TABLE {name} ADD FOREIGN KEY (user_id) REFERENCES users;
        """)
    server.sql(f"""
        CREATE TABLE order_item (order_id bigint NOT NULL, line int NOT NULL, body text NOT NULL, PRIMARY KEY (order_id, line));
        INSERT INTO order_item SELECT n, 1, {text} FROM generate_series(1, {each}) AS n;
        ALTER TABLE order_item ADD FOREIGN KEY (order_id) REFERENCES orders;
        ANALYZE;
    """)


def worked(server):
    """Processor time of all processes of the server, of those too that have ended."""
    pid, ticks = (server.home / "data" / "postmaster.pid").read_text().split()[0], 0
    for process in [pid, *pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15 if process == pid else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Notes what the server has worked, again and again, so that it can be said afterwards of any stretch of time."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ended, self.samples = server, threading.Event(), []

    def run(self):
        while not self.ended.wait(0.02):
            self.samples.append((time.monotonic(), worked(self.server)))

    def between(self, begin, end):
        at = lambda moment: min(self.samples, key=lambda sample: abs(sample[0] - moment))[1]
        return at(end) - at(begin)


def copy(server, name, people):
    """The same rows once more, of which everything is in the server's memory, and the people in a table with statistics."""
    server.sql(f"CREATE DATABASE {name} TEMPLATE postgres STRATEGY file_copy", "template1")
    server.sql(f"CREATE TABLE gone AS SELECT unnest(ARRAY[{','.join(map(str, people))}]::bigint[]) AS id; ANALYZE gone", name)
    tables = [*NAMES, "users", "order_item"]
    server.sql("".join(f"SELECT count(*) FROM {table};" for table in tables), name)
    # The columns that are looked up by.
    columns = [(table, column) for table in NAMES for column in ("id", "user_id")] + [("users", "id"), ("users", "email"), ("order_item", "order_id")]
    server.sql("SET enable_seqscan = off; SET enable_bitmapscan = off;"
               + "".join(f"SELECT count({column}) FROM (SELECT {column} FROM {table} ORDER BY {column}) AS x;" for table, column in columns), name)
    server.sql("CHECKPOINT")


def plain(server, database, connections, read=False):
    """The same rows by the plainest SQL: people in a table with statistics, a DELETE a table, each a commit of its own. With
    `read`, every table is read once before the people go, so that what points at them no longer is found by their keys."""
    of = "FROM {0} AS t USING gone AS g WHERE t.user_id = g.id AND g.id % {1} = {2}"
    items = "FROM order_item AS t USING orders AS o JOIN gone AS g ON o.user_id = g.id WHERE t.order_id = o.id"
    # What comes before everything that it points at; tables side by side, and of one table every other person.
    parts = [
        [[of.format(name, 1, 0) for name in NAMES[1:][number::connections]] + ([items] if number == 0 else []) for number in range(connections)],
        [[of.format("orders", connections, number)] for number in range(connections)],
        [[of.format("users", connections, number).replace("t.user_id", "t.id")] for number in range(connections)],
    ]
    counted = "WITH x AS (DELETE {} RETURNING 1) SELECT count(*) FROM x;"
    parts = [["".join(map(counted.format, deletes)) for deletes in part] for part in parts]
    if read:
        seen = "SELECT 0 * count(*) FROM {};"
        parts.insert(2, ["".join(map(seen.format, NAMES[number::connections])) for number in range(connections)])
    logged = lambda: int(server.sql("SELECT pg_current_wal_insert_lsn() - '0/0'", database))
    wal, rows, marks = logged(), 0, [(time.monotonic(), worked(server))]
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        for part in parts:
            done = pool.map(lambda text: server.sql(text, database), part)
            rows += sum(sum(map(int, text.split())) for text in done)
            marks.append((time.monotonic(), worked(server)))
    (begun, before), (late, less), (ended, after) = marks[0], marks[-2], marks[-1]
    return {"rows": rows, "all_ms": (ended - begun) * 1000, "people_ms": (ended - late) * 1000, "cpu_s": after - before,
            "people_cpu_s": after - less, "wal": logged() - wal}


def batch(options, server, map_file, people, database):
    """Ours, with what the server worked while it changed rows."""
    watch = Watch(server)
    watch.start()
    done = program(options, server, "erase", map_file, people, database)
    took, ended = done["took"], time.monotonic()
    watch.ended.set()
    watch.join()
    if not done["complete"]:
        sys.exit("bench: the batch was not complete")
    changed = ended - (took["search_ms"] + took["recount_ms"]) / 1000
    return done | {"cpu_s": watch.between(changed - took["rows_ms"] / 1000, changed)}


def program(options, server, what, map_file, keys, database="postgres"):
    file = options.scratch / "who"
    file.write_text("".join(f"{key}\n" for key in keys))
    done = subprocess.run([options.program, what, server.url(database), map_file, file], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {what}: {done.stderr}")
    return json.loads(done.stdout)


def median(samples, field):
    return statistics.median(field(sample) for sample in samples)


def one(options, server, map_file, keys):
    """Access and erasure of one person after another."""
    access = [program(options, server, "access", map_file, [key]) for key in keys]
    erase = [program(options, server, "erase", map_file, [key]) for key in keys]
    if not all(sample["complete"] for sample in erase):
        sys.exit("bench: an erasure was not complete")
    return access, erase


def report(options, figures):
    took = figures["batch"]["took"]
    rate = figures["batch"]["rows"] / (took["rows_ms"] / 1000)
    whole = figures["batch"]["rows"] / (figures["batch"]["all_ms"] / 1000)
    access, erase = figures["access"], figures["erase"]

    def ms(samples, field):
        values = sorted(field(sample) for sample in samples)
        return f"{statistics.median(values):.0f} ms ({values[0]:.0f} to {values[-1]:.0f})"

    rights = lambda sample: sample["all_ms"] - sample["took"]["search_ms"]
    alone, pair, best = figures["plain"]
    each = lambda sample: sample["rows"] / (sample["all_ms"] / 1000)
    core = lambda sample: sample["rows"] / sample["cpu_s"]
    ours, limit = figures["batch"], max(map(each, figures["plain"]))
    met = "met" if rate >= 100_000 else "**not met in this run**"
    by_hand = lambda sample: f"{each(sample):,.0f} ({sample['cpu_s']:.1f} s, {core(sample):,.0f})"
    text = f"""# Rights in a foreign database, measured

Written by `bin/bench-rights` on {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC. {machine()}; {figures["server"]}; {options.note}

{figures["count"]:,} rows over {len(NAMES) + 2} tables, {options.people:,} people, {figures["size"]} on the disk. The map and its {figures["indexes"]} indexes are
those that `wordbond map discover` proposed (in {figures["discover_ms"] / 1000:.1f} s); nothing was edited. A unix socket; commits durable, full page
writes on, `shared_buffers` {buffers()} MB (a quarter of the memory), `max_wal_size` 4 GB, a checkpoint right before each batch.

| what | figure | aim |
|---|---:|---:|
| access of one person, everything ({access[0]["rows"]} rows into JSON, HTML and {len(NAMES) + 2} CSV files) | {ms(access, lambda s: s["all_ms"])} | 1 s |
| erasure of one person: connect, lint, plan, change {erase[0]["rows"]} rows, count again | {ms(erase, rights)} | 1 s |
| after it, the search of every text of all tables for their address | {ms(erase, lambda s: s["took"]["search_ms"])} | – |
| both, until the receipt says that nothing is left | {ms(erase, lambda s: s["all_ms"])} | – |
| erasure of {figures["batch"]["people"]:,} people in one batch: rows changed | {figures["batch"]["rows"]:,} | – |
| … rows per second while changing them | {rate:,.0f} | 100,000 |
| … rows per second of the whole, with plan, search of every text for {figures["batch"]["people"]:,} addresses, and recount | {whole:,.0f} | – |
| … plan, change, search, recount | {took["plan_ms"] / 1000:.1f} s, {took["rows_ms"] / 1000:.1f} s, {took["search_ms"] / 1000:.1f} s, {took["recount_ms"] / 1000:.1f} s | – |
| … processor time of the server while changing them, and rows per second of it | {ours["cpu_s"]:.1f} s, {core(ours):,.0f} | – |
| the same rows by plain SQL, one connection: rows per second (processor time, rows per second of it) | {by_hand(alone)} | – |
| the same, two connections | {by_hand(pair)} | – |
| the same, two connections, every table read once before the people go | {by_hand(best)} | – |
| … ours as a share of the fastest of the three: by the clock, by processor time | {100 * rate / limit:.0f} %, {100 * core(ours) / max(map(core, figures["plain"])):.0f} % | – |

Medians of {len(access)} people, smallest and largest in brackets; each is a process of its own. An address holds an at sign, and the
texts of these tables hold none: the server tells them apart before it sends one. Where most texts hold one, the search takes longer.

## The aims

One person, the rows: {"met" if max(statistics.median(map(rights, erase)), median(access, lambda s: s["all_ms"])) <= 1000 else "**not met**"}; until the receipt, which waits for a
search of every text of all {figures["count"]:,} rows, it is {median(erase, lambda s: s["all_ms"]) / 1000:.2f} s. The batch: {met}, {rate:,.0f} rows per second where 100,000 are aimed at; load average {figures["loads"][0]} before it
and {figures["loads"][1]} after it, of {os.cpu_count()} cores.

What the server itself can do was measured right after it, at load {figures["loads"][2]}. Ours and each of the three had a copy of the same database, new
and wholly in the server's memory: people in a table with statistics, one `DELETE … USING` a table, each a transaction of its own, by `psql`. They write
{alone["wal"] / 1e6:,.0f} MB of log, most of it each page once. Of one connection's {alone["cpu_s"]:.1f} s of processor time {alone["people_cpu_s"]:.1f} s, and of its {alone["all_ms"] / 1000:.1f} s by the clock {alone["people_ms"] / 1000:.1f} s, go
into the {ours["people"]:,} rows of the people themselves: for each the server looks into {len(NAMES)} tables whether anything still points at it, and finds by the
index what was deleted and is not cleared away yet, one page here and one page there. Whoever reads a page after its rows have gone clears it. The third
reads every table first, and the people then take {best["people_cpu_s"]:.1f} s of processor time, where they take {pair["people_cpu_s"]:.1f} s of the second's. With all that an erasure notes down, the server works {ours["cpu_s"]:.1f} s for ours. With {os.cpu_count()} cores to itself, waiting for nothing, it would
change {os.cpu_count() * core(ours):,.0f} rows per second for ours and {os.cpu_count() * max(map(core, figures["plain"])):,.0f} by the best of the three: what is below that is other work on the machine, and the disk.
"""
    # The comparison, which another program measures, stays.
    file = options.out / "RIGHTS_BENCH.md"
    below = file.read_text().partition("\n## Beside")[1:] if file.exists() else ()
    file.write_text(text.rstrip() + "\n" + "".join(below))


def main():
    parser = argparse.ArgumentParser()
    for name in ["program", "pg-bin", "scratch", "out"]:
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    for name, default in [("rows", 10_000_000), ("people", 100_000), ("batch", 10_000), ("runs", 5)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--note", default="the machine was otherwise quiet.")
    options = parser.parse_args()
    server = Server(options)
    try:
        begin = time.monotonic()
        fill(server, options.people, options.rows)
        print(f"bench: rows made in {time.monotonic() - begin:.0f} s", file=sys.stderr)
        map_file = options.scratch / "map.toml"
        proposed = program(options, server, "discover", map_file, [])
        for command in proposed["indexes"]:
            server.sql(command)
        server.sql("VACUUM ANALYZE; CHECKPOINT")
        chance = random.Random(1)
        people = chance.sample(range(1, options.people + 1), options.runs + 1 + options.batch)
        one(options, server, map_file, people[:1])
        access, erase = one(options, server, map_file, people[1:options.runs + 1])
        gone, by_hand, loads = people[options.runs + 1:], [], []
        for name, erased in [("ours", lambda: batch(options, server, map_file, gone, "ours")), ("one", lambda: plain(server, "one", 1)),
                             ("two", lambda: plain(server, "two", 2)), ("best", lambda: plain(server, "best", 2, read=True))]:
            copy(server, name, gone)
            if name == "ours":
                # The map knows every table there is.
                server.sql("DROP TABLE gone", name)
            loads.append(os.getloadavg()[0])
            by_hand.append(erased())
            server.sql(f"DROP DATABASE {name}", "template1")
        ours = by_hand.pop(0)
        figures = {
            "access": access, "erase": erase, "batch": ours, "indexes": len(proposed["indexes"]), "discover_ms": proposed["all_ms"],
            "count": options.rows, "plain": by_hand, "loads": [f"{load:.1f}" for load in loads], "size": server.sql("SELECT pg_size_pretty(pg_database_size('postgres'))"),
            "server": "PostgreSQL " + server.sql("SHOW server_version").split()[0],
        }
        print(json.dumps(figures, indent=1))
        report(options, figures)
    finally:
        server.stop()


main()
