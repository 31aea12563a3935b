#!/usr/bin/env python3
"""Measures sealing and opening of blobs beside `openssl speed`; called by bin/bench-vault, which builds.

Absolute figures drift from machine to machine and hour to hour, so openssl is measured before and after each run of ours, and
the ratio is what counts. Memory is the kernel's high-water mark of the process (VmHWM).
"""

import argparse
import datetime
import errno
import json
import mmap
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from bench import machine

GB = 1e9


def openssl(seconds, mode):
    """Bytes a second of AES-256-GCM in blocks of 64 KiB."""
    command = ["openssl", "speed", "-mr", "-seconds", str(seconds), "-bytes", "65536", "-evp", "aes-256-gcm"]
    text = subprocess.run(command + mode, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^\+F:\d+:[^:]*:([\d.]+)", text, re.M)
    if not found:
        sys.exit(f"bench-vault: openssl speed said nothing that could be read:\n{text}")
    return float(found[1])


def plain(folder, megabytes, direct):
    """What a writer without any cipher reaches, synced: bytes a second, and by the second of work. None where it cannot."""
    path, size = pathlib.Path(folder) / "plain", (4 << 20) if direct else (1 << 20)
    piece = mmap.mmap(-1, size)
    piece.write(os.urandom(size))
    before, begun = os.times(), time.monotonic()
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | (os.O_DIRECT if direct else 0))
        for _ in range((megabytes << 20) // size):
            if os.write(file, piece) != size:
                sys.exit("bench-vault: the disk is full")
    except OSError as error:
        if direct and error.errno == errno.EINVAL:
            return None
        raise
    os.fsync(file)
    took, after = time.monotonic() - begun, os.times()
    os.close(file)
    worked = after.user + after.system - before.user - before.system
    return {"clock": (megabytes << 20) / took, "worked": (megabytes << 20) / max(worked, 0.01)}


def again(folder):
    """Bytes a second of reading what `plain` has written, in parts of a megabyte."""
    path, piece, length = pathlib.Path(folder) / "plain", bytearray(1 << 20), 0
    begun = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        while got := file.readinto(piece):
            length += got
    return length / (time.monotonic() - begun)


def writers(folder, megabytes):
    """Both ways to write, and reading: from the disk, where it went past the page cache, and once more."""
    figures = {}
    for name, direct in [("cached", False), ("direct", True)]:
        wrote = plain(folder, megabytes, direct)
        if wrote:
            figures |= {f"disk_{name}": wrote["clock"], f"disk_{name}_worked": wrote["worked"]}
    figures["disk_read"], figures["disk_read_again"] = again(folder), again(folder)
    (pathlib.Path(folder) / "plain").unlink()
    return figures


def peak(pid):
    """The most memory that the process held, in bytes."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.M)
    return int(found[1]) * 1024 if found else 0


def run(program, folder, seconds, megabytes):
    """One run of ours: its figures and the most memory that it held."""
    own = tempfile.mkdtemp(dir=folder)
    command = [program, "--folder", own, "--seconds", str(seconds), "--megabytes", str(megabytes)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    held = [0]

    def watch():
        while process.poll() is None:
            try:
                held[0] = max(held[0], peak(process.pid))
            except (FileNotFoundError, ProcessLookupError):
                return
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    text = process.communicate()[0]
    watching.join()
    shutil.rmtree(own)
    if process.returncode:
        sys.exit("bench-vault: bench_blobs failed")
    figures = json.loads(text)
    figures["peak_bytes"] = held[0]
    return figures


def main():
    asked = argparse.ArgumentParser(prog="bin/bench-vault")
    asked.add_argument("--bin", required=True)
    asked.add_argument("--folder", required=True)
    asked.add_argument("--out", required=True)
    asked.add_argument("--runs", type=int, default=3)
    asked.add_argument("--seconds", type=int, default=3)
    asked.add_argument("--megabytes", type=int, default=5120)
    asked.add_argument("--load", type=float, default=os.getloadavg()[0], help="of the machine, before anything was built or run")
    asked = asked.parse_args()
    samples = []
    for number in range(asked.runs):
        before = [openssl(asked.seconds, []), openssl(asked.seconds, ["-decrypt"])]
        alone = writers(asked.folder, asked.megabytes)
        sample = run(asked.bin, asked.folder, asked.seconds, asked.megabytes)
        after = [openssl(asked.seconds, []), openssl(asked.seconds, ["-decrypt"])]
        sample["openssl_seal"], sample["openssl_open"] = ((a + b) / 2 for a, b in zip(before, after))
        beside = writers(asked.folder, asked.megabytes)
        sample |= {name: (alone[name] + beside[name]) / 2 for name in alone}
        sample["disk_write"] = max(sample[name] for name in ["disk_cached", "disk_direct"] if name in sample)
        samples.append(sample)
        print(f"run {number + 1}: {json.dumps(sample)}", file=sys.stderr)
    median = {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}
    out = pathlib.Path(asked.out)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    about = {"at": now, "machine": machine(), "openssl": subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip(),
             "load": asked.load, "runs": asked.runs, "seconds": asked.seconds, "megabytes": asked.megabytes}
    (out / "vault_bench.json").write_text(json.dumps({"about": about, "median": median, "samples": samples}, indent=1) + "\n")
    (out / "VAULT_BENCH.md").write_text(report(about, median))


def share(value, of):
    return f"{100 * value / of:.0f} %"


def verdict(name, pace, raw, limit):
    """Half of the raw cipher, or the disk's limit: nine tenths of what somebody reaches who only writes, or only reads."""
    if pace >= raw / 2:
        return f"{name}: **met**, {share(pace, raw)} of the raw cipher."
    if pace >= 0.9 * limit:
        return f"{name}: **met, at the disk's limit**, {share(pace, limit)} of it and {share(pace, raw)} of the raw cipher; the disk alone reaches {share(limit, raw)}."
    return f"{name}: **missed**, {share(pace, raw)} of the raw cipher and {share(pace, limit)} of the disk's limit."


def report(about, median):
    busy = ""
    if about["load"] > 1:
        busy = (f"\n**The machine was busy with other work (load {about['load']:.1f} before it began): shares count here, figures do not. "
                "To be repeated on a quiet machine.**\n")
    seal, unseal = ("openssl_seal", "openssl speed"), ("openssl_open", "openssl speed")
    rows = [
        ("sealing in memory, by the second of work", "seal_bytes_per_second", *seal),
        ("opening in memory, by the second of work", "open_bytes_per_second", *unseal),
        (f"storing one blob of {about['megabytes']} MiB, synced, by the clock", "store_bytes_per_second", "disk_write", "the disk's limit"),
        ("storing it, by the second of work, the kernel's included", "store_bytes_per_worked_second", *seal),
        ("reading it for the first time, from the disk, compared byte for byte", "load_bytes_per_second", "disk_read", "reading alone"),
        ("reading it once more, from the page cache", "load_again_bytes_per_second", "disk_read_again", "reading alone"),
        ("… by the second of work, the kernel's and the comparing included", "load_again_bytes_per_worked_second", *unseal),
    ]
    table = "\n".join(f"| {name} | {median[ours] / GB:.2f} GB/s | {median[of] / GB:.2f} GB/s ({what}) | {share(median[ours], median[of])} |"
                      for name, ours, of, what in rows)
    alone = f"{median['disk_cached'] / GB:.2f} GB/s through the page cache, at {GB / median['disk_cached_worked']:.2f} s of work a GB"
    if "disk_direct" in median:
        alone += f", and {median['disk_direct'] / GB:.2f} GB/s past it, at {GB / median['disk_direct_worked']:.2f} s"
    aims = [
        verdict("Storing", median["store_bytes_per_second"], median["openssl_seal"], median["disk_write"]),
        verdict("Reading for the first time", median["load_bytes_per_second"], median["openssl_open"], median["disk_read"]),
        verdict("Reading once more", median["load_again_bytes_per_second"], median["openssl_open"], median["disk_read_again"]),
        f"Memory: **{'met' if median['peak_bytes'] <= 64 << 20 else 'missed'}**, {median['peak_bytes'] / 2**20:.0f} MiB at the most while all of this was done, of 64.",
    ]
    return f"""# The vault beside the raw cipher

Written by `bin/bench-vault` on {about['at']}: medians of {about['runs']} runs, every sample in [vault_bench.json](vault_bench.json).

Machine: {about['machine']}. {about['openssl']}, blocks of 64 KiB, measured before and after each run of ours. It counts seconds of work and not of the clock, and so do the figures that say so.
{busy}
| what | ours | beside | share |
|---|---:|---:|---:|
{table}

The disk's limit is what somebody reaches who writes as many bytes without any cipher, and syncs them, right before and right after each run of ours: {alone}. The better of the two counts. Sealing costs {GB / median['seal_bytes_per_second']:.2f} s of work a GB, storing as a whole {GB / median['store_bytes_per_worked_second']:.2f} s: what is long is sealed into the buffer that the disk takes, past the page cache, while the buffer before is written.

## The aims

Half of the raw cipher, or the disk's limit, which is reached at nine tenths of it; 64 MiB of memory.

""" + "".join(f"- {aim}\n" for aim in aims) + f"""
A remembered data key is used only while its file is the very one that it was read from, so that a key destroyed by one instance is gone for all at once. Looking at the file costs {share(median['look_at_key_share'], 1)} of opening a field of fifty bytes, {median['fields_per_second']:,.0f} of which open a second on one core.
"""


if __name__ == "__main__":
    main()
