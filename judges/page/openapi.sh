#!/usr/bin/env bash
# openapi-spec-validator (PyPI) reads /openapi.json.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
python=$(python_packages openapi "$(command -v python3)" openapi-spec-validator==0.9.0)
ask /openapi.json >"$room/openapi.json"
"$(dirname "$python")/openapi-spec-validator" "$room/openapi.json"
