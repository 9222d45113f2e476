"""Files that were handed in together: on the desk, in memory, for their owner, until they are submitted or put away."""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from streamlit.runtime.scriptrunner import get_script_run_ctx

from deid import folders
from deid.demo import studies
from deid.errors import DeidError
from deid.intake import Image, Intake, take_in
from deid.load import load
from deid.render import blurred, render_frame, to_png
from deid.store import Folder
from deid.ui import looks, shared
from deid.unzip import Limits
from deid.values import Outcome

_THUMB_PX = 96
_THUMBS = 256
_SVG = "data:image/svg+xml;base64,"


@dataclass(frozen=True, eq=False)
class Pile:
    """What was handed in at once."""

    intake: Intake
    title: str
    thumbs: OrderedDict[tuple[int, bool], str] = field(default_factory=OrderedDict)
    ends: dict[int, Outcome] = field(default_factory=dict)
    """How the images ended that were worked on one by one, by their number."""


def from_uploads(uploaded: Iterable[Any]) -> Intake:
    """What the uploader holds, which then lets go of it.

    Raises
    ------
    RefusedError
        Where there is too much, or a ZIP is not what it should be.
    """
    try:
        return _taken((each.name, each.getvalue()) for each in uploaded)
    finally:
        _let_go()


def from_folder(folder: Folder, below: str) -> Intake:
    """What lies in a folder of the server, or in the one of this name in it.

    Raises
    ------
    RefusedError
        Where there is too much, a ZIP is not what it should be, or the folder cannot be read.
    """
    return _taken(folders.read(folder.path, below, shared.settings().max_batch_mb * 1_000_000))


def from_demo() -> Intake:
    """All demo studies."""
    return _taken((f"{study.name}.dcm", study.build()) for study in studies())


def put(owner: str, intake: Intake, title: str) -> str:
    """The id on the desk of an intake."""
    return shared.desk().put(owner, Pile(intake, title), intake.size)


def find(owner: str, pile_id: str) -> Pile | None:
    """The pile; None when it has gone from the desk."""
    found = shared.desk().get(owner, pile_id) if pile_id else None
    return found if isinstance(found, Pile) else None


def thumb(pile: Pile, number: int, *, hidden: bool) -> str:
    """A small picture of an image as a data URL; its modality where it has none, or would have to be decompressed.

    What comes from outside is decompressed in a process of its own first (`jobs.examine`), which takes too long here.
    """
    key = (number, hidden)
    if key not in pile.thumbs:
        image = pile.intake.images[number]
        _keep(pile, key, _thumb(image, hidden=hidden) or _stand_in(image.modality))
    return pile.thumbs[key]


def has_no_thumb(pile: Pile, number: int, *, hidden: bool) -> bool:
    """Whether only its modality stands for an image."""
    return thumb(pile, number, hidden=hidden).startswith(_SVG)


def remember(pile: Pile, number: int, png: bytes, *, hidden: bool) -> None:
    """Show this picture, small, for an image from now on."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is not None:
        _keep(
            pile, (number, hidden), _small(np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else picture)
        )


def _keep(pile: Pile, key: tuple[int, bool], small: str) -> None:
    pile.thumbs[key] = small
    while len(pile.thumbs) > _THUMBS:
        pile.thumbs.popitem(last=False)


def _stand_in(modality: str) -> str:
    """A grey card with the modality; what is no known modality is not shown, for it may be anything."""
    code = modality if modality in looks.MODALITIES else "–"
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_THUMB_PX} {_THUMB_PX}">'
        f'<rect width="{_THUMB_PX}" height="{_THUMB_PX}" fill="{looks.KEPT.colour}"/>'
        f'<text x="50%" y="58%" font-family="sans-serif" font-size="28" fill="#fff" text-anchor="middle">{code}</text>'
        "</svg>"
    )
    return _SVG + base64.b64encode(drawn.encode()).decode()


def _thumb(image: Image, *, hidden: bool) -> str:
    settings = shared.settings()
    try:
        dataset = load(image.data, max_frames=settings.max_frames, max_pixels_per_frame=settings.max_pixels_per_frame)
        if dataset.file_meta.TransferSyntaxUID.is_compressed:
            return ""
        picture = render_frame(dataset, image.frames // 2)
    except DeidError:
        return ""
    return _small(blurred(picture) if hidden else picture)


def _small(picture: np.ndarray) -> str:
    scale = _THUMB_PX / max(picture.shape[:2])
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return "data:image/png;base64," + base64.b64encode(to_png(small)).decode()  # type: ignore[arg-type]


def _taken(files: Iterable[tuple[str, bytes]]) -> Intake:
    settings = shared.settings()
    limits = Limits(settings.max_batch_files, settings.max_batch_mb * 1_000_000)
    return take_in(files, limits, max_frames=settings.max_frames, max_pixels=settings.max_pixels_per_frame)


def _let_go() -> None:
    """Streamlit keeps what was uploaded until the tab is closed, signed out or not; we have what we need."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_session_files(context.session_id)
