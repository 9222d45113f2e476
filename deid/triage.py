"""A quick look over files before a run: which seem to hold text, which have a header that identifies somebody.

Only the detector of text looks, on an even ground and at low resolution, and in long loops only at some frames. Nothing
is read, so text is told, not whether it identifies; and no proof of absence comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from deid import header
from deid.codecs.raw import forget_decoded, pixel_keyword, raw_frame
from deid.engines.detector import Detector
from deid.errors import DeidError
from deid.grounds import bordered
from deid.inputs import InputFile, walk_inputs
from deid.load import HEAD_BYTES, is_dicom, load
from deid.render import Picture, frame_count, render_stored
from deid.values import Box, View
from deid.workers import Beat, Limits, Lost, Work, work_through

SIDES_PX = (480, 736)
"""Pictures are looked at with their longer side at this length; where that shows no text, at the next one."""
SAMPLED_FRAMES = 3
"""Of a loop: the first, the middle and the last."""
LARGEST_RENDERED_PX = 1000
"""Larger frames are made smaller before they are rendered."""
_IDENTIFYING = ("Patient", "Accession", "Referring", "OtherPatient", "IssuerOfPatient")

Find = Callable[[Picture, int], Sequence[Box]]


class Sort(StrEnum):
    """What a file seems to hold."""

    TEXT = "text"
    HEADER = "header"
    BOTH = "text and header"
    NEITHER = "neither"
    UNREADABLE = "unreadable"
    """DICOM that cannot be opened or decoded."""
    OTHER = "not DICOM"


@dataclass(frozen=True, slots=True)
class Glance:
    """What was seen of one file."""

    sort: Sort
    modality: str = ""
    device: str = ""
    """Maker and model."""
    frames: int = 0
    looked_at: tuple[int, ...] = ()
    """The frames that were searched; the first that shows text ends the search."""
    lines: int = 0
    """The lines of text that were found in the last of them; a closer look may find more."""


def glance(data: bytes, find: Find, max_frames: int, max_pixels_per_frame: int) -> Glance:
    """What a file seems to hold."""
    if not is_dicom(data[:HEAD_BYTES]):
        return Glance(Sort.OTHER)
    try:
        dataset = load(data, max_frames=max_frames, max_pixels_per_frame=max_pixels_per_frame, without_pixels=True)
    except DeidError:
        return Glance(Sort.UNREADABLE)
    modality = str(dataset.get("Modality") or "")
    device = " ".join(filter(None, (str(dataset.get(key) or "") for key in ("Manufacturer", "ManufacturerModelName"))))
    named = any(hint.keyword.startswith(_IDENTIFYING) for hint in header.harvest(dataset))
    frames = frame_count(dataset) if pixel_keyword(dataset) else 0
    looked_at: list[int] = []
    lines = 0
    try:
        for frame in sampled(frames):
            looked_at.append(frame)
            picture = _rendered(dataset, raw_frame(dataset, frame))
            lines = next(filter(None, (len(find(picture, side)) for side in SIDES_PX)), 0)
            if lines:
                break
    except DeidError:
        return Glance(Sort.UNREADABLE, modality, device, frames)
    sorts = {
        (True, True): Sort.BOTH,
        (True, False): Sort.TEXT,
        (False, True): Sort.HEADER,
        (False, False): Sort.NEITHER,
    }
    return Glance(sorts[lines > 0, named], modality, device, frames, tuple(looked_at), lines)


def start(max_frames: int, max_pixels_per_frame: int) -> Work:
    """What a worker process does with a file; the detector is started once a process."""
    cv2.setNumThreads(1)
    finder = Detector(exact=False, few_sizes=True)

    def work(source: InputFile, beat: Beat) -> Glance:
        try:
            data = source.path.read_bytes()
        except OSError:
            return Glance(Sort.UNREADABLE)
        seen = glance(data, finder.find, max_frames, max_pixels_per_frame)
        forget_decoded()
        return seen

    return work


def look(
    inputs: Sequence[Path],
    workers: int,
    max_frames: int,
    max_pixels_per_frame: int,
    limits: Callable[[InputFile], Limits],
) -> Iterator[tuple[InputFile, Glance]]:
    """Each file of the INPUTs with what it seems to hold, as workers finish them."""
    arguments = (max_frames, max_pixels_per_frame)
    for source, seen in work_through(walk_inputs(inputs), workers, start, arguments, limits):
        yield source, Glance(Sort.UNREADABLE) if isinstance(seen, Lost) else seen


def as_object(file: str, seen: Glance) -> dict[str, object]:
    """A line of the JSON output; `file` may be PHI."""
    return {
        "file": file,
        "holds": seen.sort.value,
        "modality": seen.modality,
        "device": seen.device,
        "frames": seen.frames,
        "looked_at": list(seen.looked_at),
        "lines": seen.lines,
    }


def sampled(frames: int) -> tuple[int, ...]:
    """The frames of a loop that are looked at."""
    if frames <= SAMPLED_FRAMES:
        return tuple(range(frames))
    return tuple(round(each * (frames - 1) / (SAMPLED_FRAMES - 1)) for each in range(SAMPLED_FRAMES))


def _rendered(dataset: Dataset, stored: NDArray[np.generic]) -> Picture:
    """The frame on an even ground, small enough to be quick, bordered as readers need it."""
    scale = LARGEST_RENDERED_PX / max(stored.shape[:2])
    palette = str(dataset.get("PhotometricInterpretation", "")).startswith("PALETTE")
    if scale < 1 and not palette:
        values = stored if stored.dtype in (np.uint8, np.uint16, np.int16) else stored.astype(np.float32)
        size = max(round(stored.shape[1] * scale), 1), max(round(stored.shape[0] * scale), 1)
        stored = np.asarray(cv2.resize(np.ascontiguousarray(values), size, interpolation=cv2.INTER_AREA))
    return bordered(render_stored(dataset, stored, View.LOCAL))
