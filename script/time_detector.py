"""The detector of text in ONNX Runtime, in OpenVINO and there in bfloat16: processor time a picture, lines found.

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
from deid.engines.detector import DETECTOR, Detector, Quad  # noqa: E402
from deid.engines.rapidocr import DETECT_SIDE_PX  # noqa: E402
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
    """Measure all in turn, picture by picture."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = InferenceSession(str(DETECTOR), options, providers=["CPUExecutionProvider"])
    detectors = {"onnxruntime": Detector(), "openvino": Detector(), "bfloat16": Detector(exact=False)}
    detectors["onnxruntime"]._network = lambda values: session.run(None, {"x": values})[0]  # type: ignore[assignment]
    seconds, lines, differing = (dict.fromkeys(detectors, value) for value in (0.0, 0, 0))
    count = 0
    for picture in pictures(folders):
        count += 1
        found = {}
        for name, detector in detectors.items():
            began = time.process_time()
            found[name] = detector.search(picture, DETECT_SIDE_PX)
            seconds[name] += time.process_time() - began
            lines[name] += len(found[name])
        for name in detectors:
            differing[name] += not _alike(found["onnxruntime"], found[name])
    for name in detectors:
        sys.stdout.write(
            f"{name}: {count} pictures, {lines[name]} lines, {differing[name]} pictures with other lines (2 px), "
            f"{seconds[name] / count:.3f} s of a processor a picture\n"
        )


def _alike(one: list[tuple[Quad, float]], two: list[tuple[Quad, float]]) -> bool:
    """Whether both hold the same lines in the same places, to two pixels."""
    pairs = zip(one, two, strict=False)
    return len(one) == len(two) and all(np.abs(first - second).max() < 2 for (first, _), (second, _) in pairs)


if __name__ == "__main__":
    main(sys.argv[1:])
