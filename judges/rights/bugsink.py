"""Two people use Bugsink; one of them asks for her data and then to be forgotten. Called by bugsink.sh; prints what happened."""

import html.parser
import json
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import time
import uuid

import psycopg
import requests
import sentry_sdk

URL, DATABASE, WORDBOND, MAP, SCRATCH = sys.argv[1:]
ADA, BO = "ada.lovelace@customer.example", "bo@customer.example"


def hold(what, true):
    print(f"    {'holds' if true else 'DOES NOT HOLD'}: {what}", flush=True)
    if not true:
        sys.exit(1)


def say(text):
    print(text, flush=True)


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


class Person(requests.Session):
    def __init__(self, email, password=None):
        super().__init__()
        self.email, self.password = email, password or secrets.token_urlsafe(16)

    def see(self, path):
        return self.get(URL + path, allow_redirects=False, timeout=30)

    def fill(self, path, form, page=None):
        """Sends the form of a page, with what it says by default."""
        fields = Fields(self.see(page or path).text).values
        return self.post(URL + path, data=fields | form, headers={"Referer": URL + path}, allow_redirects=False, timeout=30)

    def sign_up(self):
        form = {"username": self.email, "password1": self.password, "password2": self.password}
        return self.fill("/accounts/signup/", form)

    def sign_in(self):
        return self.fill("/accounts/login/", {"username": self.email, "password": self.password})


def report(dsn, who, what):
    """A program of a customer's reports an error that happened to somebody."""
    sentry_sdk.init(dsn=dsn, default_integrations=False, send_default_pii=True)
    with sentry_sdk.new_scope() as scope:
        scope.set_user({"email": who, "username": who.split("@")[0], "ip_address": "192.0.2.7"})
        scope.set_tag("customer", who)
        try:
            raise RuntimeError(what)
        except RuntimeError as error:
            sentry_sdk.capture_exception(error)
    sentry_sdk.flush(10)


def wordbond(*arguments, code=0):
    done = subprocess.run([WORDBOND, *arguments], capture_output=True, text=True, check=False, cwd=SCRATCH)
    if done.returncode != code:
        print(done.stdout, done.stderr, sep="\n")
        hold(f"`wordbond {arguments[0]}` ends with {code}, not {done.returncode}", False)
    return done.stdout


def rows(sql, *values):
    with psycopg.connect(DATABASE) as connection:
        return connection.execute(sql, values).fetchall()


def everywhere(needle):
    """Every column of every table in which a text stands, looked for without any of our code."""
    found = {}
    columns = rows("""SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'
        AND data_type IN ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'inet', 'uuid', 'ARRAY')""")
    for table, column, kind in columns:
        text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
        count = rows(f"SELECT count(*) FROM \"{table}\" WHERE strpos(lower({text}), %s) > 0", needle.lower())[0][0]
        if count:
            found[f"{table}.{column}"] = count
    return found


def others(ada):
    """What every row looks like that is not Ada's and names her nowhere."""
    out = {}
    for (table,) in rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"):
        lines = [line for (line,) in rows(f'SELECT t::text FROM "{table}" AS t')]
        out[table] = sorted(line for line in lines if "lovelace" not in line.lower())
    for table, column in [("users_emailverification", "user_id"), ("teams_teammembership", "user_id"), ("projects_projectmembership", "user_id"),
                          ("bsmain_authtoken", "user_id"), ("issues_turningpoint", "user_id"), ("django_admin_log", "user_id"), ("auth_user", "id")]:
        lines = [line for (line,) in rows(f'SELECT t::text FROM "{table}" AS t WHERE "{column}" IS DISTINCT FROM %s', ada)]
        out[table] = sorted(line for line in lines if "lovelace" not in line.lower())
    return out


