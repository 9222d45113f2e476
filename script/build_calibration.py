"""Made-up pictures on which the threshold of a model without an adapter of ours is set: deid/models/calibration.json.

    python script/build_calibration.py     (needs requirements-dev.txt)

Faker, which names people, is no part of the product: so these few pictures are kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from deid.training.evaluate import calibration_pictures  # noqa: E402 - the path comes first

PICTURES = 30
SOURCE = "Made-up text of deid/training (Split.EVALUATE, CALIBRATION_SEED): words with their labels."


def main() -> None:
    """Write the file again; words without a label are left out."""
    lines = [
        [[[token.text, token.phi] for token in line if token.phi is not None] for line in each.lines]
        for each in calibration_pictures(PICTURES)
    ]
    made = {"source": SOURCE, "pictures": [[line for line in picture if line] for picture in lines]}
    text = json.dumps(made, ensure_ascii=False) + "\n"
    (ROOT / "deid/models/calibration.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
