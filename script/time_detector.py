"""The detector of text in OpenVINO and in ONNX Runtime: processor time a picture, and whether both find the same lines.

python script/time_detector.py [FOLDER...]     DICOM files; without a folder the demo studies
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the environment comes first
from onnxruntime import InferenceSession, SessionOptions  # noqa: E402

from deid.demo import studies  # noqa: E402
from deid.engines.rapidocr import DETECTOR, RapidOcr  # noqa: E402
from deid.load import load  # noqa: E402
from deid.render import Picture, render_frame  # noqa: E402
from deid.values import View  # noqa: E402


def pictures(folders: list[str]) -> Iterator[Picture]:
    """The first frame of each file, as the header's window shows it and on an even ground."""
    files = (path.read_bytes() for folder in folders for path in sorted(Path(folder).glob("*.dcm")))
    for content in files if folders else (study.build() for study in studies()):
        dataset = load(content)
        for view in (View.WINDOW, View.LOCAL):
            picture = render_frame(dataset, 0, view)
            yield np.ascontiguousarray(picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2))


def main(folders: list[str]) -> None:
    """Measure both in turn, picture by picture."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = InferenceSession(str(DETECTOR), options, providers=["CPUExecutionProvider"])
    openvino, onnxruntime = RapidOcr(), RapidOcr()
    onnxruntime._detect.session = lambda values: session.run(None, {"x": values})[0]
    seconds, lines, differing, count = [0.0, 0.0], 0, 0, 0
    for picture in pictures(folders):
        count += 1
        found = []
        for number, reader in enumerate((openvino, onnxruntime)):
            began = time.process_time()
            found.append(reader._search(picture))
            seconds[number] += time.process_time() - began
        lines += len(found[1])
        alike = len(found[0]) == len(found[1]) and all(
            np.abs(one - two).max() < 2 for one, two in zip(*found, strict=True)
        )
        differing += not alike
    sys.stdout.write(
        f"{count} pictures, {lines} lines, {differing} pictures with other lines (2 px)\n"
        f"openvino {seconds[0] / count:.2f} s, onnxruntime {seconds[1] / count:.2f} s of a processor a picture\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