def work():
    say("Bo signs up, makes a team and a project. Ada signs up and is invited.")
    bo, ada = Person(BO), Person(ADA)
    hold("both are in", bo.sign_up().status_code == 302 and ada.sign_up().status_code == 302)
    hold("there is a team", bo.fill("/teams/new/", {"name": "Engines"}).status_code == 302)
    team = str(rows("SELECT id FROM teams_team")[0][0])
    hold("there is a project", bo.fill("/projects/new/", {"name": "Analytical", "team": team}).status_code == 302)
    project = rows("SELECT id, sentry_key FROM projects_project")[0]
    for place in [f"/teams/{team}", f"/projects/{project[0]}"]:
        invited = bo.fill(f"{place}/members/invite/", {"email": ADA, "role": "0", "action": "invite"})
        accepted = ada.fill(f"{place}/members/accept/", {"action": "accept"})
        hold(f"Ada is invited to {place} and accepts", invited.status_code in (200, 302) and accepted.status_code == 302)
    dsn = f"{URL.replace('//', f'//{project[1].hex}@')}/{project[0]}"
    say("Programs report errors that happened to each of them.")
    for who, what in [(ADA, f"no such customer: {ADA}"), (ADA, "the mill stopped"), (BO, "the mill stopped")]:
        report(dsn, who, what)
    for _ in range(100):
        if rows("SELECT count(*) FROM events_event")[0][0] == 3:
            break
        time.sleep(0.1)
    hold("Bugsink has them", rows("SELECT count(*) FROM events_event")[0][0] == 3)
    issue = rows("SELECT id FROM issues_issue ORDER BY first_seen")[0][0]
    said = ada.fill(f"/issues/issue/{issue}/history/comment/", {"comment": f"I can reproduce it, write to {ADA}."}, page=f"/issues/issue/{issue}/history/")
    hold("Ada comments on one", said.status_code == 302)
    said = bo.fill(f"/issues/issue/{issue}/history/comment/", {"comment": f"Thanks! I asked {ADA} for a trace."}, page=f"/issues/issue/{issue}/history/")
    hold("Bo answers, and names her", said.status_code == 302)
    made = ada.fill("/bsmain/auth_tokens/create/", {"description": "Ada's laptop", "issues_read": "on"})
    say(f"    Ada asks for a token: {made.status_code}, {rows('SELECT count(*) FROM bsmain_authtoken')[0][0]} there")
    return bo, ada, team, project[0], dsn, issue


def rights(ada_id):
    proposed = f"{SCRATCH}/proposed.toml"
    say("wordbond map discover")
    say("    " + wordbond("map", "discover", DATABASE, "--out", proposed).strip())
    text = pathlib.Path(proposed).read_text()
    hold("it found the people", 'table = "public.auth_user"' in text or 'table = "public.users_user"' in text)
    hold("it shows nothing of anybody", "lovelace" not in text.lower() and BO not in text)
    same, other = compare(text, pathlib.Path(MAP).read_text())
    say(f"    of {same + other} classes in the reviewed map, {same} were proposed so")
    say("wordbond map lint")
    say("    " + wordbond("map", "lint", MAP, DATABASE).strip().splitlines()[-1])
    say("wordbond export")
    wordbond("export", "--map", MAP, "--database", DATABASE, "--email", ADA, "--out", f"{SCRATCH}/package", "--search")
    package = json.loads(pathlib.Path(f"{SCRATCH}/package/package.json").read_text())
    held = {section["table"]: len(section["rows"]) for section in package["sections"] if section["rows"]}
    say(f"    {held}; named in {[place['table'] for place in package['named']]}; texts in {[place['table'] for place in package['mentioned']]}")
    hold("it has her account and her membership", held.get("public.auth_user") == 1 and held.get("public.teams_teammembership") == 1 and held.get("public.projects_projectmembership") == 1)
    whole = json.dumps(package).lower()
    hold("and nothing of Bo's, and no hash of a password", BO not in whole and "pbkdf2" not in whole)
    say("wordbond erase, killed half way, and again")
    erase = ["erase", "--map", MAP, "--database", DATABASE, "--email", ADA.upper(), "--receipt", f"{SCRATCH}/receipt.json", "--also", "ada.lovelace", "--state", f"{SCRATCH}/states"]
    plan = wordbond(*erase, "--dry-run")
    say("\n".join("    " + line for line in plan.strip().splitlines()))
    half_way(erase)
    receipt = json.loads(wordbond(*erase, "--json"))
    say(f"    resumed {receipt['resumed']} time(s); {sum(step['done'] for step in receipt['steps'])} rows, took {receipt['took']}")
    hold("it went on where it was", receipt["resumed"] == 1)
    hold("the receipt says complete", receipt["complete"])
    hold("every row was counted once", all(step["planned"] == step["done"] and step["left"] == 0 for step in receipt["steps"]))
    hold("it names nobody", "lovelace" not in json.dumps(receipt).lower())
    hold("no state is left", not any(pathlib.Path(f"{SCRATCH}/states").iterdir()))


