"""What a data office attaches to a release: what went in and out of a run, by what means, and who looked at it.

It holds counts, versions, options, user names and times: no name of a file, no text of an image, no value of a header.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from deid.cautions import CODE, FACE, PAGE, STROKES
from deid.quality import says
from deid.store import Purpose, Sampled, Selection, Store
from deid.values import Outcome

_TITLES = {
    Outcome.CLEANED: "came out clean",
    Outcome.NEEDS_REVIEW: "still wait for a person",
    Outcome.QUARANTINED: "quarantined",
    Outcome.REFUSED: "refused",
}
_WARNINGS = {
    PAGE: "a scanned page or a screenshot full of text",
    STROKES: "something written that no reader could read; it was covered",
    FACE: "slices of a head, from which a face could be made; removing it is outside this tool",
    CODE: "a bar code or a QR code; it was covered",
}
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#16202c}"
    "table{border-collapse:collapse;width:100%;margin:.4rem 0 1.2rem}td,th{border-bottom:1px solid #cbd3dc;"
    "padding:.3rem .5rem;text-align:left;vertical-align:top}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:1.4rem}"
    "td:last-child{text-align:right;font-variant-numeric:tabular-nums}"
)
_LIMITS = (
    "No method finds all text. This report says what was done and checked; whether the files may be given away is a "
    "decision of people."
)


def release_object(store: Store, run_id: int) -> dict[str, Any]:
    """The report as JSON values; empty where there is no such run."""
    run = store.run(run_id)
    if run is None:
        return {}
    totals, ends = store.totals(Selection(run=run_id)), store.ends(run_id)
    reviews = [each for each in store.reviews(run_id) if each.review.purpose is Purpose.REVIEW]
    return {
        "run": run_id,
        "started": f"{run.started:%Y-%m-%d %H:%M} UTC",
        "state": run.state.value,
        "came_in": run.planned,
        "outcomes": {outcome.value: run.count(outcome) for outcome in Outcome},
        "boxes": ends.boxes,
        "words_that_went": {reason.value: count for reason, count in totals.by_reason},
        "warnings": {name: dict(totals.warnings).get(name, 0) for name in _WARNINGS},
        "modalities": dict(totals.by_modality),
        "options": ends.settings,
        "made_by": [{"engine": engine, "version": version} for engine, version in ends.made_by],
        "not_released": [
            {"outcome": outcome.value, "reason": reason, "files": count} for outcome, reason, count in ends.reasons
        ],
        "reviews": [
            {
                "image": each.image_id,
                "by": each.user,
                "at": f"{each.at:%Y-%m-%d %H:%M} UTC",
                "decision": each.review.decision.value,
                "boxes_added": each.review.covered,
                "places_kept": each.review.kept,
                "of_them_readable": each.review.readable,
                "second_answer": each.review.confirmed,
            }
            for each in reviews
        ],
        "sample": _sample(sampled) if (sampled := store.sample(run_id)) else None,
        "limits": _LIMITS,
    }


def release_page(told: dict[str, Any]) -> str:
    """The same as one page of HTML that needs nothing else."""
    outcomes = [(title, told["outcomes"][outcome.value]) for outcome, title in _TITLES.items()]
    parts = [
        f"<h1>De-identified images: run {told['run']}</h1>",
        f"<p>Begun {told['started']}; {told['came_in']:,} files came in; the run is {told['state']}.</p>",
        _table("Files", ((title, f"{count:,}") for title, count in outcomes)),
        _table(
            "Words that went, by reason", ((reason, f"{count:,}") for reason, count in told["words_that_went"].items())
        ),
        _table(
            "Files in which something wants eyes",
            ((title, f"{told['warnings'][name]:,}") for name, title in _WARNINGS.items() if told["warnings"][name]),
        ),
        _table("Modalities", ((name or "not stated", f"{count:,}") for name, count in told["modalities"].items())),
        _table("Not released, and why", ((each["reason"], f"{each['files']:,}") for each in told["not_released"])),
        _table("Options", [("In force", told["options"]), ("Boxes overwritten", f"{told['boxes']:,}")]),
        _table("Made by", ((each["engine"], each["version"]) for each in told["made_by"])),
        _table("A random sample of the clean files, looked at by people", _sampled(told["sample"])),
        _table("Looked at by people", (_looked(each) for each in told["reviews"])),
        f"<p>{escape(told['limits'])}</p>",
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Run {told["run"]}</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _sample(sampled: Sampled) -> dict[str, Any]:
    draw = sampled.draw
    return {
        "clean_files": draw.population,
        "drawn": sampled.size,
        "looked_at": sampled.looked,
        "leaks": sampled.leaks,
        "confidence": draw.confidence,
        "seed": draw.seed,
        "by": sampled.by,
        "at": f"{sampled.at:%Y-%m-%d %H:%M} UTC",
        "says": says(sampled),
    }


def _sampled(told: dict[str, Any] | None) -> list[tuple[str, str]]:
    if told is None:
        return []
    drawn = f"{told['drawn']:,} of {told['clean_files']:,}, by {told['by']}, {told['at']}, seed {told['seed']}"
    return [("Drawn", drawn), ("What it says", told["says"])]


def release_files(store: Store, run_id: int) -> dict[str, str]:
    """Both forms by the name of their file."""
    told = release_object(store, run_id)
    return {"release.html": release_page(told), "release.json": json.dumps(told, indent=2)}


def _looked(each: dict[str, Any]) -> tuple[str, str]:
    second = "; a second question was answered" if each["second_answer"] else ""
    done = f"{each['boxes_added']} boxes added, {each['places_kept']} places kept, {each['of_them_readable']} readable"
    return f"image {each['image']}, {each['by']}, {each['at']}: {done}{second}", each["decision"]


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    found = "".join(f"<tr><td>{escape(str(left))}</td><td>{escape(str(right))}</td></tr>" for left, right in rows)
    return f"<h2>{escape(title)}</h2><table>{found}</table>" if found else ""
