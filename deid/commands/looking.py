"""Commands that look and write nothing: inspect, triage, classify."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from deid import jobs, triage
from deid.classify import classify_words
from deid.commands.console import OUT, settings_in_force
from deid.errors import UsageError
from deid.judging import as_line
from deid.lexicon import load_lexicon
from deid.pipeline import Case, open_case, run_step, steps_of, verdict
from deid.report import region_object
from deid.settings import Settings
from deid.values import Finding


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    frame: Annotated[int, typer.Option(min=0, help="The frame whose words are shown.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show every stage's result for one file; nothing is written. The output holds the picture's text: PHI."""
    settings = settings_in_force()
    if not file.is_file():
        raise UsageError("FILE does not exist.")
    engines, options = jobs.make_engines(settings), jobs.options_of(settings)
    case = open_case(file.read_bytes(), options, without_pixels=True)
    if frame >= max(case.frames, 1):
        raise UsageError(f"The file has {case.frames} frames, counted from 0.")
    for step in steps_of(case):
        case = run_step(case, step, engines, options)
    if as_json:
        typer.echo(json.dumps(_inspection(case, frame), ensure_ascii=False, indent=1))
        return
    outcome, reason = verdict(case)
    OUT.print(f"{outcome.value} {reason}", highlight=False)
    for finding in _findings(case, frame):
        box = finding.word.box
        why = ", ".join(f"{each.reason.value}:{each.rule} {each.p_phi:.2f}" for each in finding.evidence)
        verb = "goes " if finding.is_phi else "stays"
        place = f"{box.left},{box.top} {box.width}x{box.height}"
        line = f"{verb} {finding.p_phi:.2f} {finding.word.text:24s} {place:18s} {why}"
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    OUT.print(f"{len(case.effective or ())} boxes, {len(case.removals or ())} header elements changed", highlight=False)
    for check in case.checks or ():
        OUT.print(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.detail}", markup=False, highlight=False)


def _findings(case: Case, frame: int) -> tuple[Finding, ...]:
    return next((each.findings for each in case.findings or () if frame in (each.frame, *each.repeats)), ())


def _inspection(case: Case, frame: int) -> dict[str, object]:
    outcome, reason = verdict(case)
    return {
        "outcome": outcome.value,
        "reason": reason,
        "frames": case.frames,
        "words": [_word_object(finding) for finding in _findings(case, frame)],
        "boxes": [region_object(region) for region in case.effective or ()],
        "header": [
            {"element": each.path, "keyword": each.keyword, "action": each.action} for each in case.removals or ()
        ],
        "checks": [{"name": each.name, "passed": each.passed, "detail": each.detail} for each in case.checks or ()],
        "seconds": {stage.value: round(seconds, 4) for stage, seconds in case.seconds.items()},
    }


def _word_object(finding: Finding) -> dict[str, object]:
    box = finding.word.box
    return {
        "text": finding.word.text,
        "box": [box.left, box.top, box.width, box.height],
        "confidence": round(finding.word.confidence, 3),
        "readers": list(finding.word.readers),
        "phi": finding.is_phi,
        "p_phi": round(finding.p_phi, 4),
        "evidence": [
            {"reason": each.reason.value, "rule": each.rule, "p_phi": each.p_phi} for each in finding.evidence
        ],
    }


def triage_command(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files or folders.")],
    workers: Annotated[int, typer.Option("--jobs", min=1, help="Worker processes.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
) -> None:
    """Tell quickly which files seem to hold text, and which a header that identifies: no proof, nothing is written."""
    settings = Settings.from_environment()
    if missing := sum(not given.exists() for given in inputs):
        raise UsageError(f"{missing} INPUT does not exist." if missing == 1 else f"{missing} INPUTs do not exist.")
    counts: dict[tuple[str, str], Counter[triage.Sort]] = {}
    sampled = 0
    looked = triage.look(
        *(inputs, workers, settings.max_frames, settings.max_pixels_per_frame),
        lambda source: jobs.limits_of_file(source, settings),
    )
    for source, seen in looked:
        counts.setdefault((seen.modality, seen.device), Counter())[seen.sort] += 1
        sampled += len(seen.looked_at) < seen.frames
        if as_json:
            typer.echo(json.dumps(triage.as_object(str(source.relative), seen), ensure_ascii=False))
    if as_json:
        return
    for (modality, device), sorts in sorted(counts.items()):
        held = ", ".join(f"{sorts[sort]} {sort.value}" for sort in triage.Sort if sorts[sort])
        line = f"{modality or '-':4s} {device or '-':40s} {held}"
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    if sampled:
        OUT.print(f"{sampled} loops were looked at in {triage.SAMPLED_FRAMES} frames at most.", highlight=False)


def classify() -> None:
    """Judge lines of text from standard input: one JSON object a line, with P(PHI) of each word."""
    settings = settings_in_force()
    classifier = jobs.make_classifier(settings)
    lexicon = load_lexicon()
    for line in sys.stdin:
        judged = classify_words(as_line(line.split()), (), lexicon, classifier, settings.phi_threshold)
        found = [
            {"text": each.word.text, "p_phi": round(each.p_phi, 4), "reasons": [why.value for why in each.reasons]}
            for each in judged
        ]
        typer.echo(json.dumps({"words": found}, ensure_ascii=False))
