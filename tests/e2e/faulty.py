"""The application with steps that break: with an exception that quotes a patient.

A step breaks for every file while a file beside names it, and for a file that asks for it by a comment; writing breaks
for one of that name.

python -m tests.e2e.faulty FILE ARGUMENTS-OF-STREAMLIT...
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.web.cli import main

from deid import pipeline, single
from tests.e2e.planted import NAME, broken_at

LOAD, WRITE = "load", "write"
STAGES = (LOAD, *(step.value for step in pipeline.Step), WRITE)
"""Where a file can break, in order."""


def break_steps(names: Path) -> None:
    """Let each step raise where it is asked to."""
    for step, (needed, action) in list(pipeline._STEPS.items()):

        def broken(case: Any, *rest: Any, step: pipeline.Step = step, action: Any = action) -> Any:
            if names.exists() and names.read_text() == step.value:
                _break()
            if case.dataset.get("ImageComments") == broken_at(step.value):
                _break()
            return action(case, *rest)

        pipeline._STEPS[step] = (needed, broken)
    pipeline.load = _breaking(pipeline.load, lambda data: broken_at(LOAD).encode() in data)  # type: ignore[attr-defined]
    single.publish = _breaking(single.publish, lambda written, target, *_: target.name == WRITE)  # type: ignore[attr-defined]


def _breaking(action: Callable[..., Any], asked: Callable[..., bool]) -> Callable[..., Any]:
    def broken(*arguments: Any, **more: Any) -> Any:
        if asked(*arguments):
            _break()
        return action(*arguments, **more)

    return broken


def _break() -> None:
    raise RuntimeError(f"cannot go on with {NAME}")


if __name__ == "__main__":
    break_steps(Path(sys.argv[1]))
    sys.argv = ["streamlit", *sys.argv[2:]]
    main()
