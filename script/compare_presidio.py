"""Seconds a frame and what leaks, beside presidio-image-redactor: file by file in turn, one process each.

python script/compare_presidio.py --presidio VENV/bin/python [--spacy PACKAGE] [--threads N] [--json FILE] TRUTH_DIR...

VENV holds presidio-image-redactor and a spaCy model (`en_core_web_lg`, or the package that --spacy names); neither is
part of this tool. Both read a file from disk, do all that they do and write a file. The start of either is not counted.
A file that Presidio cannot write has no time, so seconds are given over the files that both wrote, and ours over all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(ROOT))

from deid import jobs  # noqa: E402 - the environment comes first
from deid.bench.score import CaseScore, Truth, read_truths, score_case, total  # noqa: E402
from deid.errors import DeidError  # noqa: E402
from deid.pipeline import Case, Engines, Options, run  # noqa: E402
from deid.settings import Settings  # noqa: E402

THE_OTHER = """
import json, logging, os, sys, time, warnings
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
import pydicom
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_image_redactor import DicomImageRedactorEngine, ImageAnalyzerEngine
models = [{"lang_code": "en", "model_name": sys.argv[1]}]
nlp = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
engine = DicomImageRedactorEngine(ImageAnalyzerEngine(analyzer_engine=AnalyzerEngine(nlp_engine=nlp)))
print("ready", flush=True)
for line in sys.stdin:
    source, target = json.loads(line)
    began, used = time.perf_counter(), sum(os.times()[:4])
    try:
        engine.redact(pydicom.dcmread(source, force=True), use_metadata=True).save_as(target)
        error = ""
    except Exception as exc:
        error = type(exc).__name__
    print(json.dumps([time.perf_counter() - began, sum(os.times()[:4]) - used, error]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Timed:
    """One file by both."""

    folder: str
    name: str
    frames: int
    ours_s: float
    theirs_s: float
    ours_cpu_s: float
    theirs_cpu_s: float
    """Of the processors, Tesseract's included."""
    error: str
    """Why Presidio wrote nothing."""


def main(arguments: Sequence[str]) -> None:
    """Measure and print a table of each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="TRUTH_DIR")
    parser.add_argument("--presidio", required=True, help="the Python of an environment that holds it")
    parser.add_argument("--spacy", default="en_core_web_lg", help="name of the installed spaCy model")
    parser.add_argument("--json", type=Path, help="file for every file's seconds")
    parser.add_argument("--threads", type=int, default=1, help="of either process")
    asked = parser.parse_args(arguments)
    settings = replace(Settings.from_environment(), threads=asked.threads)
    engines, options = jobs.make_engines(settings), jobs.options_of(settings)
    timed: list[Timed] = []
    with tempfile.TemporaryDirectory() as scratch, _other(asked.presidio, asked.spacy, asked.threads) as other:
        for folder in asked.folders:
            ours, theirs = [], []
            for number, truth in enumerate(read_truths(folder)):
                if not timed and not number:  # what is loaded with the first file belongs to the start
                    _ours(truth, engines, options, Path(scratch) / "ours.dcm")
                    _ask(other, folder / f"{truth.name}.dcm", Path(scratch) / "theirs.dcm")
                target = Path(scratch) / "theirs.dcm"
                target.unlink(missing_ok=True)
                took = _ours(truth, engines, options, Path(scratch) / "ours.dcm")
                their_s, their_cpu_s, error = _ask(other, folder / f"{truth.name}.dcm", target)
                error = error or ("" if target.is_file() else "no file")
                timed.append(Timed(folder.name, truth.name, took[2], took[0], their_s, took[1], their_cpu_s, error))
                ours.append(took[3])
                theirs.append(score_case(truth, None if error else target.read_bytes()))
            _tell(folder.name, [each for each in timed if each.folder == folder.name], ours, theirs)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in timed], indent=1), encoding="utf-8")


def _ours(truth: Truth, engines: Engines, options: Options, target: Path) -> tuple[float, float, int, CaseScore]:
    source = target.with_suffix(".in")
    source.write_bytes(truth.original)
    began, used = time.perf_counter(), sum(os.times()[:4])
    case: Case | None = None
    try:
        case = run(source.read_bytes(), engines, options)
        target.write_bytes(case.written or b"")
    except DeidError:
        case = None
    took = time.perf_counter() - began, sum(os.times()[:4]) - used
    return *took, case.frames if case else 0, score_case(truth, case.written if case else None)


def _other(python: str, model: str, threads: int) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_THREAD_LIMIT": str(threads)}
    other = subprocess.Popen(  # noqa: S603 - the environment that the caller named
        [python, "-c", THE_OTHER, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert other.stdout is not None
    if other.stdout.readline().strip() != "ready":
        sys.exit("Presidio cannot be started: see above.")
    return other


def _ask(other: subprocess.Popen[str], source: Path, target: Path) -> tuple[float, float, str]:
    assert other.stdin is not None and other.stdout is not None
    other.stdin.write(json.dumps([str(source), str(target)]) + "\n")
    other.stdin.flush()
    took, used, error = json.loads(other.stdout.readline())
    return float(took), float(used), str(error)


def _tell(folder: str, timed: Sequence[Timed], ours: Sequence[CaseScore], theirs: Sequence[CaseScore]) -> None:
    both = [each for each in timed if not each.error and each.frames]
    for line in _lines(folder, timed, both, ours, theirs):
        sys.stdout.write(line + "\n")


def _lines(
    folder: str, timed: Sequence[Timed], both: Sequence[Timed], ours: Sequence[CaseScore], theirs: Sequence[CaseScore]
) -> Iterator[str]:
    yield f"{folder}: {len(timed)} files, {_sum(timed, 'frames'):.0f} frames"
    for title, which in ((f"the {len(both)} files that both wrote", both), ("all files", timed)):
        frames = max(_sum(which, "frames"), 1)
        told = [
            f"{name} {_sum(which, name) / frames:.2f}" for name in ("ours_s", "theirs_s", "ours_cpu_s", "theirs_cpu_s")
        ]
        yield f"  a frame, {title}: {', '.join(told)}"
    for who, scores in (("ours", ours), ("Presidio's", theirs)):
        yield f"  {who}: {json.dumps(total(scores).figures())}"


def _sum(timed: Sequence[Timed], name: str) -> float:
    return float(sum(getattr(each, name) for each in timed))


if __name__ == "__main__":
    main(sys.argv[1:])
