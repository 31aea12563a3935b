#!/usr/bin/env python3
"""Says what `wordbond sabotage --json` printed, a line per fault; fails where one was missed or not undone.

usage: score.py SABOTAGE.json [--missed | --expect ID…]   with --missed, prints only the ids of those, on one line; with
--expect, fails where one of these is not among them.
"""

import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    if "--missed" in sys.argv[2:]:
        print(" ".join(fault["id"] for fault in report["faults"] if not (fault["caught"] and fault["undone"])))
        return 0
    for fault in report["faults"]:
        state = "caught" if fault["caught"] else "MISSED"
        state += "" if fault["undone"] else ", NOT UNDONE"
        times = f"red after {fault['seconds_to_red']} s, green after {fault['seconds_to_green']} s"
        print(f"{fault['id']:44} {state}  {times}  {fault.get('note') or ''}".rstrip())
    absent = []
    if "--expect" in sys.argv[2:]:
        absent = sorted(set(sys.argv[3:]) - {fault["id"] for fault in report["faults"]})
    for fault in absent:
        print(f"{fault:44} NOT MADE")
    score = report["score"]
    print(f"sabotage: {score['caught']} caught, {score['missed']} missed, {score['not_undone']} not undone")
    return 0 if score["caught"] and not score["missed"] and not score["not_undone"] and not absent else 1


if __name__ == "__main__":
    sys.exit(main())
