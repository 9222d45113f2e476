"""The pipeline over a truth folder, each word's end with who read it and what decided it, and tables of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import dcmread

from deid.bench.score import CaseScore, Sums, Truth, TruthWord, WordScore, read_truths, score_case, total
from deid.errors import DeidError, UsageError
from deid.pipeline import Case, Engines, Options, run, verdict
from deid.render import render_frame
from deid.values import Box, Finding, Outcome

GROUPS = ("modality", "syntax", "tag", "reason", "reader")
NOBODY, NOTHING = "no reader", "no evidence"
READ_SHARE = 0.5
"""A word counts as read where what readers found covers this share of its box."""
CROP_MARGIN_PX = 24
CROP_SCALE = 2


@dataclass(frozen=True, slots=True)
class WordEnd:
    """What became of one word, and why."""

    text: str
    category: str
    score: WordScore
    readers: tuple[str, ...]
    """Those that saw something in its place."""
    readings: tuple[str, ...]
    reason: str
    """What decided about it, as reason:rule."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case."""

    score: CaseScore
    outcome: Outcome | None
    """None where the pipeline raised."""
    words: tuple[WordEnd, ...] = ()
    frames: int = 0
    seconds: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Where outputs and crops are written; None: nowhere."""

    out: Path | None = None
    crops: Path | None = None


def measure(
    folder: Path, engines: Engines, options: Options, places: Places, told: Callable[[CaseResult], None]
) -> tuple[CaseResult, ...]:
    """The results of all cases of a truth folder; `told` hears of each. A file that waits for review is scored too.

    Raises
    ------
    UsageError
        Where the folder holds no case.
    """
    results = []
    for truth in read_truths(folder):
        result = _measure_case(truth, engines, options, places)
        told(result)
        results.append(result)
    if not results:
        raise UsageError("TRUTH_DIR holds no case.")
    return tuple(results)


def _measure_case(truth: Truth, engines: Engines, options: Options, places: Places) -> CaseResult:
    try:
        case = run(truth.original, engines, options)
    except DeidError:
        return CaseResult(score_case(truth, None), None)
    outcome, _ = verdict(case)
    written = None if outcome is Outcome.QUARANTINED or case.written is None else bytes(case.written)
    score = score_case(truth, written)
    words = tuple(_word_end(truth.words[each.index], each, case) for each in score.words)
    if places.out is not None and written is not None:
        places.out.mkdir(parents=True, exist_ok=True)
        (places.out / f"{truth.name}.dcm").write_bytes(written)
    if places.crops is not None and written is not None:
        _write_crops(truth, case, words, places.crops)
    seconds = tuple((stage.value, took) for stage, took in case.seconds.items())
    return CaseResult(score, outcome, words, case.frames, seconds)


def _word_end(word: TruthWord, score: WordScore, case: Case) -> WordEnd:
    box = _box(word)
    near = [finding for finding in _findings(case, word) if finding.word.box.overlap(box)]
    covered = sum(finding.word.box.overlap(box) for finding in near) >= READ_SHARE * box.area
    readers = sorted({reader for finding in near for reader in finding.word.readers}) if covered else []
    strongest = max(near, key=lambda each: (each.word.box.overlap(box), each.p_phi), default=None)
    return WordEnd(
        *(word.text, word.category, score, tuple(readers)),
        tuple(dict.fromkeys(text for finding in near for text in finding.word.readings)),
        _decided_by(strongest),
    )


def _findings(case: Case, word: TruthWord) -> Iterator[Finding]:
    wanted = None if word.frames is None else set(word.frames)
    for frame in case.findings or ():
        if wanted is None or wanted & {frame.frame, *frame.repeats}:
            yield from frame.findings


def _decided_by(finding: Finding | None) -> str:
    if finding is None:
        return NOTHING
    agreeing = [each for each in finding.evidence if (each.p_phi >= finding.threshold) == finding.is_phi]
    return f"{agreeing[0].reason.value}:{agreeing[0].rule}" if agreeing else NOTHING


def _box(word: TruthWord) -> Box:
    left, top, width, height = word.box
    return Box(max(left, 0), max(top, 0), max(width, 1), max(height, 1))


def _write_crops(truth: Truth, case: Case, words: Sequence[WordEnd], folder: Path) -> None:
    """Before and after, below each other, of each word that leaked or was lost. They are PHI."""
    for end in words:
        if not (end.score.leaked or end.score.lost) or case.written is None:
            continue
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        word = truth.words[end.score.index]
        frame = word.frames[0] if word.frames else 0
        left, top, width, height = word.box
        place = (
            slice(max(top - CROP_MARGIN_PX, 0), top + height + CROP_MARGIN_PX),
            slice(max(left - CROP_MARGIN_PX, 0), left + width + CROP_MARGIN_PX),
        )
        shown = [render_frame(each, frame)[place] for each in (case.dataset, dcmread(BytesIO(case.written)))]
        picture = Image.fromarray(np.vstack(shown))
        picture = picture.resize((picture.width * CROP_SCALE, picture.height * CROP_SCALE), Image.Resampling.NEAREST)
        picture.save(folder / crop_name(_fate(end), truth.name, end.score.index))


def crop_name(fate: str, case: str, index: int) -> str:
    """The file name of the picture of a word that leaked or was lost."""
    return f"{fate}_{case}_{index:03d}.png"


def _fate(word: WordEnd) -> str:
    return "leaked" if word.score.leaked else "lost" if word.score.lost else "seen in part"


def groups(results: Iterable[CaseResult], by: str) -> dict[str, Sums]:
    """The sums of each group: of cases by modality, syntax and tag; of words by reason and reader."""
    sums: dict[str, Sums] = {}
    for result in results:
        if by in ("reason", "reader"):
            for word in result.words:
                sums.setdefault(_group_of(word, by), Sums()).add_word(word.score)
            continue
        score = result.score
        for key in {"modality": (score.modality,), "syntax": (score.syntax,), "tag": score.tags}[by]:
            sums.setdefault(key, Sums()).add_case(score)
    return dict(sorted(sums.items()))


def _group_of(word: WordEnd, by: str) -> str:
    if by == "reason":
        return word.reason
    return " + ".join(word.readers) or NOBODY


def summary(results: Sequence[CaseResult]) -> dict[str, object]:
    """The figures of all cases, the share that asked for review, and seconds a frame by stage."""
    frames = sum(result.frames for result in results)
    stages: dict[str, float] = {}
    for result in results:
        for stage, took in result.seconds:
            stages[stage] = stages.get(stage, 0.0) + took
    review = sum(result.outcome is Outcome.NEEDS_REVIEW for result in results) / len(results)
    seconds = {stage: round(took / max(frames, 1), 3) for stage, took in stages.items()}
    figures: dict[str, object] = dict(total(result.score for result in results).figures())
    return figures | {"review": round(review, 4), "frames": frames, "seconds_a_frame": seconds}


def as_object(results: Sequence[CaseResult], with_text: bool) -> dict[str, object]:
    """Everything, ready for JSON; words that leaked or were lost only `with_text`: they are PHI."""
    document: dict[str, object] = {"total": summary(results)}
    document |= {by: {key: each.figures() for key, each in groups(results, by).items()} for by in GROUPS}
    document["cases"] = [_case_object(result, with_text) for result in results]
    return document


def _case_object(result: CaseResult, with_text: bool) -> dict[str, object]:
    sums = total([result.score])
    entry: dict[str, object] = {
        "name": result.score.name,
        "outcome": result.outcome.value if result.outcome else None,
        "error": result.score.error,
        "leaked": sums.leaked,
        "lost": sums.lost,
        "seconds": {stage: round(took, 3) for stage, took in result.seconds},
    }
    if with_text:
        entry["words"] = [
            {
                "index": word.score.index,
                "text": word.text,
                "category": word.category,
                "end": _fate(word),
                "readers": word.readers,
                "readings": word.readings,
                "reason": word.reason,
            }
            for word in result.words
            if word.score.leaked or word.score.lost or (word.score.phi and word.score.visible)
        ]
    return entry


def told_words(results: Iterable[CaseResult]) -> Iterator[str]:
    """A line for each word that leaked or was lost, with what readers made of it. The lines are PHI."""
    for result in results:
        for word in result.words:
            if word.score.leaked or word.score.lost:
                seen = " | ".join(word.readings)
                place = f"({word.category}) in {result.score.name}"
                yield f"{_fate(word)} {word.text} {place}: read as {seen}; {word.reason}"


def table(sums: dict[str, Sums]) -> list[tuple[str, ...]]:
    """Rows of a table: group, cases, PHI words, leaked, other words, lost."""
    rows: list[tuple[str, ...]] = [("", "cases", "PHI words", "leaked", "other words", "lost")]
    for key, each in sums.items():
        rows.append((key, str(each.cases or ""), str(each.phi), str(each.leaked), str(each.other), str(each.lost)))
    return rows
