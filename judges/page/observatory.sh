#!/usr/bin/env bash
# MDN HTTP Observatory (npm) scores the headers of the trust page: at least 120, which is A+.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
LEAST=120
need_node
home=$(node_packages observatory @mdn/mdn-http-observatory@1.4.8)
scan=$home/node_modules/@mdn/mdn-http-observatory
# Its installer would download these two lists; nothing here is on either.
mkdir -p "$scan/conf"
printf '{}' >"$scan/conf/hsts-preload.json"
printf '["com","localhost"]' >"$scan/conf/tld-list.json"
NODE_EXTRA_CA_CERTS=$CA node "$scan/src/scan.js" "$PLACE/trust" >"$room/score.json"
node - "$room/score.json" "$LEAST" <<'NODE'
const { scan, tests, error } = JSON.parse(require("fs").readFileSync(process.argv[2]));
if (error || !scan) { console.log("observatory:", error); process.exit(1); }
for (const [name, test] of Object.entries(tests)) {
  if (!test.pass || test.scoreModifier < 0) console.log(`observatory: ${name}: ${test.result} (${test.scoreModifier})`);
}
console.log(`observatory: ${scan.score} (${scan.grade})`);
process.exit(scan.score >= Number(process.argv[3]) ? 0 : 1);
NODE
