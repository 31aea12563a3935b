#!/usr/bin/env python3
"""Makes block_list.bin from the list of common passwords in the crate zxcvbn (MIT, see LICENSE-zxcvbn).

usage: make_block_list.py FREQUENCY_LISTS_RS >block_list.bin

Taken are all passwords of at least eight characters, and of the shorter ones the first 4 000 that have at least four letters and
nothing else, since those are what people pad with digits. Each becomes the first six bytes of its SHA-256; they are sorted.
"""
import hashlib
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
words = re.search(r'const PASSWORDS: &str = "((?:[^"\\]|\\.)*)"', text).group(1).lower().split(",")
long = {word for word in words if len(word) >= 8}
short = set([word for word in words if 4 <= len(word) < 8 and word.isalpha()][:4000])
sys.stdout.buffer.write(b"".join(sorted(hashlib.sha256(word.encode()).digest()[:6] for word in long | short)))
