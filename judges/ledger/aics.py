"""Reads an exported log and checks it with aics-tlog: the signature of the checkpoint, every tile and every entry bundle
against the signed root, and the inclusion of the first, a middle and the last entry through its command line.

usage: aics.py VKEY_FILE LOG_DIRECTORY. Exit 1: refused. 2: the judge itself failed.
"""

import json
import subprocess
import sys
import traceback
from pathlib import Path

from aics_tlog import audit_tiles, parse_note, parse_vkey, verify_checkpoint
from aics_tlog.tiles import FileSystemTileReader


def judge(vkey: str, log: Path) -> int:
    key = parse_vkey(vkey)
    head = verify_checkpoint(parse_note((log / "checkpoint").read_bytes().decode()), key)
    if not head.ok:
        raise ValueError(f"checkpoint: {head.error}")
    # verify_checkpoint looks at the signature alone and the root depends on the right edge alone: this walks everything.
    audit_tiles(FileSystemTileReader(log), head.size, head.root, entries=True)
    for index in sorted({0, head.size // 2, head.size - 1} if head.size else ()):
        command = [sys.executable, "-m", "aics_tlog.cli", "verify-inclusion", "--log-key", vkey, "--tiles", str(log)]
        done = subprocess.run([*command, "--index", str(index)], capture_output=True, text=True, check=False)
        if done.returncode != 0 or not json.loads(done.stdout)["ok"]:
            raise ValueError(f"verify-inclusion of entry {index}: {done.stdout}{done.stderr}")
    return head.size


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: aics.py VKEY_FILE LOG_DIRECTORY", file=sys.stderr)
        return 2
    try:
        size = judge(Path(sys.argv[1]).read_text().strip(), Path(sys.argv[2]))
    except (OSError, ValueError) as error:
        print(f"aics-tlog: REFUSED: {error}")
        return 1
    except Exception:
        traceback.print_exc()
        return 2
    print(f"aics-tlog: accepted {size} entries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