def half_way(erase):
    """Kills an erasure as soon as it has written down which transaction it is about to commit."""
    process = subprocess.Popen([WORDBOND, *erase], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=SCRATCH)
    while process.poll() is None:
        notes = list(pathlib.Path(f"{SCRATCH}/states").glob("*/progress.json"))
        if notes:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.001)
    hold("it was killed", process.returncode == -signal.SIGKILL)


def compare(proposed, reviewed):
    """How many classes of the reviewed map were proposed so."""
    def classes(text):
        out, table = {}, None
        for line in text.splitlines():
            line = line.split(" #")[0].strip()
            if found := re.match(r'name = "(.*)"', line):
                table, columns = found[1], False
            elif line == "[table.columns]":
                columns = True
            elif table and columns and (found := re.match(r'"?([\w-]+)"? = "(.*)"', line)):
                out[table, found[1]] = found[2]
        return out
    proposed, reviewed = classes(proposed), classes(reviewed)
    same = sum(1 for place, kind in reviewed.items() if proposed.get(place) == kind)
    return same, len(reviewed) - same


def afterwards(bo, ada, team, project, dsn, issue, before, ada_id):
    say("Without any of our code: where does Ada still stand?")
    found = everywhere(ADA) | everywhere("Lovelace")
    hold(f"nowhere: {found}", not found)
    after = others(ada_id)
    changed = [table for table in before if table not in ("django_session", "bsmain_cachedmodelcount") and before[table] != [line for line in after[table] if line in before[table]]]
    hold(f"no row of anybody else has changed: {changed}", not changed)
    say("Does Bugsink still work?")
    hold("Ada's session leads to the sign-in", ada.see("/projects/").status_code == 302)
    hold("Ada cannot sign in", ada.sign_in().status_code == 200)
    fresh = Person(BO, bo.password)
    hold("Bo signs in", fresh.sign_in().status_code == 302)
    event = rows("SELECT id FROM events_event WHERE issue_id = %s", issue)[0][0]
    for path in ["/projects/", "/teams/", f"/teams/{team}/members/", f"/issues/{project}/", f"/issues/issue/{issue}/event/{event}/",
                 f"/issues/issue/{issue}/event/{event}/details/", f"/issues/issue/{issue}/history/", f"/issues/issue/{issue}/tags/"]:
        answer = fresh.get(URL + path, timeout=30)
        hold(f"{path} is served", answer.status_code == 200 and "/login" not in answer.url and "lovelace" not in answer.text.lower())
    page = fresh.see(f"/issues/issue/{issue}/history/").text
    hold("Bo's answer stands, without her address", "I asked [erased] for a trace" in page)
    report(dsn, BO, f"a new one {uuid.uuid4()}")
    for _ in range(100):
        if rows("SELECT count(*) FROM events_event")[0][0] == 4:
            break
        time.sleep(0.1)
    hold("a new error is taken", rows("SELECT count(*) FROM events_event")[0][0] == 4)
    again = Person(ADA)
    hold("Ada may come back, as somebody new", again.sign_up().status_code == 302 and again.get(URL + "/projects/", timeout=30).status_code == 200)
    hold("with nothing of what was", rows("SELECT count(*) FROM teams_teammembership AS m JOIN auth_user AS u ON u.id = m.user_id WHERE u.username = %s", ADA)[0][0] == 0)


def main():
    bo, ada, team, project, dsn, issue = work()
    ada_id = rows("SELECT id FROM auth_user WHERE username = %s", ADA)[0][0]
    say(f"Ada stands in {everywhere(ADA)}")
    before = others(ada_id)
    rights(ada_id)
    afterwards(bo, ada, team, project, dsn, issue, before, ada_id)
    print("Everything held.")


main()
