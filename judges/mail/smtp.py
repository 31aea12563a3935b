"""Serves as a mail server in many moods, and signs people up at a service that sends through it. Called by smtp.sh."""

import asyncio
import email
import email.policy
import json
import logging
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
import warnings

import requests
from aiosmtpd.smtp import SMTP

BINARY, POSTGRES, SCRATCH = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
# It does not know that there was TLS before it began.
warnings.filterwarnings("ignore", category=UserWarning)
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

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

    def __init__(self, met, greeting):
        self.met, self.greeting = met, greeting

    def connection_made(self, transport):
        self.met()
        if self.greeting:
            transport.write(self.greeting)
            transport.close()


class Greeted(SMTP):
    """The server as it is, noting who came through the handshake."""

    def __init__(self, met, *arguments, **more):
        self.met = met
        super().__init__(*arguments, **more)

    def connection_made(self, transport):
        self.met()
        super().connection_made(transport)


class Post:
    """What came. Probes of the service send mails too, so that what is to happen to one mail hangs on its addressee."""

    def __init__(self, port):
        self.port, self.greeted, self.mails, self.tries = port, 0, [], {}
        # How every connection is greeted, and what becomes of the first mails to an address.
        self.mood, self.fates = "well", {}
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.server = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        fates = self.fates.get(address, [])
        session.fate = fates.pop(0) if fates else "taken"
        self.tries.setdefault(address, []).append((session.fate, time.monotonic()))
        if session.fate == "put off":
            return "451 later"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server, session, envelope):
        if session.fate == "broken off":
            server.transport.abort()
            return "451 gone"
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 taken"

    def authenticator(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult
        return AuthResult(success=(data.login.decode(), data.password.decode()) == (USER, PASSWORD))

    def met(self):
        self.greeted += 1

    def greet(self):
        if self.mood == "silent":
            self.mood = "well"
            return Moody(self.met, None)
        if self.mood == "unwilling":
            return Moody(self.met, b"421 localhost too busy\r\n")
        return Greeted(self.met, self, hostname="localhost", authenticator=self.authenticator, auth_required=True,
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
    hold("nothing is handed over to it, not even a greeting", not post.mails and not post.greeted)
    post.close()
    print("The program is killed; the mail server puts the mail off, and then breaks off.")
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    post.fates[known] = ["put off", "broken off"]
    post.open("believed")
    service.start()
    mail = post.wait_for(known, 180)
    hold("the mail comes all the same", mail is not None and "Confirm" in mail["subject"])
    fates = [fate for fate, _ in post.tries[known]]
    hold(f"when it was {', '.join(fates)}", fates == ["put off", "broken off", "taken"])
    times = [when for _, when in post.tries[known]]
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
    print("The mail server turns everybody away.")
    before, post.mood = post.greeted, "unwilling"
    service.sign_up("grace@customer.example")
    until = time.monotonic() + 20
    while post.greeted == before and time.monotonic() < until:
        time.sleep(0.1)
    hold("it has been asked", post.greeted > before)
    post.mood = "well"
    hold("the mail comes once it does not", post.wait_for("grace@customer.example", 120) is not None)
    print("The mail server takes a connection and says nothing.")
    post.mails.clear()
    post.mood = "silent"
    service.sign_up("edith@customer.example")
    until = time.monotonic() + 20
    while post.mood == "silent" and time.monotonic() < until:
        time.sleep(0.1)
    hold("it has been asked", post.mood == "well")
    service.forgot(known)
    hold("other mails go on all the same", post.wait_for(known, 20) is not None)
    log = (SCRATCH / "service.log").read_text()
    hold("the log knows nobody's address, and no password", "customer.example" not in log and "strange" not in log)
    service.process.send_signal(signal.SIGTERM)
    hold("the service ends cleanly", service.process.wait(timeout=60) == 0)


main()
