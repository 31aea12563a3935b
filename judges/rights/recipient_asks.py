"""Signs up, asks to be erased, and waits until the receipt says that the recipient knows. Called by recipient.sh."""

import re
import secrets
import sys
import time

import requests

URL, CA, FILE = sys.argv[1:]
EMAIL, PASSWORD = f"{secrets.token_hex(6)}@customer.example", secrets.token_urlsafe(24)
PAGE = {"Accept": "text/html"}


def ask(method, path, **more):
    return person.request(method, URL + path, verify=CA, allow_redirects=False, timeout=30, **more)


def send(page, path, **fields):
    token = re.search(r'name="csrf" value="([^"]+)"', ask("GET", page, headers=PAGE).text)[1]
    answer = ask("POST", path, data=fields | {"csrf": token}, headers=PAGE | {"Origin": URL})
    print(f"  POST {path} → {answer.status_code}")
    return answer


def hold(what, true):
    print(f"    {'holds' if true else 'DOES NOT HOLD'}: {what}")
    if not true:
        sys.exit(1)


def waited(what, true):
    for _ in range(120):
        if true():
            break
        time.sleep(0.5)
    hold(what, true())


def receipt():
    return requests.get(URL + "/api" + place, verify=CA, timeout=30).json()


person = requests.Session()
send("/sign-up", "/sign-up", name="Ada", email=EMAIL, password=PASSWORD, team="Engines")
send("/sign-in", "/sign-in", email=EMAIL, password=PASSWORD)
send("/confirm", "/confirm", password=PASSWORD, next="/account/data")
asked = send("/account/data/erase", "/account/data/requests", kind="erasure", email=EMAIL)
hold("the erasure was asked for", asked.status_code == 303)
place = re.search(r"/receipts/[-0-9a-f]+", ask("GET", asked.headers["location"], headers=PAGE).text)[0]
waited("they are erased", lambda: receipt()["state"] == "done")
waited("the recipient has acknowledged it", lambda: receipt()["recipients"][0]["state"] == "acknowledged")
with open(FILE, encoding="utf-8") as lines:
    forgotten = [line.split() for line in lines]
print(f"  the recipient was told of {len(forgotten)} accounts, each by an id of its own")
hold("it was told under ids alone", all(re.fullmatch(r"[-0-9a-f]{36}", word) for line in forgotten for word in line))
hold("none was told twice under two ids", len({known for known, _ in forgotten}) == len({who for _, who in forgotten}))
print("Everything held.")
