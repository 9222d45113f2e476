"""The application with a step that breaks: the one that a file names, with an exception that quotes a patient.

python -m tests.e2e.faulty FILE ARGUMENTS-OF-STREAMLIT...
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from streamlit.web.cli import main

from deid import pipeline
from tests.e2e.planted import NAME


def break_steps(names: Path) -> None:
    """Let each step raise while its name stands in the file."""
    for step, (needed, action) in list(pipeline._STEPS.items()):

        def broken(*arguments: Any, step: pipeline.Step = step, action: Any = action) -> Any:
            if names.exists() and names.read_text() == step.value:
                raise RuntimeError(f"cannot go on with {NAME}")
            return action(*arguments)

        pipeline._STEPS[step] = (needed, broken)


if __name__ == "__main__":
    break_steps(Path(sys.argv[1]))
    sys.argv = ["streamlit", *sys.argv[2:]]
    main()
