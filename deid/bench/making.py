"""Made-up cases that are hard to read, with every glyph in their truth: equal for equal seeds and typefaces.

**Legible.** A word counts only where a person could read it in the stored picture: capitals of at least 6 pixels, at
least 60 % of its ink inside the frame, a mean difference to its ground of at least 12 of 255 levels in three of four
letters, and a correlation of at least 0.5 between the ink drawn and what noise, anatomy and JPEG have left of it. Other
words are marked `skip`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset

from deid.bench.lines import INK, Patch, draw_lines, soften, turn
from deid.bench.scenes import ground
from deid.bench.score import grey_frames
from deid.bench.typefaces import Typeface, fit_for
from deid.bench.wording import SCRIPTS, Line, Story, in_arabic_digits
from deid.demo.encode import Syntax, set_colour, set_grey, set_jpeg, set_window, to_file
from deid.demo.header import NOBODY, NOWHERE, Machine, Patient, Visit, make_header

LEGIBLE_CAPITAL_PX = 6
LEGIBLE_INSIDE = 0.6
LEGIBLE_LEVELS = 12
LEGIBLE_LETTERS = 0.75
LEGIBLE_LIKENESS = 0.5
_SIZES = ((512, 512), (480, 640), (600, 800), (576, 720), (400, 480), (512, 440))
_TYPE_SIZES = (11, 12, 13, 14, 16, 18, 22)
_CINE_SIZE = (360, 480)
_COLOURS = ((255, 230, 40), (70, 255, 90), (60, 210, 255), (255, 140, 40), (255, 80, 80), (230, 120, 255))
_TRAITS = (
    *("plain", "faint", "crushed", "in-anatomy", "clipped", "sideways", "inverse", "colour", "tiny", "huge"),
    *("two-scripts", "frames", "bright-bar", "outlined", "soft", "stale-window"),
)
_HEADERS = ("matches", "empty", "contradicts")
_MACHINE = Machine("Kestrel", "Prism 9", "KP-0071162", "4.2")
_MOST_TRIES = 40

Plane = NDArray[np.float32]


@dataclass(slots=True)
class _Word:
    text: str
    phi: bool
    category: str
    box: tuple[int, int, int, int]
    cells: list[tuple[int, int]]
    vertical: bool
    inside: float
    """Share of its ink that lies inside the frame."""
    size: int
    frames: list[int] | None = None


@dataclass(slots=True, eq=False)
class _Canvas:
    """The picture while it is lettered: levels 0 to 255, shape (frames, rows, columns, 3)."""

    levels: Plane
    rng: random.Random
    words: list[_Word] = field(default_factory=list)
    mask: NDArray[np.uint16] = field(init=False)
    taken: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.mask = np.zeros(self.levels.shape[1:3], np.uint16)
        self.taken = np.zeros(self.levels.shape[1:3], bool)


def make_cases(count: int, folder: Path, seed: int, faces: Sequence[Typeface]) -> Iterator[str]:
    """The names of the cases, each written before its name is told."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = random.Random(f"bench-1:{seed}:{number}")  # noqa: S311 - made-up text, no secret
        yield _make_case(number, seed, folder, rng, faces)


