"""What was handed in, sorted before anything runs: images that can be worked on, and the rest with the reason why not.

Everything here lies in memory. Names come from outside and may be PHI; a path is made safe to use below a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydicom import Dataset

from deid.codecs.raw import frame_count, pixel_keyword
from deid.errors import QuarantineError, RefusedError
from deid.load import load
from deid.unzip import Limits, is_zip, unzip

_LONGEST_NAME = 200
"""Bytes of one part of a path; most file systems end at 255, and a number may be added."""


@dataclass(frozen=True, slots=True)
class Image:
    """A file that can be worked on."""

    path: PurePosixPath
    """Relative, unique in the intake, safe below any folder; may be PHI."""
    data: bytes
    modality: str = ""
    study: int = 0
    """Counts from 1 in the order of arrival; 0 where the file does not say."""
    series: int = 0
    frames: int = 1
    """0 for a report, a plan or the like, which has no picture."""
    rows: int = 0
    columns: int = 0

    def __repr__(self) -> str:
        return f"Image({len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that cannot be worked on, and why in a sentence without its name."""

    path: PurePosixPath
    reason: str

    def __repr__(self) -> str:
        return f"Refusal({self.reason!r})"


@dataclass(frozen=True, slots=True)
class Intake:
    """All files of one upload."""

    images: tuple[Image, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the images."""
        return sum(len(image.data) for image in self.images)

    @property
    def studies(self) -> int:
        """How many different studies."""
        return len({image.study for image in self.images})

    @property
    def series(self) -> int:
        """How many different series."""
        return len({(image.study, image.series) for image in self.images})

    @property
    def frames(self) -> int:
        """Frames of all images."""
        return sum(image.frames for image in self.images)


def take_in(files: Iterable[tuple[str, bytes]], limits: Limits, *, max_frames: int, max_pixels: int) -> Intake:
    """The intake of files by name; ZIPs among them are opened.

    Raises
    ------
    RefusedError
        Where there is too much, or a ZIP is not what it should be.
    """
    images: list[Image] = []
    refused: list[Refusal] = []
    paths = _Paths()
    studies: dict[str, int] = {}
    series: dict[str, int] = {}
    for name, data in _counted(_opened(files, limits), limits):
        path = paths.take(name)
        try:
            dataset = load(data, max_frames=max_frames, max_pixels_per_frame=max_pixels, without_pixels=True)
        except RefusedError as exc:
            refused.append(Refusal(path, _reason(data, exc)))
        except QuarantineError:
            images.append(Image(path, data))  # the run says of it what has to be said
        else:
            images.append(_image(path, data, dataset, (studies, series)))
    return Intake(tuple(images), tuple(refused))


def _opened(files: Iterable[tuple[str, bytes]], limits: Limits) -> Iterator[tuple[str, bytes]]:
    for name, data in files:
        if is_zip(data):
            yield from unzip(data, limits)
        else:
            yield name, data


def _counted(files: Iterable[tuple[str, bytes]], limits: Limits) -> Iterator[tuple[str, bytes]]:
    size = 0
    for number, (name, data) in enumerate(files, 1):
        size += len(data)
        if number > limits.files:
            raise RefusedError(f"More than {limits.files:,} files came in at once: bring them in several parts.")
        if size > limits.total_bytes:
            megabytes = limits.total_bytes // 1_000_000
            raise RefusedError(f"More than {megabytes:,} MB came in at once: bring it in several parts.")
        yield name, data


def _reason(data: bytes, refusal: RefusedError) -> str:
    return "A ZIP inside a ZIP is not opened." if is_zip(data) else str(refusal)


def _image(path: PurePosixPath, data: bytes, dataset: Dataset, known: tuple[dict[str, int], dict[str, int]]) -> Image:
    study, series = (str(dataset.get(each) or "") for each in ("StudyInstanceUID", "SeriesInstanceUID"))
    return Image(
        path,
        data,
        str(dataset.get("Modality") or ""),
        known[0].setdefault(study, len(known[0]) + 1) if study else 0,
        known[1].setdefault(series, len(known[1]) + 1) if series else 0,
        frame_count(dataset) if pixel_keyword(dataset) else 0,
        int(dataset.get("Rows") or 0),
        int(dataset.get("Columns") or 0),
    )


class _Paths:
    """Relative paths, each handed out once; none is the folder of another."""

    def __init__(self) -> None:
        self._files: set[PurePosixPath] = set()
        self._folders: set[PurePosixPath] = set()

    def take(self, name: str) -> PurePosixPath:
        """A path like the name that nobody has."""
        wanted = PurePosixPath(*(_part(each) for each in name.replace("\\", "/").split("/") if each not in ("", ".")))
        wanted = wanted if wanted.parts else PurePosixPath("file")
        folders, last = wanted.parent.parts, PurePosixPath(wanted.name)
        path, number = wanted, 1
        while path in self._files or path in self._folders or self._files & set(path.parents):
            number += 1
            if folders:
                path = PurePosixPath(f"{folders[0]} ({number})", *folders[1:], last)
            else:
                path = PurePosixPath(f"{last.stem} ({number}){last.suffix}")
        self._files.add(path)
        self._folders.update(each for each in path.parents if each.parts)
        return path


def _part(part: str) -> str:
    """A part of a path that every file system takes, and that leads nowhere else."""
    shown = "".join(character if character.isprintable() else "_" for character in part)
    shown = "_" if shown.strip(". ") == "" else shown
    encoded = shown.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST_NAME:
        return encoded.decode("utf-8")
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    return encoded[: _LONGEST_NAME - 17].decode("utf-8", "ignore") + "-" + digest
