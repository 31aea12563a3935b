#!/usr/bin/env python3
"""Measures the proxy beside others; called by bin/bench-proxy, which installs and builds.

Each proxy runs on one core with one worker; the load and the application have the other. CPU is what the kernel charged
the proxy's own processes. The proxies take turns, so that a noisy hour hits all of them.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

from bench import cpu_seconds, descendants, free_port, machine, tree_cpu_seconds

BODY = 1024
TOKEN = "Authorization"


def wait_for(port):
    import socket
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"bench: nothing listens on port {port}")


class Server:
    """A process under measurement."""

    def __init__(self, name, command, port, log, core="0", env=None, headers=()):
        self.name, self.port, self.headers = name, port, list(headers)
        self.url = f"https://localhost:{port}/page"
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                ["taskset", "-c", core, *map(str, command)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=os.environ | (env or {}))
        wait_for(port)

    def cpu(self):
        return tree_cpu_seconds(self.process.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
            return
        self.process.kill()
        self.process.wait()


class Running:
    """A system that was started by somebody else."""

    def __init__(self, url, pid, header):
        self.name, self.url, self.pid, self.headers = "the whole system", url, pid, [header]
        for process in descendants(pid):
            subprocess.run(["taskset", "-a", "-c", "-p", "0", str(process)], capture_output=True, check=False)

    def cpu(self):
        return cpu_seconds(self.pid)

    def stop(self):
        pass


def application(options):
    """An nginx that answers every request with the same kilobyte."""
    port, home = free_port(), options.scratch / "application"
    home.mkdir()
    (home / "nginx.conf").write_text(f"""
{"user root;" if os.getuid() == 0 else ""} worker_processes 1; daemon off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; default_type text/html;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{"x" * BODY}"; }} }}
}}
""")
    return Server("the application itself", ["nginx", "-p", home, "-c", home / "nginx.conf"], port, home / "log", core="1")


def gate(options, behind):
    port, home = free_port(), options.scratch / "gate"
    server = Server(
        "Wordbond", [options.gate, "--upstream", f"http://127.0.0.1:{behind}", "--listen", f"127.0.0.1:{port}", "--data-dir", home],
        port, options.scratch / "gate.log", env={"TOKIO_WORKER_THREADS": "1"})
    server.headers = [f"{TOKEN}: Bearer {(home / 'token').read_text()}"]
    return server, home / "tls"


def nginx(options, behind, tls):
    port, home = free_port(), options.scratch / "nginx"
    home.mkdir()
    (home / "nginx.conf").write_text(f"""
{"user root;" if os.getuid() == 0 else ""} worker_processes 1; daemon off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000;
  upstream application {{ server 127.0.0.1:{behind}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_protocols TLSv1.3; ssl_certificate {tls}/cert.pem; ssl_certificate_key {tls}/key.pem;
    location / {{
      proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }}
  }}
}}
""")
    return Server("nginx", ["nginx", "-p", home, "-c", home / "nginx.conf"], port, home / "log")


def haproxy(options, behind, tls):
    port, home = free_port(), options.scratch / "haproxy"
    home.mkdir()
    (home / "both.pem").write_text((tls / "cert.pem").read_text() + (tls / "key.pem").read_text())
    (home / "haproxy.cfg").write_text(f"""
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend gate
  bind 127.0.0.1:{port} ssl crt {home}/both.pem ssl-min-ver TLSv1.3 alpn h2,http/1.1
  default_backend application
backend application
  server one 127.0.0.1:{behind}
