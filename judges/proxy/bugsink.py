"""Uses Bugsink through the gate as people, programs and strangers do; prints what happened. Called by bugsink.sh."""

import concurrent.futures
import html.parser
import http.client
import os
import re
import secrets
import ssl
import sys
import time

import requests
import sentry_sdk

URL, CA = sys.argv[1:]
PAGE = {"Accept": "text/html"}


def tell(what, answer, *headers):
    shown = "".join(f"\n      {name}: {hide(answer.headers[name])}" for name in headers if name in answer.headers)
    print(f"{what}\n  {answer.request.method} {answer.request.path_url} → {answer.status_code}{shown}")


def hide(text):
    """A header's value without secrets."""
    return re.sub(r"(=)[-_A-Za-z0-9]{24,}", r"\1…", text)


def hold(what, true):
    print(f"    {'holds' if true else 'DOES NOT HOLD'}: {what}")
    if not true:
        sys.exit(1)


class Fields(html.parser.HTMLParser):
    """What a browser would send of a page's form if nobody typed anything."""

    def __init__(self, text):
        super().__init__()
        self.values, self.select = {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "input" and "name" in attrs and attrs.get("type") not in ("submit", "checkbox", "radio"):
            self.values[attrs["name"]] = attrs.get("value") or ""
        if tag == "select":
            self.select = attrs.get("name")
        if tag == "option" and self.select and attrs.get("value") and ("selected" in attrs or not self.values.get(self.select)):
            self.values[self.select] = attrs["value"]


def csrf(page):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]


def ask(session, method, path, **more):
    return session.request(method, URL + path, verify=CA, allow_redirects=False, timeout=30, **more)


