"""Many signed-in people on the pages of a server of its own: errors, mixed-up pages, memory before and after.

    .venv/bin/python script/load_pages.py [--people 20] [--seconds 300]

Each goes from page to page over Streamlit's own protocol, tab after tab, with an image of their own on the review page,
and looks whether each page is all theirs (tests/e2e/crowd.py). Memory is the resident set of the server and its child
processes: at rest after a warm-up with the same load, the most in each 20 seconds of the load, and at rest again after
the janitor has put the closed tabs away. Exit 1 where anything was not as it should be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from script.load_api import CURVE_SECONDS, resident_mb
from tests.e2e import crowd
from tests.e2e.served import Server, server

SETTLING_SECONDS = 45
"""Longer than the janitor waits before it puts a closed tab away."""


def load(at: Server, people: list[crowd.Guest], met: crowd.Met, seconds: float) -> list[float]:
    """The most memory, in MB, in each 20 seconds of the load."""
    threads = crowd.load(at, people, met, seconds)
    curve = []
    while any(each.is_alive() for each in threads):
        most, until = 0.0, time.monotonic() + CURVE_SECONDS
        while time.monotonic() < until and any(each.is_alive() for each in threads):
            most = max(most, resident_mb(at))
            time.sleep(1)
        curve.append(most)
    time.sleep(SETTLING_SECONDS)
    return curve


def main() -> int:
    """Measure, and print what was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--people", type=int, default=20)
    asked.add_argument("--seconds", type=float, default=300)
    asked.add_argument("--warm-up", type=float, default=60)
    asked.add_argument("--pixels", type=int, default=800, help="Rows and columns of each one's image.")
    given = asked.parse_args()
    met = crowd.Met()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), DEID_MODEL="none") as at:
        people = crowd.guests(at, given.people, pixels=given.pixels)
        fresh = resident_mb(at)
        load(at, people, met, given.warm_up)
        met.seconds.clear()
        before = resident_mb(at)
        curve = load(at, people, met, given.seconds)
        after = resident_mb(at)
        log = at.log.read_text()
    print(f"{given.people} people, {given.seconds:.0f} s")
    print("| page | times | median s | 95 % s | longest s |\n|---|---|---|---|---|")
    for page, each in sorted(met.seconds.items()):
        slow = sorted(each)[int(0.95 * len(each))]
        print(f"| {page} | {len(each)} | {median(each):.2f} | {slow:.2f} | {max(each):.2f} |")
    print(f"memory, MB: {fresh:.0f} before anybody came, {before:.0f} at rest after {given.warm_up:.0f} s of the load")
    print(f"then at work, each {CURVE_SECONDS} s: {' '.join(f'{each:.0f}' for each in curve)}")
    print(f"and {SETTLING_SECONDS} s after the last: {after:.0f}")
    print(f"faults: {dict(met.faults) or 'none'}; lines of log that tell of one: {log.count('Traceback')}")
    return 1 if met.faults or "Traceback" in log else 0


if __name__ == "__main__":
    sys.exit(main())
