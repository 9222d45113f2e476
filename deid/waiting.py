"""Files that wait for a person's decision, as they came, with what is known of each and what was decided so far.

They lie in DEID_HOME/review/<run>, for this program alone:

    <name>.dcm      as it came; the name says nothing
    <name>.json     where it goes, why it waits, the boxes and the options of the run
    <name>.marks    decisions about its boxes: coordinates, no text
    out/...         clean files of a run that has no other place for them
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydicom import Dataset

from deid.pipeline import Options
from deid.profile import HeaderOption, Profile
from deid.report import region_object
from deid.review import Correction, Deed, Suggested
from deid.scratch import Content
from deid.store.secrets import private_folder, write_private
from deid.values import Box, Policy, Reason, Region

_FOLDER = "review"
_DEVICE = ("Modality", "Manufacturer", "ManufacturerModelName", "Rows", "Columns", "SamplesPerPixel")


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a file that waits."""

    source: PurePosixPath
    """Below its INPUT; may be PHI."""
    place: PurePosixPath
    """Where it goes below the run's output, once it may."""
    reason: str
    """Why it waits, as a sentence."""
    frames: int
    suggested: Suggested
    options: Options
    series: str = ""
    """The same for files of one series, and says nothing else."""
    device: str = ""
    """The same for pictures of one size of one model of device."""
    image_id: int | None = None
    """What the store calls it, where that is not to be found by its name."""
    cautions: tuple[str, ...] = ()
    """What a person should know of it beside."""

    def __repr__(self) -> str:
        return f"Note({self.reason!r})"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One file that waits."""

    home: Path
    run_id: int
    name: str

    @property
    def key(self) -> str:
        """What it is called in addresses and in the store."""
        return f"{self.run_id}/{self.name}"

    @property
    def exists(self) -> bool:
        """Whether it still waits."""
        return self._path("dcm").is_file()

    @property
    def approved(self) -> Path:
        """The folder of clean files of its run, where the run has no other place for them."""
        return approved(self.home, self.run_id)

    @property
    def staging(self) -> Path:
        """Where its clean file is written before it is moved to its place."""
        return self.home / _FOLDER / str(self.run_id) / "part"

    def original(self) -> bytes:
        """The file as it came.

        Raises
        ------
        OSError
            Where it is gone.
        """
        return self._path("dcm").read_bytes()

    def note(self) -> Note | None:
        """What is known of it; None where that was not written down."""
        told = _read(self._path("json"))
        return _note(told) if isinstance(told, dict) else None

    def corrections(self) -> tuple[Correction, ...]:
        """What was decided so far, in order."""
        told = _read(self._path("marks"))
        return tuple(_correction(each) for each in told) if isinstance(told, list) else ()

    def decide(self, corrections: Iterable[Correction]) -> None:
        """Keep these decisions in the place of those before."""
        told = [
            {"deed": each.deed.value, **_box(each.box), "frame": each.frame, "batch": each.batch}
            for each in corrections
        ]
        write_private(self._path("marks"), json.dumps(told).encode())

    def remove(self) -> None:
        """It waits no longer."""
        for ending in ("dcm", "json", "marks"):
            self._path(ending).unlink(missing_ok=True)

    def _path(self, ending: str) -> Path:
        return self.home / _FOLDER / str(self.run_id) / f"{self.name}.{ending}"


def hold(home: Path, run_id: int, note: Note, data: Content) -> Waiting:
    """Let a file wait, readable by this program's user only."""
    folder = private_folder(private_folder(private_folder(home) / _FOLDER) / str(run_id))
    name = name_of(note.place)
    write_private(folder / f"{name}.json", json.dumps(_told(note)).encode())
    write_private(folder / f"{name}.dcm", data)
    return Waiting(home, run_id, name)


def name_of(place: PurePosixPath) -> str:
    """What a file that goes to this place is called while it waits: it says nothing."""
    return hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def of_run(home: Path, run_id: int) -> tuple[Waiting, ...]:
    """The files of a run that wait."""
    found = sorted((home / _FOLDER / str(run_id)).glob("*.dcm"))
    return tuple(Waiting(home, run_id, path.stem) for path in found if not path.name.startswith("."))


def runs(home: Path) -> tuple[int, ...]:
    """Numbers of the runs of which files wait or were approved, oldest first."""
    found = (home / _FOLDER).glob("*")
    return tuple(sorted(int(each.name) for each in found if each.name.isdecimal() and each.is_dir()))


def approved(home: Path, run_id: int) -> Path:
    """The folder of a run's clean files, where the run has no other place for them."""
    return home / _FOLDER / str(run_id) / "out"


def alike(dataset: Dataset) -> tuple[str, str]:
    """(series, device): what files of one series, and pictures of one size of one model of device, have in common."""
    device = [str(dataset.get(keyword, "")) for keyword in _DEVICE]
    series = str(dataset.get("SeriesInstanceUID") or "")
    return _digest(series) if series else "", _digest("\0".join(device)) if any(device[:3]) else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _told(note: Note) -> dict[str, Any]:
    options = note.options
    return {
        "source": str(note.source),
        "place": str(note.place),
        "reason": note.reason,
        "frames": note.frames,
        "regions": [region_object(each) for each in note.suggested.regions],
        "open": [region_object(each) for each in note.suggested.open],
        "series": note.series,
        "device": note.device,
        "image": note.image_id,
        "cautions": list(note.cautions),
        "options": {
            "policy": options.policy.value,
            "preset": options.profile.name,
            "header": sorted(each.value for each in options.profile.options),
            "padding_px": options.padding_px,
            "threshold": options.threshold,
            "max_frames": options.max_frames,
            "max_pixels_per_frame": options.max_pixels_per_frame,
        },
    }


def _note(told: Mapping[str, Any]) -> Note:
    chosen = dict(told["options"])
    profile = Profile(chosen.pop("preset"), frozenset(map(HeaderOption, chosen.pop("header"))))
    return Note(
        PurePosixPath(told["source"]),
        PurePosixPath(told["place"]),
        told["reason"],
        told["frames"],
        Suggested(tuple(map(_region, told["regions"])), tuple(map(_region, told["open"]))),
        Options(Policy(chosen.pop("policy")), profile, **chosen),
        told["series"],
        told["device"],
        told.get("image"),
        tuple(told.get("cautions", ())),
    )


def _correction(told: Mapping[str, Any]) -> Correction:
    box = Box(told["left"], told["top"], told["width"], told["height"])
    return Correction(Deed(told["deed"]), box, told["frame"], told["batch"])


def _region(told: Mapping[str, Any]) -> Region:
    box = Box(told["left"], told["top"], told["width"], told["height"])
    return Region(told["frame"], box, tuple(map(Reason, told["reasons"])), told["score"])


def _box(box: Box) -> dict[str, int]:
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
