#!/usr/bin/env python3
"""Measures the proxy beside others; called by bin/bench-proxy, which installs and builds.

Each proxy runs on one core with one worker; the load and the application have the other. CPU is what the kernel charged
the proxy's own processes. The proxies take turns, so that a noisy hour hits all of them.
"""

import argparse
import contextlib
import datetime
import http.cookiejar
import json
import os
import pathlib
import re
import secrets
import signal
import ssl
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from bench import free_port, machine, tree_cpu_seconds

BODY = 1024
# How many members use the service. Each may open 3,000 pages at once, and then 50 a second.
PEOPLE = 40
SESSIONS = 100_000
OURS = "Wordbond"


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


class Wordbond(Server):
    """The whole system, with PostgreSQL below it, and people who signed up and in on its public pages.

    Each promise is attacked when the system starts, and then not again for a day: the probes must not count as requests.
    Everything else goes on: the heartbeat, the sealer, the sweep.
    """

    def __init__(self, options, name, behind):
        self.home, self.psql = options.scratch / re.sub("[^A-Za-z0-9]", "", name), options.pg_bin / "psql"
        self.home.mkdir()
        profile = self.home / "gate.toml"
        profile.write_text(re.sub(r"^(control = .*)$", '\\1\\ncadence = "24 hours"\\nfreshness = "48 hours"',
                                  pathlib.Path("profiles/gate.toml").read_text(), flags=re.MULTILINE))
        port = free_port()
        super().__init__(
            name, [options.bin / "wordbond", "up", "--profile", profile, "--data-dir", self.home / "data", "--listen", f"127.0.0.1:{port}",
                   "--pg-bin", options.pg_bin, "--upstream", f"http://127.0.0.1:{behind}", "--upstream-open", "/api/",
                   # Counted like any other limit; only never reached.
                   "--upstream-limit", "1000000000", "--trusted-proxy", "127.0.0.1"],
            port, self.home / "log", env={"TOKIO_WORKER_THREADS": "1"})
        self.tls = self.home / "data" / "tls"
        log = self.home / "log"
        for _ in range(2400):
            if re.search(r"^\d+ promises: ", log.read_text(errors="replace"), re.MULTILINE):
                break
            if self.process.poll() is not None:
                sys.exit(f"bench: the system ended by itself:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        self.people = [self.sign_up(number) for number in range(PEOPLE)]
        self.headers = [f"Cookie: {self.people[0][0]}", f"Origin: https://localhost:{port}", "Sec-Fetch-Site: same-origin"]

    def sign_up(self, number):
        """A member with a live session, made as people do it; their cookie and the address that they come from."""
        address = f"198.51.{100 + number // 250}.{1 + number % 250}"
        context = ssl.create_default_context(cafile=self.tls / "ca.pem")

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(
            Stay, urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(jar))
        origin = f"https://localhost:{self.port}"

        def ask(path, form=None):
            data = urllib.parse.urlencode(form).encode() if form else None
            sent = {"Accept": "text/html", "X-Forwarded-For": address} | ({"Origin": origin} if form else {})
            try:
                with opener.open(urllib.request.Request(origin + path, data, sent), timeout=60) as answer:
                    return answer.read().decode()
            except urllib.error.HTTPError as answer:
                if answer.code != 303:
                    sys.exit(f"bench: {path} answered {answer.code}")
                return ""

        def token(page):
            return re.search(r'name="csrf" value="([^"]+)"', page)[1]

        email, password = f"person{number}@customer.example", secrets.token_urlsafe(24)
        ask("/sign-up", {"csrf": token(ask("/sign-up")), "name": "Ada", "email": email, "password": password, "team": "Engines"})
        ask("/sign-in", {"csrf": token(ask("/sign-in")), "email": email, "password": password, "next": "/"})
        held = [cookie for cookie in jar if cookie.name == "__Host-wordbond"]
        if not held:
            sys.exit("bench: nobody could sign in")
        return f"{held[0].name}={held[0].value}", address

    def rota(self):
        """For wrk: everybody asks in turn, each from their own address, since people are limited."""
        lua = self.home / "people.lua"
        rows = ",\n".join(f'{{["Cookie"]="{cookie}", ["X-Forwarded-For"]="{address}"}}' for cookie, address in self.people)
        lua.write_text(f"""
local people, requests, at = {{{rows}}}, {{}}, 0
init = function()
  for i, headers in ipairs(people) do requests[i] = wrk.format("GET", nil, headers) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
""")
        return lua

    def plant(self, count):
        """So many sessions, as the owner of the database: copies of those that are there, with tokens that nobody holds."""
        ready = json.loads((self.home / "data" / "ready.json").read_text())
        place = ready.get("pg") or {key: ready[key] for key in ("socket", "port")}
        sql = f"""
BEGIN;
CREATE TEMPORARY TABLE more AS
    SELECT s.account_id, gen_random_uuid() AS session_id, s.tenant_id, s.person_id,
           sha256(convert_to(gen_random_uuid()::text, 'UTF8')) AS token_hash, s.csrf, s.strength, s.pending, s.device,
           s.created_at, s.seen_at, s.confirmed_at, s.expires_at
    FROM (SELECT * FROM wordbond.session ORDER BY created_at DESC LIMIT {PEOPLE}) AS s, generate_series(1, {count // PEOPLE});
INSERT INTO wordbond.session (account_id, session_id, tenant_id, person_id, token_hash, csrf, strength, pending, device,
                              created_at, seen_at, confirmed_at, expires_at) SELECT * FROM more;
INSERT INTO wordbond.sign_in (lookup, kind, account_id, tenant_id, person_id, row_id, created_at)
    SELECT token_hash, 'session', account_id, tenant_id, person_id, session_id, created_at FROM more;
COMMIT;
ANALYZE;
SELECT count(*) FROM wordbond.session;
"""
        done = subprocess.run(
            [self.psql, "-h", place["socket"], "-p", str(place["port"]), "-U", "wordbond_super", "-d", "wordbond", "-qAtX",
             "-v", "ON_ERROR_STOP=1"], input=sql, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench: sessions could not be planted: {done.stderr}")
        return int(done.stdout.split()[-1])


class Page:
    """A page of a server that runs already, measured as a server of its own."""

    def __init__(self, of, name, path, script=None):
        self.of, self.name, self.url, self.script = of, name, f"https://localhost:{of.port}{path}", script
        self.headers = of.headers

    def cpu(self):
        return self.of.cpu()


def bare(options, behind, tls):
    port = free_port()
    return Server(
        "hyper and rustls, nothing else", [options.bin / "examples" / "bare", "--upstream", f"127.0.0.1:{behind}", "--listen",
                                           f"127.0.0.1:{port}", "--cert", tls / "cert.pem", "--key", tls / "key.pem"],
        port, options.scratch / "bare.log", env={"TOKIO_WORKER_THREADS": "1"})


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
    script = getattr(server, "script", None)
    flags = ["-s", script] if script else [word for header in server.headers for word in ("-H", header)]
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


def words(options, record):
    date, middle = record["date"], lambda name: statistics.median(record["cpu_us"][name])
    base = middle("nginx")
    ratio = middle(OURS) / base
    # The worse of ours, with few sessions and with many.
    added = max(statistics.median(took) for name, took in record["p99_ms"].items() if name.startswith(OURS)) - record["p99_direct_ms"]
    many = middle(f"{OURS}, 100,000 sessions") / middle(OURS)
    lines = [
        "# The proxy beside others", "",
        f"Written by `bin/bench-proxy` on {date}: medians of {options.runs} runs of {options.seconds} s in turns, every sample in "
        "[proxy_bench.json](proxy_bench.json).", "",
        f"Machine: {record['machine']}, load {record['load'][0]} before and {record['load'][1]} after (the measurement itself is about 2). "
        + "; ".join(record["versions"]) + ".", "",
        f"All stand in front of the same application, which answers with {BODY} bytes over plain HTTP; TLS 1.3, keep-alive on both "
        "sides, one worker on a core of its own, the load on the other. The others are bare proxies: they pass requests on and do "
        "nothing else. Wordbond is `wordbond up --profile profiles/gate.toml --upstream …` as anybody starts it, with a session that was "
        "begun on its public pages: it reads strictly, looks the session up, draws from the limits of address and member, compares "
        "origins, rewrites the headers of both sides, and adds a signed identity. **Its CPU includes PostgreSQL's** and that of "
        "everything else below it. Probes attack once at the start; a cadence of a day keeps them out of the measurement. «hyper and "
        "rustls, nothing else» is `crates/proxy/examples/bare.rs`: what the libraries alone cost.", "",
        f"Latencies are 99th percentiles at {record['half_load']:,} requests a second, half of what the slowest proxy carries; the application alone takes "
        f"{record['p99_direct_ms']:.2f} ms. The account page is asked for by {PEOPLE} members in turn, since each is limited.", "",
        "| | CPU per request | ratio to nginx | requests/s on one core | p99 at half load | added |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in record["cpu_us"]:
        row = f"| {name} | {middle(name):.1f} µs | {middle(name) / base:.2f} × | {statistics.median(record['requests_per_s'][name]):,.0f} |"
        took = record["p99_ms"].get(name)
        if took:
            row += f" {statistics.median(took):.2f} ms | {statistics.median(took) - record['p99_direct_ms']:+.2f} ms |"
        lines.append(row if took else row + " | |")
    verdict = lambda met: "met" if met else "**missed**"
    lines += [
        "", "| aim | measured | |", "|---|---:|---|",
        f"| the whole pipeline ≤ 1.5 × nginx's bare proxy | {ratio:.2f} × | {verdict(ratio <= 1.5)} |",
        f"| p99 added ≤ 1 ms at half load, the worse of ours | {added:+.2f} ms | {verdict(added <= 1)} |",
        f"| 100,000 sessions without slowing | {many:.2f} × of few | {verdict(many <= 1.1)} |",
    ]
    return "\n".join(lines) + "\n"


def write(options, record):
    (options.out / "proxy_bench.json").write_text(json.dumps(record, indent=2) + "\n")
    text = words(options, record)
    page = options.out / "PROXY_BENCH.md"
    # What was found about it stands below, by hand.
    _, mark, kept = page.read_text().partition("\n## ") if page.exists() else ("", "", "")
    page.write_text(text + mark + kept)
    print(text)


def main():
    parser = argparse.ArgumentParser()
    for flag in ("--bin", "--pg-bin", "--scratch", "--out"):
        parser.add_argument(flag, type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="nginx and the gate only; writes nothing")
    options = parser.parse_args()
    with contextlib.ExitStack() as started:
        measure(options, started)


def measure(options, started):
    def begun(server):
        started.callback(server.stop)
        return server

    load_before = round(os.getloadavg()[0], 1)
    behind = begun(application(options))
    ours = begun(Wordbond(options, OURS, behind.port))
    others = (nginx, bare) if options.quick else (nginx, haproxy, caddy, bare)
    servers = [ours] + [begun(other(options, behind.port, ours.tls)) for other in others]
    account = "the account page, no proxy"
    servers.append(Page(ours, account, "/account", ours.rota()))
    if not options.quick:
        full = begun(Wordbond(options, f"{OURS}, 100,000 sessions", behind.port))
        if (there := full.plant(SESSIONS)) < SESSIONS:
            sys.exit(f"bench: only {there} sessions are there")
        servers += [full, Page(full, f"{account}, 100,000 sessions", "/account", full.rota())]
    cpu, rates = ({server.name: [] for server in servers} for _ in range(2))
    for server in servers:
        load(server, 2)
    for _ in range(options.runs):
        for server in servers:
            before = server.cpu()
            count = load(server, options.seconds)
            cpu[server.name].append(round((server.cpu() - before) / count * 1e6, 2))
            rates[server.name].append(round(count / options.seconds, 1))
    if options.quick:
        base = statistics.median(cpu["nginx"])
        for name, samples in cpu.items():
            print(f"{name:44} {statistics.median(samples):7.1f} µs  {statistics.median(samples) / base:.2f} ×  {sorted(samples)}")
        return
    proxies = [server for server in servers if not isinstance(server, Page)]
    half = int(min(statistics.median(rates[server.name]) for server in proxies) / 2)
    direct, latencies = [], {server.name: [] for server in proxies}
    for _ in range(min(3, options.runs)):
        direct.append(p99(options, f"http://127.0.0.1:{behind.port}/page", [], half, options.seconds))
        for server in proxies:
            latencies[server.name].append(p99(options, server.url, server.headers, half, options.seconds))
    versions = [first("rustc", "--version"), first("nginx", "-v"), first("haproxy", "-v"), "Caddy " + first("caddy", "version"),
                first(str(options.pg_bin / "postgres"), "--version")]
    write(options, {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "machine": machine(),
        "load": [load_before, round(os.getloadavg()[0], 1)], "versions": versions, "cpu_us": cpu, "requests_per_s": rates,
        "half_load": half, "p99_ms": latencies, "p99_direct_ms": statistics.median(direct)})


if __name__ == "__main__":
    main()
