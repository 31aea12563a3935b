#!/usr/bin/env python3
"""Measures sealing and opening of blobs beside `openssl speed`; called by bin/bench-vault, which builds.

Absolute figures drift from machine to machine and hour to hour, so openssl is measured before and after each run of ours, and
the ratio is what counts. Memory is the kernel's high-water mark of the process (VmHWM).
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GB = 1e9


def openssl(seconds, mode):
    """Bytes a second of AES-256-GCM in blocks of 64 KiB."""
    command = ["openssl", "speed", "-mr", "-seconds", str(seconds), "-bytes", "65536", "-evp", "aes-256-gcm"]
    text = subprocess.run(command + mode, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^\+F:\d+:[^:]*:([\d.]+)", text, re.M)
    if not found:
        sys.exit(f"bench-vault: openssl speed said nothing that could be read:\n{text}")
    return float(found[1])


def disk(folder, megabytes):
    """Bytes a second that the disk takes and gives, with nothing in between: written in parts of a megabyte and synced."""
    path, piece = pathlib.Path(folder) / "plain", os.urandom(1 << 20)
    begun = time.monotonic()
    with open(path, "wb", buffering=0) as file:
        for _ in range(megabytes):
            file.write(piece)
        os.fsync(file.fileno())
    written = time.monotonic() - begun
    begun = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    read = time.monotonic() - begun
    path.unlink()
    return (megabytes << 20) / written, (megabytes << 20) / read


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


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def main():
    asked = argparse.ArgumentParser(prog="bin/bench-vault")
    asked.add_argument("--bin", required=True)
    asked.add_argument("--folder", required=True)
    asked.add_argument("--out", required=True)
    asked.add_argument("--runs", type=int, default=3)
    asked.add_argument("--seconds", type=int, default=3)
    asked.add_argument("--megabytes", type=int, default=5120)
    asked = asked.parse_args()
    load = os.getloadavg()[0]
    samples = []
    for number in range(asked.runs):
        before = [openssl(asked.seconds, []), openssl(asked.seconds, ["-decrypt"])]
        sample = run(asked.bin, asked.folder, asked.seconds, asked.megabytes)
        after = [openssl(asked.seconds, []), openssl(asked.seconds, ["-decrypt"])]
        sample["openssl_seal"], sample["openssl_open"] = ((a + b) / 2 for a, b in zip(before, after))
        sample["disk_write"], sample["disk_read"] = disk(asked.folder, min(asked.megabytes, 1024))
        samples.append(sample)
        print(f"run {number + 1}: {json.dumps(sample)}", file=sys.stderr)
    median = {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}
    out = pathlib.Path(asked.out)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    about = {"at": now, "machine": machine(), "openssl": subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip(),
             "load": load, "runs": asked.runs, "seconds": asked.seconds, "megabytes": asked.megabytes}
    (out / "vault_bench.json").write_text(json.dumps({"about": about, "median": median, "samples": samples}, indent=1) + "\n")
    (out / "VAULT_BENCH.md").write_text(report(about, median))


def share(value, of):
    return f"{100 * value / of:.0f} %"


def report(about, median):
    busy = ""
    if about["load"] > 1:
        busy = (f"\n**The machine was busy with other work (load {about['load']:.1f} on two cores): shares count here, figures do not. "
                "To be repeated on a quiet machine.**\n")
    rows = [
        ("sealing in memory, by the second of work", median["seal_bytes_per_second"], median["openssl_seal"], "openssl speed"),
        ("opening in memory, by the second of work", median["open_bytes_per_second"], median["openssl_open"], "openssl speed"),
        (f"storing one blob of {about['megabytes']} MiB, synced", median["store_bytes_per_second"], median["disk_write"], "writing the same to the disk"),
        (f"reading it from one end to the other, compared byte for byte", median["load_bytes_per_second"], median["disk_read"], "reading from the cache of the disk"),
    ]
    rows += [
        ("storing it, by the second of work, the kernel's included", median["store_bytes_per_worked_second"], median["openssl_seal"], "openssl speed"),
        ("reading it, by the second of work, the kernel's and the comparing included", median["load_bytes_per_worked_second"], median["openssl_open"], "openssl speed"),
    ]
    table = "\n".join(f"| {name} | {value / GB:.2f} GB/s | {of / GB:.2f} GB/s ({what}) | {share(value, of)} |" for name, value, of, what in rows)
    return f"""# The vault beside the raw cipher

Written by `bin/bench-vault` on {about['at']}: medians of {about['runs']} runs, every sample in [vault_bench.json](vault_bench.json).

Machine: {about['machine']}. {about['openssl']}, blocks of 64 KiB, measured before and after each run of ours. It counts seconds of work and not of the clock, and so do the figures that say so.
{busy}
| what | ours | beside | share |
|---|---:|---:|---:|
{table}

As a share of the raw cipher, storing comes to {share(median['store_bytes_per_second'], median['openssl_seal'])} by the clock, where writing alone comes to {share(median['disk_write'], median['openssl_seal'])}, and reading to {share(median['load_bytes_per_second'], median['openssl_open'])}, where reading alone comes to {share(median['disk_read'], median['openssl_open'])}. The aim is half of the raw cipher, or the disk's limit.

The most memory that the process held while it did all of this: **{median['peak_bytes'] / 2**20:.0f} MiB** (aim: at most 64).

A remembered data key is used only while its file is the very one that it was read from, so that a key destroyed by one instance is gone for all at once. Looking at the file costs {share(median['look_at_key_share'], 1)} of opening a field of fifty bytes, {median['fields_per_second']:,.0f} of which open a second on one core.
"""


if __name__ == "__main__":
    main()
