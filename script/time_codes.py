"""What the search for bar codes and QR codes costs, beside all that a file costs, in one run.

    .venv/bin/python script/time_codes.py FOLDER...

Every file of the folders goes through the pipeline once, default settings, one thread an engine. Seconds in
`find_codes`, before and after writing, and seconds of everything are taken in the same run, of a processor and on the
clock.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deid import pipeline
from deid.errors import DeidError
from deid.jobs import make_engines, options_of
from deid.settings import Settings


class Watch:
    """Adds up what calls of a function take."""

    def __init__(self) -> None:
        self.calls, self.used, self.clock = 0, 0.0, 0.0

    def over(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched."""

        def watched(*given: Any, **named: Any) -> Any:
            used, clock = time.process_time(), time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.calls += 1
                self.used += time.process_time() - used
                self.clock += time.perf_counter() - clock

        return watched


def main() -> int:
    """Measure, and print what was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", nargs="+", type=Path)
    settings = replace(Settings.from_environment(), threads=1)
    engines, options = make_engines(settings), options_of(settings)
    find_codes, run_all = pipeline.find_codes, pipeline.run
    for folder in asked.parse_args().folder:
        search, every, frames, files = Watch(), Watch(), 0, 0
        pipeline.find_codes, run = search.over(find_codes), every.over(run_all)
        for path in sorted(folder.rglob("*.dcm")):
            try:
                case = run(path.read_bytes(), engines, options)
            except DeidError:
                continue
            files, frames = files + 1, frames + case.frames
        for what, codes, all_of_it in (
            ("of a processor", search.used, every.used),
            ("on the clock", search.clock, every.clock),
        ):
            print(
                f"{folder.name}: {files} files, {frames} frames, {search.calls} searches; {what} "
                f"{codes / frames:.3f} of {all_of_it / frames:.3f} s a frame, {codes / all_of_it:.1%}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
