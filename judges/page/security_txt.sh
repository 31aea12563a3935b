#!/usr/bin/env bash
# sectxt (PyPI) reads /.well-known/security.txt: no errors, and no recommendations but those about a signature.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
python=$(python_packages sectxt "$(command -v python3)" sectxt==0.9.8)
ask /.well-known/security.txt >"$room/security.txt"
"$python" - "$room/security.txt" <<'PYTHON'
import sys
import sectxt
judge = sectxt.SecurityTXT(sys.argv[1], is_local=True)
errors = list(judge.errors)
# A signature must be made by a person with a key; a program that signs for them would prove nothing.
advice = [one for one in judge.recommendations if one["code"] not in {"not_signed", "no_encryption"}]
for one in errors + advice:
    print(f"security.txt: {one['code']}: {one['message']}")
print(f"security.txt: {len(errors)} errors, {len(advice)} recommendations")
sys.exit(1 if errors or advice else 0)
PYTHON
