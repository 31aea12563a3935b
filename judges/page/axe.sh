#!/usr/bin/env bash
# axe-core in Chromium (npm) judges every kind of page, light and dark, wide and narrow, and on the way listens for violations
# of the Content-Security-Policy. It signs up, signs in and works, so that the pages behind the sign-in are judged too; pages
# behind links in mails only where WORDBOND_DATA names the data directory of a development system.
# shellcheck source=judges/page/lib.sh
. "$(dirname "$0")/lib.sh"
need_node
browser=$(find_browser) || die "no Chromium: apt-get install chromium"
home=$(node_packages axe playwright-core@1.56.1 axe-core@4.11.0)
NODE_PATH=$home/node_modules node "$here/axe/judge.cjs" "$URL" "$browser" "$CA" "${WORDBOND_DATA:-}"