def strangers():
    nobody = requests.Session()
    answer = ask(nobody, "GET", "/", headers=PAGE)
    tell("A stranger asks for the application.", answer, "location", "strict-transport-security", "x-frame-options")
    hold("they are led to the sign-in of the gate", answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"))
    forged = PAGE | {"X-Wordbond-Identity": "forged", "X_Wordbond_Identity": "forged", "Remote-User": "admin@example.com"}
    answer = ask(nobody, "GET", "/admin/", headers=forged)
    tell("They claim to be somebody.", answer)
    hold("it is of no use", answer.status_code == 303)
    answer = ask(nobody, "GET", "/accounts/login/", headers={"Accept": "*/*"})
    tell("A program without a token asks.", answer, "content-type")
    hold("it is refused with a problem", answer.status_code == 401 and "problem+json" in answer.headers["content-type"])


def gate_token(page):
    return re.search(r'name="csrf" value="([^"]+)"', page.text)[1]


def sign_in():
    person = requests.Session()
    here = PAGE | {"Origin": URL}
    email, password = "ada@customer.example", secrets.token_urlsafe(24)
    page = ask(person, "GET", "/sign-up", headers=PAGE)
    form = {"csrf": gate_token(page), "name": "Ada", "email": email, "password": password, "team": "Engines"}
    answer = ask(person, "POST", "/sign-up", data=form, headers=here)
    tell("They sign up at the gate.", answer)
    hold("it tells them to look for a mail, as it would for a known address", answer.status_code in (200, 303))
    page = ask(person, "GET", "/sign-in?next=%2Fprojects%2F", headers=PAGE)
    form = {"email": email, "password": password, "next": "/projects/"}
    answer = ask(person, "POST", "/sign-in", data=form, headers=here)
    tell("They sign in with a form that lacks the gate's token.", answer)
    hold("the gate refuses", answer.status_code == 403)
    answer = ask(person, "POST", "/sign-in", data=form | {"csrf": gate_token(page)}, headers=here)
    tell("They sign in.", answer, "location", "set-cookie")
    wanted = answer.headers.get("location") == "/projects/"
    hold("they have a session, and are led on to where they wanted", wanted and "__Host-wordbond" in person.cookies)
    return person


def member():
    person = sign_in()
    answer = ask(person, "GET", "/projects/", headers=PAGE)
    tell("They ask for the application.", answer, "location")
    hold("Bugsink itself answers, and leads to its own sign-in", answer.headers.get("location") == "/accounts/login/?next=/projects/")
    page = ask(person, "GET", "/accounts/login/", headers=PAGE)
    tell("They open it.", page, "content-security-policy", "strict-transport-security", "x-frame-options", "ratelimit-policy", "ratelimit", "set-cookie")
    hold("it is Bugsink's page", page.status_code == 200 and "Bugsink" in page.text)
    form = {"csrfmiddlewaretoken": csrf(page), "username": "admin@example.com", "password": os.environ["PASSWORD"], "next": "/"}
    from_here = {"Origin": URL, "Referer": URL + "/accounts/login/"}
    answer = ask(person, "POST", "/accounts/login/", data=form, headers={"Origin": "https://evil.example"})
    tell("Another site sends the form.", answer)
    hold("the gate refuses", answer.status_code == 403 and "another site" in answer.text)
    answer = ask(person, "POST", "/accounts/login/", data=form | {"csrfmiddlewaretoken": "x" * 64}, headers=from_here)
    tell("The form carries a wrong token of Bugsink's.", answer)
    hold("Bugsink refuses, and its answer passes", answer.status_code == 403 and "problem" not in answer.headers["content-type"])
    answer = ask(person, "POST", "/accounts/login/", data=form, headers=from_here)
    tell("They sign in to Bugsink.", answer, "location")
    hold("they are in", answer.status_code == 302 and "sessionid" in person.cookies)
    return person


def work(person):
    page = ask(person, "GET", "/projects/new/", headers=PAGE)
    tell("They begin a project.", page)
    hold("the form is there", page.status_code == 200)
    style = re.search(r'href="(/static/[^"]+\.css)"', page.text)[1]
    answer = ask(person, "GET", style)
    tell("Its style sheet.", answer, "content-type", "cache-control", "x-content-type-options")
    hold("it comes whole", answer.status_code == 200 and len(answer.content) > 1000)
    form = Fields(page.text).values | {"name": "Behind the gate"}
    answer = ask(person, "POST", "/projects/new/", data=form, headers={"Origin": URL, "Referer": URL + "/projects/new/"})
    tell("They send it.", answer, "location")
    hold("Bugsink has a project", answer.status_code == 302)
    page = ask(person, "GET", answer.headers["location"].removeprefix(URL), headers=PAGE)
    dsn = re.search(r"https://[0-9a-f]+@localhost:\d+/\d+", page.text)
    hold("it names the public address for reports", dsn is not None)
    return dsn[0]


def report(person, dsn):
    os.environ["SSL_CERT_FILE"] = CA
    sentry_sdk.init(dsn=dsn, ca_certs=CA, default_integrations=False)
    try:
        raise RuntimeError("reported through the gate")
    except RuntimeError as error:
        number = sentry_sdk.capture_exception(error)
    sentry_sdk.flush(10)
    print(f"Sentry's SDK reports an error to {re.sub('//.*@', '//…@', dsn)}: event {number}")
    for _ in range(50):
        page = ask(person, "GET", f"/issues/{dsn.rpartition('/')[2]}/", headers=PAGE)
        if "reported through the gate" in page.text:
            break
        time.sleep(0.2)
    tell("The member looks at the issues.", page)
    hold("the report is there, sent without a session through the open path /api/", "reported through the gate" in page.text)
    answer = ask(requests.Session(), "GET", "/api/../issues/", headers=PAGE)
    closed = requests.Request("GET", URL + "/")
    prepared = closed.prepare()
    prepared.url = f"{URL}/api/%2e%2e/issues/"
    answer = requests.Session().send(prepared, verify=CA, allow_redirects=False, timeout=30)
    tell("A stranger tries the open path to get elsewhere.", answer)
    hold("it leads nowhere", answer.status_code == 401)


def burst(person):
    """Somebody without a session asks until it is too much; they have an address of their own."""
    secure = ssl.create_default_context(cafile=CA)
    host, port = URL.removeprefix("https://").split(":")

    def ask_until(_):
        line = http.client.HTTPSConnection(host, int(port), timeout=30, source_address=("127.0.0.9", 0), context=secure)
        for count in range(1, 4000):
            line.request("GET", "/", headers={"Accept": "*/*"})
            answer = line.getresponse()
            answer.read()
            if answer.status == 429:
                return count, answer
        return 4000, answer

    with concurrent.futures.ThreadPoolExecutor(4) as several:
        done = list(several.map(ask_until, range(4)))
    answer = done[0][1]
    print(f"A stranger asks as fast as they can.\n  GET / → {answer.status} after {sum(count - 1 for count, _ in done)} answers\n"
          f"      retry-after: {answer.headers['retry-after']}")
    hold("it is too much, and told when to come again", answer.status == 429 and int(answer.headers["retry-after"]) > 0)
    answer = ask(person, "GET", "/issues/1/", headers=PAGE)
    tell("The member asks meanwhile.", answer)
    hold("they are served", answer.status_code == 200)


def sign_out(person):
    page = ask(person, "GET", "/account", headers=PAGE)
    old = requests.Session()
    old.cookies.update(person.cookies)
    answer = ask(person, "POST", "/sign-out", data={"csrf": gate_token(page)}, headers=PAGE | {"Origin": URL})
    tell("They sign out at the gate.", answer, "location")
    hold("the session's cookie is gone", answer.status_code == 303 and "__Host-wordbond" not in person.cookies)
    answer = ask(person, "GET", "/issues/1/", headers=PAGE)
    tell("They ask for the application, with Bugsink's own cookie.", answer, "location")
    hold("the way is shut", answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"))
    answer = ask(old, "GET", "/issues/1/", headers=PAGE)
    tell("Somebody who kept a copy of both cookies asks.", answer)
    hold("it is shut for them too", answer.status_code == 303)


def main():
    strangers()
    person = member()
    report(person, work(person))
    answer = ask(person, "TRACE", "/")
    tell("TRACE would show what the gate adds.", answer)
    hold("it is refused", answer.status_code == 405)
    burst(person)
    sign_out(person)
    print("Everything held.")


main()
