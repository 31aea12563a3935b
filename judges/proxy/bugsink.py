"""Uses Bugsink through the gate as people, programs and strangers do; prints what happened. Called by bugsink.sh."""

import html.parser
import os
import pathlib
import re
import sys
import time

import requests
import sentry_sdk

URL, GATE = sys.argv[1], pathlib.Path(sys.argv[2])
CA = str(GATE / "tls" / "ca.pem")
TOKEN = {"Authorization": "Bearer " + (GATE / "token").read_text()}
PAGE = {"Accept": "text/html"}


def tell(what, answer, *headers):
    shown = "".join(f"\n      {name}: {answer.headers[name]}" for name in headers if name in answer.headers)
    print(f"{what}\n  {answer.request.method} {answer.request.path_url} → {answer.status_code}{shown}")


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


def member():
    person = requests.Session()
    person.headers.update(TOKEN)
    answer = ask(person, "GET", "/", headers=PAGE)
    tell("A member asks for the application.", answer, "location")
    hold("Bugsink itself answers, and leads to its own sign-in", answer.headers.get("location") == "/accounts/login/?next=/")
    page = ask(person, "GET", "/accounts/login/", headers=PAGE)
    tell("They open it.", page, "content-security-policy", "strict-transport-security", "x-frame-options", "set-cookie")
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


def main():
    strangers()
    person = member()
    report(person, work(person))
    answer = ask(person, "TRACE", "/")
    tell("TRACE would show what the gate adds.", answer)
    hold("it is refused", answer.status_code == 405)
    print("Everything held.")


main()