""")
    return Server("HAProxy", ["haproxy", "-db", "-f", home / "haproxy.cfg"], port, home / "log")


def caddy(options, behind, tls):
    port, home = free_port(), options.scratch / "caddy"
    home.mkdir()
    (home / "Caddyfile").write_text(f"""
{{
  admin off
  auto_https off
}}
https://localhost:{port} {{
  bind 127.0.0.1
  tls {tls}/cert.pem {tls}/key.pem
  reverse_proxy 127.0.0.1:{behind}
}}
""")
    return Server("Caddy", ["caddy", "run", "--config", home / "Caddyfile", "--adapter", "caddyfile"], port, home / "log",
                  env={"GOMAXPROCS": "1", "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)})


def load(server, seconds):
    """Keep-alive requests over TLS from the second core; the number of good answers."""
    flags = [word for header in server.headers for word in ("-H", header)]
    done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", *flags, server.url],
                          capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(f"bench: {server.name} did not answer every request:\n{done.stdout}")
    return int(re.search(r"(\d+) requests in", done.stdout)[1])


def p99(options, url, headers, rate, seconds):
    """The 99th percentile in milliseconds at an even rate over eight connections."""
    log = options.scratch / "latencies"
    log.unlink(missing_ok=True)
    flags = [word for header in headers for word in ("-H", header)]
    subprocess.run(["taskset", "-c", "1", "h2load", "--h1", "-t1", "-c8", f"--rps={max(1, rate // 8)}", "-D", str(seconds),
                    f"--log-file={log}", *flags, url], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    bad = [row for row in rows if row[1] != "200"]
    if bad or not rows:
        sys.exit(f"bench: {url} answered {bad[:1]} at an even load")
    took = sorted(int(row[2]) for row in rows)
    return took[int(len(took) * 0.99)] / 1000


def first(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def write(options, cpu, rates, latencies, direct):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    versions = [first("rustc", "--version"), first("nginx", "-v"), first("haproxy", "-v"), "Caddy " + first("caddy", "version")]
    record = {"date": date, "machine": machine(), "versions": versions, "cpu_us": cpu, "requests_per_s": rates, "p99_ms": latencies,
              "p99_direct_ms": direct}
    (options.out / "proxy_bench.json").write_text(json.dumps(record, indent=2) + "\n")
    base = statistics.median(cpu["nginx"])
    lines = [
        "# The proxy beside others", "",
        f"Written by `bin/bench-proxy` on {date}: medians of {options.runs} runs of {options.seconds} s, every sample in "
        "[proxy_bench.json](proxy_bench.json).", "", f"Machine: {record['machine']}. " + "; ".join(versions) + ".", "",
        f"All stand in front of the same application, which answers with {BODY} bytes over plain HTTP; TLS 1.3, keep-alive on both "
        "sides, one worker on a core of its own. The others are bare proxies: they pass requests on and do nothing else. Wordbond "
        "reads strictly, looks its caller up, refuses other sites, rewrites the headers of both sides and adds a signed identity. "
        f"Latencies are 99th percentiles at an even load of half of what the slowest carries; the application alone takes {direct:.2f} ms.",
        "", "| proxy | CPU per request | ratio to nginx | requests/s on one core | p99 at half load | added |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, samples in cpu.items():
        middle = statistics.median(samples)
        took = statistics.median(latencies[name])
        lines.append(f"| {name} | {middle:.1f} µs | {middle / base:.2f} × | {statistics.median(rates[name]):,.0f} | {took:.2f} ms | "
                     f"{took - direct:+.2f} ms |")
    (options.out / "PROXY_BENCH.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser()
    for flag in ("--gate", "--scratch", "--out"):
        parser.add_argument(flag, type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--also-url")
    parser.add_argument("--also-pid", type=int)
    parser.add_argument("--also-header")
    options = parser.parse_args()
    with contextlib.ExitStack() as started:
        measure(options, started)


def measure(options, started):
    def begun(server):
        started.callback(server.stop)
        return server

    behind = begun(application(options))
    ours, tls = gate(options, behind.port)
    servers = [begun(ours)] + [begun(other(options, behind.port, tls)) for other in (nginx, haproxy, caddy)]
    if options.also_url:
        servers.append(Running(options.also_url, options.also_pid, options.also_header))
    cpu, rates, latencies = ({server.name: [] for server in servers} for _ in range(3))
    for server in servers:
        load(server, 2)
    for _ in range(options.runs):
        for server in servers:
            before = server.cpu()
            count = load(server, options.seconds)
            cpu[server.name].append(round((server.cpu() - before) / count * 1e6, 2))
            rates[server.name].append(round(count / options.seconds, 1))
    half = int(min(statistics.median(rate) for rate in rates.values()) / 2)
    direct = p99(options, f"http://127.0.0.1:{behind.port}/page", [], half, options.seconds)
    for _ in range(min(3, options.runs)):
        for server in servers:
            latencies[server.name].append(p99(options, server.url, server.headers, half, options.seconds))
    write(options, cpu, rates, latencies, direct)


if __name__ == "__main__":
    main()
