#!/usr/bin/env bash
# compliance-trestle (PyPI) imports and validates /trust/oscal.json.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
python=$(python_packages trestle "$(command -v python3)" compliance-trestle==5.2.0)
trestle=$(dirname "$python")/trestle
ask /trust/oscal.json >"$room/oscal.json"
mkdir "$room/desk"
cd "$room/desk"
"$trestle" init --local >/dev/null
"$trestle" import --file "$room/oscal.json" --output judged
"$trestle" validate --type assessment-results --name judged

# The judge must be able to find something, or its silence says nothing.
sed 's/"state": "not-satisfied"/"state": "unproven"/' "$room/oscal.json" >"$room/wrong.json"
if "$trestle" import --file "$room/wrong.json" --output wrong >/dev/null 2>&1; then
    die "trestle accepts a finding that is neither satisfied nor not-satisfied"
fi
