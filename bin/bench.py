#!/usr/bin/env python3
"""Measures a release build of wordbond; called by bin/bench, which installs and builds.

Absolute figures drift from machine to machine and hour to hour, so nginx is measured in the same run, in turns with us,
and the ratio is what counts. CPU is what the kernel charged the processes (utime + stime), not elapsed time.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")
# Headers that nginx sets itself, or that differ from answer to answer.
NOT_REPEATED = {"date", "content-length", "connection", "transfer-encoding", "x-request-id", "etag", "last-modified",
                "content-type", "server"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of one process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def descendants(pid):
    """The process and everything below it."""
    found = [pid]
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in list(pathlib.Path(f"/proc/{pid}/task").iterdir()):
            # A thread or process may end while it is being looked at.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for child in (task / "children").read_text().split():
                    found += descendants(int(child))
    return found


def tree_cpu_seconds(pid):
    total = 0.0
    for process in descendants(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += cpu_seconds(process)
    return total


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


class System:
    """A serving wordbond, on a data directory and port of its own."""

    def __init__(self, options, name):
        self.data = options.scratch / name
        self.data.mkdir(exist_ok=True)
        (self.data / "ready.json").unlink(missing_ok=True)
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.log = open(options.scratch / f"{name}.log", "ab")
        self.skip = self.log.tell()
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            [options.bin / "wordbond", "up", "--profile", "profiles/leide.toml", "--data-dir", self.data,
             "--listen", f"127.0.0.1:{self.port}", "--pg-bin", options.pg_bin],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def first_page(self):
        """Seconds from the start of the process to the first complete trust page."""
        while time.monotonic() - self.begin < 120:
            if self.process.poll() is not None:
                sys.exit(f"bench: the system ended by itself: see {self.log.name}")
            with contextlib.suppress(OSError):
                context = ssl.create_default_context(cafile=self.data / "tls" / "ca.pem")
                with urllib.request.urlopen(f"{self.url}/trust", context=context, timeout=5) as answer:
                    if answer.status == 200 and answer.read():
                        return time.monotonic() - self.begin
            time.sleep(0.01)
        sys.exit("bench: no page after two minutes")

    def settled(self):
        """Waits until the system has attacked itself once, and said so."""
        said = pathlib.Path(self.log.name)
        while not re.search(r"^\d+ promises: ", said.read_text(errors="replace")[self.skip:], re.MULTILINE):
            if self.process.poll() is not None or time.monotonic() - self.begin > 240:
                sys.exit(f"bench: the system did not get ready: see {self.log.name}")
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.log.close()


def median(samples):
    return statistics.median(samples)


def measure_start(options):
    fresh, again = [], []
    for run in range(options.runs):
        system = System(options, f"start-{run}")
        fresh.append(system.first_page())
        system.settled()
        system.stop()
        system = System(options, f"start-{run}")
        again.append(system.first_page())
        system.settled()
        system.stop()
    return {"start_fresh_s": fresh, "start_again_s": again}


def measure_probe(options, system):
    took = []
    for _ in range(options.runs):
        begin = time.monotonic()
        done = subprocess.run(
            [options.bin / "wordbond", "probe", system.url, "--ca", system.data / "tls" / "ca.pem", "--json"],
            stdin=subprocess.DEVNULL, capture_output=True, check=False)
        took.append(time.monotonic() - begin)
        if done.returncode not in (0, 3):
            sys.exit(f"bench: probe ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return {"outside_check_s": took}


def as_server(*command):
    """PostgreSQL refuses root."""
    return ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--") + command if os.getuid() == 0 else command


@contextlib.contextmanager
def durable_ledger(options):
    """A cluster with fsync and the settings of the child server that cost time, holding the ledger's schema."""
    home = options.scratch / "ledger"
    home.mkdir()
    if os.getuid() == 0:
        shutil.chown(home, "nobody", "nogroup")
    subprocess.run(
        as_server(str(options.pg_bin / "initdb"), "--pgdata", str(home / "data"), "--username", "postgres", "--auth", "trust",
                  "--encoding", "UTF8", "--locale", "C", "--data-checksums"),
        check=True, stdout=subprocess.DEVNULL)
    with open(options.scratch / "ledger.log", "wb") as log:
        server = subprocess.Popen(
            as_server(str(options.pg_bin / "postgres"), "-D", str(home / "data"), "-c", "listen_addresses=",
                      "-c", f"unix_socket_directories={home}", "-c", "track_commit_timestamp=on", "-c", "wal_recycle=off"),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        psql = [options.pg_bin / "psql", "-h", home, "-U", "postgres", "-qX", "-v", "ON_ERROR_STOP=1"]
        while subprocess.run([options.pg_bin / "pg_isready", "-q", "-h", home, "-U", "postgres"], check=False).returncode:
            time.sleep(0.05)
        roles = "; ".join(f"CREATE ROLE wordbond_{role} LOGIN" for role in ("app", "auditor", "sealer"))
        subprocess.run([*psql, "-c", roles], check=True)
        for migration in sorted(pathlib.Path("crates/ledger/migrations").glob("*.sql")):
            subprocess.run([*psql, "-f", migration], check=True)
        yield tuple(f"postgres://wordbond_{role}@localhost/postgres?host={home}" for role in ("app", "sealer"))
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def measure_ledger(options):
    """What the ledger's own benchmark prints: one JSON object of figures, repeated for each run."""
    figures = {}
    with durable_ledger(options) as (app, sealer):
        for _ in range(options.runs):
            done = subprocess.run(
                [options.bin / "examples" / "bench_ledger", "--app", app, "--sealer", sealer, "--seconds", str(options.seconds)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True)
            for name, value in json.loads(done.stdout.strip().splitlines()[-1]).items():
                figures.setdefault(f"ledger_{name}", []).append(value)
    return figures


def quoted(value):
    """A header's value as nginx reads it: in the kind of quotes that it does not hold."""
    return f"'{value}'" if "'" not in value else '"' + value.replace('"', '\\"') + '"'


@contextlib.contextmanager
def nginx(options, system, path):
    """An nginx that serves the same body with the same headers over TLS 1.3, with the same certificate."""
    context = ssl.create_default_context(cafile=system.data / "tls" / "ca.pem")
    with urllib.request.urlopen(system.url + path, context=context) as answer:
        body, headers = answer.read(), answer.headers.items()
    home = options.scratch / "nginx"
    home.mkdir(exist_ok=True)
    (home / "page.html").write_bytes(body)
    repeated = "\n".join(
        f"      add_header {name} {quoted(value)} always;" for name, value in headers if name.lower() not in NOT_REPEATED)
    port = free_port()
    (home / "nginx.conf").write_text(f"""
{"user root;" if os.getuid() == 0 else ""} worker_processes 1; daemon off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000000; default_type text/html;
  open_file_cache max=10;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_protocols TLSv1.3;
    ssl_certificate {system.data}/tls/cert.pem; ssl_certificate_key {system.data}/tls/key.pem;
    location = {path} {{
      alias {home}/page.html;
{repeated}
    }}
  }}
}}
""")
    process = subprocess.Popen(["nginx", "-p", home, "-c", home / "nginx.conf"], stdin=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield process, f"https://localhost:{port}{path}", len(body)
    finally:
        process.terminate()
        process.wait()


def load(url, seconds):
    """Keep-alive requests over TLS from the second core; the number of good answers."""
    done = subprocess.run(
        ["taskset", "-c", "1" if os.cpu_count() > 1 else "0", "wrk", "-t1", "-c16", f"-d{seconds}s", url],
        capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(f"bench: not every request was answered:\n{done.stdout}")
    return int(re.search(r"(\d+) requests in", done.stdout)[1])


def pin(pid):
    for process in descendants(pid):
        subprocess.run(["taskset", "-a", "-c", "-p", "0", str(process)], capture_output=True, check=False)


def measure_page(options, system):
    figures = {name: [] for name in ("page_us", "page_tree_us", "nginx_us", "resident_mib")}
    pid = system.process.pid
    figures["resident_start_mib"] = [resident_mib(pid)]
    with nginx(options, system, "/trust") as (other, other_url, size):
        pin(pid)
        pin(other.pid)
        load(f"{system.url}/trust", 2)
        load(other_url, 2)
        for _ in range(options.runs):
            own, tree = cpu_seconds(pid), tree_cpu_seconds(pid)
            count = load(f"{system.url}/trust", options.seconds)
            figures["page_us"].append((cpu_seconds(pid) - own) / count * 1e6)
            figures["page_tree_us"].append((tree_cpu_seconds(pid) - tree) / count * 1e6)
            before = tree_cpu_seconds(other.pid)
            count = load(other_url, options.seconds)
            figures["nginx_us"].append((tree_cpu_seconds(other.pid) - before) / count * 1e6)
            figures["resident_mib"].append(resident_mib(pid))
    figures["page_ratio"] = [ours / theirs for ours, theirs in zip(figures["page_us"], figures["nginx_us"])]
    figures["page_kib"] = [size / 1024]
    return figures


# What each figure is called, its unit, and what it should be: (name, title, format, aim, whether it is met).
ROWS = [
    ("start_fresh_s", "start to first page, empty data directory", "{:.2f} s", "≤ 8 s", lambda x: x <= 8),
    ("start_again_s", "start to first page, existing data", "{:.2f} s", "≤ 8 s", lambda x: x <= 8),
    ("outside_check_s", "full outside check (`wordbond probe`)", "{:.2f} s", "≤ 2 s", lambda x: x <= 2),
    ("ledger_appends_per_s", "ledger appends, durable commits, 8 clients while the sealer keeps up", "{:,.0f} /s", "≥ 5,000 /s",
     lambda x: x >= 5000),
    ("ledger_seconds_to_seal_the_rest", "until the last of them is sealed", "{:.2f} s", "", None),
    ("ledger_verify_s", "read and verify a million leaves", "{:.2f} s", "≤ 5 s", lambda x: x <= 5),
    ("page_us", "server CPU per request of `/trust`, TLS 1.3", "{:.1f} µs", "", None),
    ("page_tree_us", "the same with the database's CPU", "{:.1f} µs", "", None),
    ("nginx_us", "nginx, same bytes and headers", "{:.1f} µs", "", None),
    ("page_ratio", "ratio to nginx", "{:.2f} ×", "", None),
    ("page_kib", "size of the page", "{:.1f} KiB", "", None),
    ("resident_start_mib", "resident memory when ready, without PostgreSQL", "{:.1f} MiB", "≤ 80 MB", lambda x: x <= 76.3),
    ("resident_mib", "the same under load", "{:.1f} MiB", "≤ 80 MB", lambda x: x <= 76.3),
]


def machine():
    model = "unknown processor"
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"


def tool_versions(options):
    def first(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).strip().splitlines()[0]
    return [first("rustc", "--version"), first(str(options.pg_bin / "postgres"), "--version"), first("nginx", "-v")]


def write(options, figures):
    record = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(), "versions": tool_versions(options), "runs": options.runs,
        "samples": {name: [round(value, 4) for value in values] for name, values in figures.items()},
        "medians": {name: round(median(values), 4) for name, values in figures.items()},
    }
    (options.out / "benchmarks.json").write_text(json.dumps(record, indent=2) + "\n")
    lines = [
        "# Benchmarks", "",
        f"Written by `bin/bench` on {record['date']}: medians of {options.runs} runs of a release build, every sample in "
        "[benchmarks.json](benchmarks.json).", "",
        f"Machine: {record['machine']}. " + "; ".join(record["versions"]) + ".", "",
        "CPU is user plus system time that the kernel charged the server for answering keep-alive requests; server and load generator "
        "have a core each, and nginx is measured in turns with us in the same run, with the same bytes, headers and certificate. "
        "Absolute figures drift from machine to machine; the ratio is what can be compared.", "",
        "| what | median | spread | aim | |", "|---|---:|---:|---:|---|",
    ]
    for name, title, form, aim, met in ROWS:
        if name not in figures:
            continue
        values = figures[name]
        verdict = "" if met is None else ("met" if met(median(values)) else "**missed**")
        spread = f"{form.format(min(values))} – {form.format(max(values))}" if len(values) > 1 else ""
        lines.append(f"| {title} | {form.format(median(values))} | {spread} | {aim} | {verdict} |")
    text = "\n".join(lines) + "\n"
    (options.out / "BENCHMARKS.md").write_text(text)
    print(text)


def main():
    parser = argparse.ArgumentParser()
    for flag in ("--bin", "--pg-bin", "--scratch", "--out"):
        parser.add_argument(flag, type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", default="start,probe,ledger,page")
    options = parser.parse_args()
    wanted = options.only.split(",")
    figures = {}
    if "start" in wanted:
        figures |= measure_start(options)
    if "ledger" in wanted:
        figures |= measure_ledger(options)
    if {"probe", "page"} & set(wanted):
        system = System(options, "served")
        try:
            system.settled()
            if "probe" in wanted:
                figures |= measure_probe(options, system)
            if "page" in wanted:
                figures |= measure_page(options, system)
        finally:
            system.stop()
    write(options, figures)


if __name__ == "__main__":
    main()
