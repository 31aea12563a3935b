"""Serves as a mail server in many moods, and signs people up at a service that sends through it. Called by smtp.sh."""

import asyncio
import email
import email.policy
import json
import pathlib
import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import requests
from aiosmtpd.smtp import SMTP

BINARY, POSTGRES, SCRATCH = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
PAGE = {"Accept": "text/html"}
USER, PASSWORD = "wordbond", "a: strange@password/of the server"


def hold(what, true):
    print(f"    {'holds' if true else 'DOES NOT HOLD'}: {what}", flush=True)
    if not true:
        sys.exit(1)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Moody(asyncio.Protocol):
    """A server that is not itself today: it greets as it feels, or not at all."""

    def __init__(self, greeting):
        self.greeting = greeting

    def connection_made(self, transport):
        if self.greeting:
            transport.write(self.greeting)
            transport.close()


class Post:
    """What came, and in which mood it was received. Each mood lasts for one connection; then comes the next."""

    def __init__(self, port):
        self.port, self.moods, self.seen, self.mails, self.drop = port, [], [], [], False
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.server = None

    async def handle_DATA(self, server, session, envelope):
        if self.drop:
            self.drop = False
            server.transport.abort()
            return "451 gone"
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 taken"

    def authenticator(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult
        return AuthResult(success=(data.login.decode(), data.password.decode()) == (USER, PASSWORD))

    def greet(self):
        mood = self.moods.pop(0) if self.moods else "well"
        self.seen.append((mood, time.monotonic()))
        if mood == "silent":
            return Moody(None)
        if mood == "unwilling":
            return Moody(b"421 localhost too busy\r\n")
        self.drop = mood == "breaks off"
        return SMTP(self, hostname="localhost", authenticator=self.authenticator, auth_required=True,
                    auth_require_tls=False, loop=self.loop)

    def open(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(SCRATCH / f"{certificate}.pem", SCRATCH / f"{certificate}.key")
        begin = self.loop.create_server(self.greet, "127.0.0.1", self.port, ssl=context)
        self.server = asyncio.run_coroutine_threadsafe(begin, self.loop).result(10)

    def close(self):
        self.loop.call_soon_threadsafe(self.server.close)

    def wait_for(self, address, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for to, mail in self.mails:
                if to == [address]:
                    return mail
            time.sleep(0.1)
        return None


class Service:
    def __init__(self, post):
        self.data, self.port, self.post = SCRATCH / "data", free_port(), post
        (self.data / "trust").mkdir(parents=True)
        (self.data / "trust" / "mail.pem").write_text((SCRATCH / "believed-ca.pem").read_text())
        self.url = f"https://localhost:{self.port}"
        self.log = open(SCRATCH / "service.log", "ab")

    def start(self):
        smtp = f"smtps://{USER}:{PASSWORD}@localhost:{self.post.port}"
        self.process = subprocess.Popen(
            [BINARY, "up", "--profile", "profiles/leide.toml", "--data-dir", self.data, "--listen", f"127.0.0.1:{self.port}",
             "--pg-bin", POSTGRES, "--smtp", smtp, "--mail-from", "no-reply@leide.example"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for _ in range(600):
            ready = self.data / "ready.json"
            if ready.exists() and json.loads(ready.read_text())["pid"] == self.process.pid:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit("the service did not start:\n" + (SCRATCH / "service.log").read_text()[-2000:])

    def ask(self, session, method, path, **more):
        return session.request(method, self.url + path, verify=str(self.data / "tls" / "ca.pem"), allow_redirects=False, timeout=60,
                               headers=PAGE | ({"Origin": self.url} if method == "POST" else {}), **more)

    def sign_up(self, address):
        person = requests.Session()
        page = self.ask(person, "GET", "/sign-up").text
        form = {"csrf": token(page), "name": "Ada", "email": address, "password": secrets.token_urlsafe(24), "team": "Engines"}
        return self.ask(person, "POST", "/sign-up", data=form)

    def forgot(self, address):
        person = requests.Session()
        page = self.ask(person, "GET", "/forgot").text
        return self.ask(person, "POST", "/forgot", data={"csrf": token(page), "email": address})


def token(page):
    return re.search(r'name="csrf" value="([^"]+)"', page)[1]


def same(one, other):
    """Whether nobody can tell two answers apart."""
    plain = lambda answer: (answer.status_code, re.sub(r"[A-Za-z0-9_-]{40,}", "…", answer.text))
    return plain(one) == plain(other)


def link(mail):
    text = mail.get_body(("plain",)).get_content()
    return re.search(r"https://\S+", text)[0]


def main():
    post = Post(free_port())
    service = Service(post)
    try:
        run(post, service)
    finally:
        service.process.kill()
        service.process.wait()


def run(post, service):
    print("The mail server has a certificate of an authority that nobody here believes.")
    post.open("unknown")
    service.start()
    known = "ada@customer.example"
    first = service.sign_up(known)
    hold("who signs up is told to look for a mail", first.status_code == 200)
    time.sleep(3)
    hold("nothing is handed over to it, not even a greeting", not post.mails and not post.seen)
    post.close()
    print("The program is killed; the mail server is unwilling, and then breaks off.")
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    post.moods = ["unwilling", "breaks off"]
    post.open("believed")
    service.start()
    mail = post.wait_for(known, 120)
    hold("the mail comes all the same", mail is not None and "Confirm" in mail["subject"])
    moods = [mood for mood, _ in post.seen]
    hold(f"after every mood of the server: {', '.join(moods)}", moods[:3] == ["unwilling", "breaks off", "well"])
    times = [when for _, when in post.seen]
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    hold("with pauses that grow: " + ", ".join(f"{pause:.0f} s" for pause in pauses), pauses[1] > pauses[0] * 1.5)
    answer = service.ask(requests.Session(), "GET", link(mail).removeprefix(service.url))
    hold("its link leads to a page of the service", answer.status_code == 200)
    hold("it came once", len([to for to, _ in post.mails if to == [known]]) == 1)
    print("The mail server is well.")
    answers = service.forgot(known), service.forgot("nobody@customer.example")
    hold("whoever asks for a new password learns nothing", same(*answers) and answers[0].status_code == 200)
    post.mails.clear()
    service.forgot(known)
    mail = post.wait_for(known, 20)
    hold("the mail about a new password comes at once", mail is not None and "password" in mail["subject"])
    answer = service.ask(requests.Session(), "GET", link(mail).removeprefix(service.url))
    hold("its link leads to a page of the service", answer.status_code == 200)
    post.mails.clear()
    again = service.sign_up(known)
    hold("who signs up again sees what everybody sees", same(first, again))
    mail = post.wait_for(known, 20)
    hold("and its owner is told by mail", mail is not None and "already" in mail["subject"])
    print("The mail server takes a connection and says nothing.")
    post.mails.clear()
    post.moods = ["silent"]
    service.sign_up("grace@customer.example")
    until = time.monotonic() + 10
    while post.moods and time.monotonic() < until:
        time.sleep(0.1)
    hold("it has been asked", not post.moods)
    service.forgot(known)
    hold("other mails go on all the same", post.wait_for(known, 20) is not None)
    log = (SCRATCH / "service.log").read_text()
    hold("the log knows nobody's address, and no password", "customer.example" not in log and "strange" not in log)
    service.process.send_signal(signal.SIGTERM)
    hold("the service ends cleanly", service.process.wait(timeout=60) == 0)


main()
