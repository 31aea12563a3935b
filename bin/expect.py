#!/usr/bin/env python3
"""Holds what `wordbond check --json` printed against what this build must be able to say.

usage: expect.py CHECK.json PREFIX COUNT KEPT…   with PREFIX L or M, COUNT the rows of that page, KEPT the rows (L20, kept
in every part), parts (L31.profile) or promises (erasure-deadline) that must be Kept, or «all» of a profile that stands for no page. Every other promise must be Unproven, Attested or Planned; nothing may be Broken or Error.
"""

import json
import sys
from collections import Counter


def rows(promise):
    """The rows of the published page behind a promise: L20 for a part such as L20.in."""
    return {claim.split(".")[0] for claim in promise["claims"]}


def main():
    path, prefix, count, *kept = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    promises = report["promises"]
    faults = []

    wanted = {f"{prefix}{number:02}" for number in range(1, int(count) + 1)}
    missing = wanted - {row for promise in promises for row in rows(promise)}
    if missing:
        faults.append(f"rows without a promise: {sorted(missing)}")

    if kept == ["all"]:
        kept = []
        faults += [f"{p['id']} is {p['verdict']}, not kept: {p.get('observed')}" for p in promises if p["verdict"] != "kept"]
        if not promises:
            faults.append("no promise at all")

    for row in kept:
        parts = [promise for promise in promises if row in rows(promise) or row in promise["claims"] or row == promise["id"]]
        if not parts:
            faults.append(f"{row}: no promise")
        for part in parts:
            if part["verdict"] != "kept":
                faults.append(f"{part['id']} ({row}) is {part['verdict']}, not kept: {part['observed']}")

    for promise in promises:
        verdict = promise["verdict"]
        if verdict == "kept":
            for field in ("control", "observed", "observed_at", "valid_until", "leaf"):
                if promise.get(field) is None:
                    faults.append(f"{promise['id']} is kept without {field}")
        elif verdict not in ("unproven", "attested", "planned"):
            faults.append(f"{promise['id']} is {verdict}: {promise.get('observed')}")

    counted = Counter(promise["verdict"] for promise in promises)
    summary = report["summary"]
    if {verdict: number for verdict, number in summary.items() if number} != dict(counted):
        faults.append(f"the summary counts {summary}, the promises {dict(counted)}")

    for fault in faults:
        print(f"check: {fault}")
    print(f"check: {len(promises)} promises: " + ", ".join(f"{number} {verdict}" for verdict, number in sorted(counted.items())))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