def _make_case(number: int, seed: int, folder: Path, rng: random.Random, faces: Sequence[Typeface]) -> str:
    traits = {_TRAITS[number % len(_TRAITS)], rng.choice(_TRAITS)}
    modality = rng.choice(("US", "US", "CT", "MR", "CR", "DX", "XA", "MG"))
    script = rng.choice(SCRIPTS) if "two-scripts" in traits else "latin"
    if not any(fit_for(Story(random.Random(0), modality, script).patient.family, (face,)) for face in faces):  # noqa: S311
        script = "latin"
    story = Story(rng, modality, script)
    header = _HEADERS[(number // len(_TRAITS) + number) % len(_HEADERS)]
    frames = rng.randint(2, 4) if "frames" in traits else 1
    size = _CINE_SIZE if frames > 1 else rng.choice(_SIZES)
    noise = np.random.default_rng(rng.getrandbits(32))
    scene = ground(modality, noise, size)
    levels = np.stack([np.clip(scene + noise.normal(0, 2, size), 0, 255) for _ in range(frames)])
    if "inverse" in traits:
        levels = 255 - levels
    canvas = _Canvas(np.repeat(levels[..., None], 3, axis=3).astype(np.float32), rng)
    _letter(canvas, story, traits, faces)
    pixels = np.asarray(np.clip(np.rint(canvas.levels), 0, 255), np.uint8)
    coloured = "colour" in traits or (modality == "US" and rng.random() < 0.5)
    if "crushed" in traits:
        pixels = _crushed(pixels, rng.randint(22, 45))
    syntax = rng.choice([each for each in Syntax if coloured or each is not Syntax.JPEG])
    name = f"made_{seed}_{number:04d}_{modality.lower()}_{syntax.name.lower()}"
    dataset = _header(name, modality, frames, story, header, rng)
    tags = sorted(traits - {"plain"}) + [f"header-{header}"] + ([script] if script != "latin" else [])
    tags += _store(dataset, pixels, coloured, syntax, rng, stale="stale-window" in traits)
    data = to_file(dataset, syntax)
    (folder / f"{name}.dcm").write_bytes(data)
    shown = _as_shown(dataset)
    truth = {
        "modality": modality,
        "syntax": syntax.name.lower(),
        "tags": tags,
        "words": [_truth_word(index, word, canvas, shown) for index, word in enumerate(canvas.words)],
    }
    (folder / f"{name}.json").write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")
    Image.fromarray(canvas.mask).save(folder / f"{name}.mask.png")
    return name


def _letter(canvas: _Canvas, story: Story, traits: set[str], faces: Sequence[Typeface]) -> None:
    """Writes what identifies and what does not into the picture."""
    rng = canvas.rng
    phi = story.identifying()
    if "two-scripts" in traits and rng.random() < 0.3:
        phi = [in_arabic_digits(line) if line[-1].category == "date" else line for line in phi]
    kept = story.kept(rng.randint(2, 9))
    half = (len(phi) + 1) // 2
    blocks = [phi[:half], phi[half:], kept[: len(kept) // 2], kept[len(kept) // 2 :]]
    if rng.random() < 0.25:
        mixed = phi + kept
        rng.shuffle(mixed)
        third = (len(mixed) + 2) // 3
        blocks = [mixed[:third], mixed[third : 2 * third], mixed[2 * third :]]
    if "huge" in traits:
        _place(canvas, [story.large_words()], rng.randint(56, 80), {"huge"}, faces)
        blocks = blocks[1:]
    for lines in blocks:
        if not lines:
            continue
        size = (
            rng.randint(8, 10) if "tiny" in traits and rng.random() < 0.7 else rng.choice((11, 12, 13, 14, 16, 18, 22))
        )
        shown_in = None
        if len(canvas.levels) > 1 and rng.random() < 0.5:
            shown_in = sorted(rng.sample(range(len(canvas.levels)), rng.randint(1, len(canvas.levels) - 1)))
        special = traits if rng.random() < 0.75 else traits - {"sideways", "clipped", "bright-bar", "in-anatomy"}
        _place(canvas, lines, size, special, faces, shown_in)


def _place(
    canvas: _Canvas,
    lines: list[Line],
    size: int,
    traits: set[str],
    faces: Sequence[Typeface],
    shown_in: list[int] | None = None,
) -> None:
    """One block of lines where there is room for it; lines that nothing can draw or hold are left out."""
    rng = canvas.rng
    while lines:
        fitting = fit_for("".join(word.text for line in lines for word in line), faces)
        if not fitting:
            lines = lines[:-1]
            continue
        patch = draw_lines(lines, rng.choice(fitting), size)
        if "soft" in traits or "crushed" in traits:
            patch = soften(patch, rng.uniform(0.35, 0.6))
        if "sideways" in traits:
            patch = turn(patch, rng.choice((1, 3)))
        spot = _spot(canvas, patch, traits)
        if spot is not None:
            _ink(canvas, patch, spot, size, traits, shown_in)
            return
        lines = lines[:-1]


def _spot(canvas: _Canvas, patch: Patch, traits: set[str]) -> tuple[int, int] | None:
    """Top and left of a free place of the patch's size; outside of the frame in part where text is clipped."""
    rng = canvas.rng
    rows, columns = canvas.taken.shape
    height, width = patch.ink.shape
    if height > rows or width > columns:
        return None
    for _ in range(_MOST_TRIES):
        top, left = rng.randint(0, rows - height), rng.randint(0, columns - width)
        if "in-anatomy" in traits:
            top = rng.randint((rows - height) // 4, (rows - height) * 3 // 4)
            left = rng.randint((columns - width) // 4, (columns - width) * 3 // 4)
        elif rng.random() < 0.8:
            margin = rng.randint(0, 8)
            top = rng.choice((min(margin, rows - height), max(rows - height - margin, 0)))
            left = rng.choice((min(margin, columns - width), max(columns - width - margin, 0)))
        if "clipped" in traits:
            hidden = rng.uniform(0.1, 0.35)
            if rng.random() < 0.5:
                left = rng.choice((-round(hidden * 40), columns - width + round(hidden * 60)))
            else:
                line = min(height, 40)
                top = rng.choice((-round(hidden * line), rows - height + round(hidden * line)))
        place = canvas.taken[max(top - 3, 0) : top + height + 3, max(left - 6, 0) : left + width + 6]
        shows = -height < top < rows and -width < left < columns
        if shows and not place.any():
            return top, left
    return None


def _ink(
    canvas: _Canvas, patch: Patch, spot: tuple[int, int], size: int, traits: set[str], shown_in: list[int] | None
) -> None:
    """Draws the patch and enters its words into the truth."""
    rng = canvas.rng
    rows, columns = canvas.taken.shape
    top, left = spot
    height, width = patch.ink.shape
    whole = slice(max(top, 0), min(top + height, rows)), slice(max(left, 0), min(left + width, columns))
    part = (
        slice(whole[0].start - top, whole[0].stop - top),
        slice(whole[1].start - left, whole[1].stop - left),
    )
    ink = np.ascontiguousarray(patch.ink[part])
    ground_level = float(np.median(canvas.levels[:, whole[0], whole[1]]))
    colour = np.full(3, rng.uniform(205, 255) if ground_level < 170 else rng.uniform(0, 40), np.float32)
    bar = None
    if "bright-bar" in traits:
        bar, colour = rng.uniform(170, 250), np.full(3, rng.uniform(0, 60), np.float32)
    elif "colour" in traits:
        colour = np.array(rng.choice(_COLOURS), np.float32)
    elif "faint" in traits:
        apart = rng.uniform(26, 60)
        colour = np.full(3, ground_level + apart if ground_level < 150 else ground_level - apart, np.float32)
    frames = range(len(canvas.levels)) if shown_in is None else shown_in
    for frame in frames:
        under = canvas.levels[frame][whole]
        if bar is not None:
            under = np.full_like(under, bar)
        if "outlined" in traits:
            rim = np.asarray(cv2.dilate(ink, np.ones((3, 3), np.uint8)))[..., None]
            under = under * (1 - rim) + (255 - colour) * rim * np.float32(0.8)
        canvas.levels[frame][whole] = under * (1 - ink[..., None]) + colour * ink[..., None]
    canvas.taken[whole] = True
    owner = patch.owner[part]
    along = top if patch.turned else left
    for number, word in enumerate(patch.words):
        own = owner == number + 1
        total = int((patch.owner == number + 1).sum())
        if not own.any():
            continue
        ys, xs = np.nonzero(own)
        box = (
            *(int(xs.min()) + whole[1].start, int(ys.min()) + whole[0].start),
            *(int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1),
        )
        cells = [(start + along, stop + along) for start, stop in patch.cells[number]]
        canvas.words.append(
            _Word(
                *(word.text, word.phi, word.category, box, cells, patch.turned, float(own.sum()) / total, size),
                shown_in,
            )
        )
        canvas.mask[whole][own] = len(canvas.words)


def _crushed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The frames after a lossy round through JPEG."""
    frames = []
    for frame in pixels:
        buffer = BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", quality=quality)
        frames.append(np.asarray(Image.open(buffer), np.uint8))
    return np.stack(frames)


def _store(
    dataset: Dataset, pixels: NDArray[np.uint8], coloured: bool, syntax: Syntax, rng: random.Random, *, stale: bool
) -> list[str]:
    """Fills the pixel module; answers with tags of what was chosen."""
    many = len(pixels) > 1
    if syntax is Syntax.JPEG:
        set_jpeg(dataset, tuple(pixels))
        if not many:
            del dataset.NumberOfFrames
        return ["multiframe"] * many
    if coloured:
        set_colour(dataset, pixels if many else pixels[0])
        return ["multiframe"] * many
    grey = pixels.max(axis=-1) if rng.random() < 0.5 else pixels[..., 1]
    grey = grey if many else grey[0]
    tags = ["multiframe"] * many
    inverted = rng.random() < 0.2
    if inverted:
        grey = 255 - grey
        tags.append("monochrome1")
    depth = rng.choice(("8", "12", "signed"))
    if depth == "8":
        set_grey(dataset, grey, 8, inverted)
        return tags
    stored = grey.astype(np.float32) * (4095 / 255)
    if depth == "signed":
        set_grey(dataset, np.rint(stored - 1024).astype(np.int16), 16, inverted)
        tags.append("signed")
    else:
        set_grey(dataset, np.rint(stored).astype(np.uint16), 12, inverted)
    shift = -1024 if depth == "signed" else 0
    if stale:
        set_window(dataset, rng.choice((300, 3600)) + shift, rng.choice((200, 400)))
    else:
        set_window(dataset, 2047 + shift, 4095)
    return tags


def _header(name: str, modality: str, frames: int, story: Story, mode: str, rng: random.Random) -> Dataset:
    """The header: of the patient in the picture, of another one, or emptied."""
    if mode == "empty":
        return make_header(name, modality, frames, NOBODY, NOWHERE, _MACHINE)
    told = story if mode == "matches" else Story(rng, modality)
    patient = Patient(told.patient.dicom, told.number, f"{told.born:%Y%m%d}", "F", "050Y", told.street, told.phone)
    visit = Visit(
        *(f"{told.seen:%Y%m%d}", f"{told.seen:%H%M%S}", told.accession[:16], told.place, told.street, "Imaging"),
        *("ROOM2", told.doctor.dicom, told.doctor.dicom, told.operator.dicom, "ROUTINE", "SERIES 1"),
    )
    dataset = make_header(name, modality, frames, patient, visit, _MACHINE)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    return dataset


def _as_shown(dataset: Dataset) -> Plane:
    """The stored frames as levels 0 to 255 of their full range."""
    values = grey_frames(dataset)
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) * (255 / max(high - low, 1e-6)), np.float32)


def _truth_word(index: int, word: _Word, canvas: _Canvas, shown: Plane) -> dict[str, object]:
    frames = range(len(shown)) if word.frames is None else word.frames
    legible = (
        word.size * 0.72 >= LEGIBLE_CAPITAL_PX - 0.5
        and word.inside >= LEGIBLE_INSIDE
        and all(_stands_out(index, word, canvas.mask, shown[frame]) for frame in frames)
    )
    truth: dict[str, object] = {
        "text": word.text,
        "phi": word.phi,
        "category": word.category,
        "box": word.box,
        "cells": word.cells,
        "frames": word.frames,
        "vertical": word.vertical,
    }
    if not legible or not any(each.isalnum() for each in word.text):
        truth["skip"] = True
    return truth


def _stands_out(index: int, word: _Word, mask: NDArray[np.uint16], shown: Plane) -> bool:
    left, top, width, height = word.box
    place = slice(max(top - 2, 0), top + height + 2), slice(max(left - 2, 0), left + width + 2)
    glyph = mask[place] == index + 1
    far = np.asarray(cv2.dilate(glyph.astype(np.uint8), np.ones((3, 3), np.uint8))) == 0
    if not far.any():
        return True
    patch = shown[place]
    apart = _letters_apart(word, glyph, far, patch)
    chosen = glyph | far
    if patch[chosen].std() < INK:
        return False
    likeness = abs(float(np.corrcoef(glyph[chosen], patch[chosen])[0, 1]))
    return apart >= LEGIBLE_LETTERS and likeness >= LEGIBLE_LIKENESS


def _letters_apart(word: _Word, glyph: NDArray[np.bool_], far: NDArray[np.bool_], patch: Plane) -> float:
    """Share of the word's letters that differ enough from the ground beside them."""
    start = max((word.box[1] if word.vertical else word.box[0]) - 2, 0)
    told = []
    for first, last in word.cells:
        span = slice(max(first - start, 0), max(last - start, 0))
        place = (span, slice(None)) if word.vertical else (slice(None), span)
        ink, beside = glyph[place], far[place]
        if ink.any() and beside.any():
            told.append(abs(float(patch[place][ink].mean() - patch[place][beside].mean())) >= LEGIBLE_LEVELS)
    return sum(told) / len(told) if told else 0.0
