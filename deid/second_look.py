"""The second look: what a reader can still see in the written frames, shown with other contrast, and what it means.

What it finds is overwritten too; what is readable after that waits for a person (pipeline.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from pydicom import Dataset

from deid import verify
from deid.boxes import Area, draw_boxes, lies_in, merge_regions
from deid.case import Case, Engines, Options
from deid.classify import find_phi
from deid.codecs.raw import pixel_format, raw_frame, stored_frames
from deid.codes import code_regions
from deid.ocr import read_frame
from deid.render import Picture, render_stored
from deid.values import Box, Check, Finding, FrameFindings, FrameWords, Policy, Reason, Region, Search, View

READ_AGAIN_FRAMES = 6
"""A longer loop is verified on this many of its frames, and on its brightest and darkest projection."""
KEPT = "kept by a person"
"""The name of the check of what a person decided to leave."""
READ_AGAIN_SIDE_PX = 960
"""The second look searches at another scale than the first: quicker, and it may see what that one missed."""
SURE_WORD = 0.9
SHORTEST_SURE_WORD = 4
"""What only the second reading sees counts as text from this confidence and length on."""
_READABLE = {Reason.HEADER, Reason.PATTERN}
_ASKED_TWICE = {Reason.HEADER, Reason.CODE}


def still_readable(case: Case, engines: Engines, options: Options) -> tuple[Region, ...]:
    """What goes and a reader still sees in the written frames, shown with other contrast."""
    assert case.written is not None
    written = verify.opened(case.written)
    finders = [reader for reader in engines.readers if reader.finds_lines] or list(engines.readers)
    known = [word.box for frame in case.words or () for word in frame.words]
    stays = {
        frame.frame: [finding.word for finding in frame.findings if not finding.is_phi] for frame in case.findings or ()
    }
    found = []
    codes: tuple[Region, ...] = ()
    for frame, picture in _pictures_to_read_again(written, [frame for frame, _ in case.representative or ()]):
        words = read_frame(
            {View.LOCAL: picture}, finders, search=Search(READ_AGAIN_SIDE_PX), known=stays.get(frame, ())
        )
        (judged,) = find_phi([FrameWords(0, (), words)], case.hints, None, Policy.PHI, options.threshold)
        telling = (each for each in judged.findings if not each.is_phi or _tells(each, known))
        found.append(FrameFindings(0, (), tuple(telling)))
        codes = merge_regions((*codes, *code_regions({View.LOCAL: picture}, engines.codes, Reason.VERIFY)))
    layout = pixel_format(written)
    regions = draw_boxes(found, Area(layout.rows, layout.columns), options.padding_px)
    text = tuple(
        replace(region, reasons=(Reason.VERIFY, *region.reasons))
        for region in regions
        if not any(region.box.overlap(done.box) >= 0.8 * region.box.area for done in case.effective or ())
    )
    return (*codes, *text)


def apart(residue: Sequence[Region], kept: Sequence[Region]) -> tuple[tuple[Region, ...], tuple[Region, ...]]:
    """What nobody has decided about, and what lies where a person decided to leave the picture as it is."""
    left = [any(lies_in(region.box, each.box) for each in kept) for region in residue]
    return (
        tuple(region for region, decided in zip(residue, left, strict=True) if not decided),
        tuple(region for region, decided in zip(residue, left, strict=True) if decided),
    )


def checks_of(residue: Sequence[Region], readable: Sequence[Region], kept: Sequence[Region]) -> tuple[Check, ...]:
    """What the second look says of the file: `residue` is nobody's decision, `readable` lies in what a person kept."""
    return (_residue_check(residue), *_kept_check(kept, readable))


def _tells(finding: Finding, known: Sequence[Box]) -> bool:
    """Whether a word of the second reading must not stay: it is a value, or sure text that the first one missed."""
    if _READABLE & set(finding.reasons):
        return True
    word = finding.word
    is_text = word.confidence >= SURE_WORD and len(word.text) >= SHORTEST_SURE_WORD
    return is_text and not any(word.box.overlap(box) for box in known)


def _pictures_to_read_again(written: Dataset, frames: Sequence[int]) -> Iterator[tuple[int, Picture]]:
    """Every frame of a short loop; of a long one some, and as frame -1 what is brightest and darkest anywhere in it."""
    if len(frames) <= READ_AGAIN_FRAMES:
        for frame in frames:
            yield frame, render_stored(written, raw_frame(written, frame), View.LOCAL)
        return
    chosen = {frames[round(each * (len(frames) - 1) / (READ_AGAIN_FRAMES - 1))] for each in range(READ_AGAIN_FRAMES)}
    brightest: Picture | None = None
    darkest: Picture | None = None
    decoded = stored_frames(written)
    for frame in frames:
        stored = decoded.decoded(frame)
        picture = render_stored(written, stored, View.FULL)
        brightest = picture if brightest is None else np.maximum(brightest, picture)
        darkest = picture if darkest is None else np.minimum(darkest, picture)
        if frame in chosen:
            yield frame, render_stored(written, stored, View.LOCAL)
    assert brightest is not None and darkest is not None
    yield -1, brightest
    yield -1, darkest


def _residue_check(residue: Sequence[Region]) -> Check:
    if not residue:
        return Check(
            "read again", True, "No header value, date, number of a record, other new text or code can be read."
        )
    places = "One place" if len(residue) == 1 else f"{len(residue)} places"
    detail = f"{places} can still be read as text that identifies or as a code: look whether a box has to be added."
    return Check("read again", False, detail, review=True)


def _kept_check(kept: Sequence[Region], readable: Sequence[Region]) -> tuple[Check, ...]:
    """What a person kept is told; a value of the header among it is asked about a second time."""
    if not kept:
        return ()
    places = "One place is" if len(kept) == 1 else f"{len(kept)} places are"
    if any(_ASKED_TWICE & set(region.reasons) for region in (*kept, *readable)):
        detail = f"{places} kept by a person, and a value of the header or a code stands there: it has to be confirmed."
        return (Check(KEPT, False, detail, review=True),)
    return (Check(KEPT, True, f"{places} kept by a person; {len(readable)} can still be read as text."),)
