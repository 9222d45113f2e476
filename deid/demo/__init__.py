"""A dozen made-up studies with burned-in made-up PHI: to try the product on, and to show it.

No person, place or number in them is real. Pictures, texts and UIDs are computed from fixed seeds.
"""

from __future__ import annotations

from pathlib import Path

from deid.demo.films import FILMS
from deid.demo.scans import SCANS
from deid.demo.sonography import SONOGRAPHY
from deid.demo.study import DemoStudy

__all__ = ["DemoStudy", "studies", "write_demo"]


def studies() -> tuple[DemoStudy, ...]:
    """All demo studies; the ultrasound ones come first."""
    return SONOGRAPHY + FILMS + SCANS


def write_demo(folder: Path) -> tuple[Path, ...]:
    """The files of all demo studies, written into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for study in studies():
        path = folder / f"{study.name}.dcm"
        path.write_bytes(study.build())
        written.append(path)
    return tuple(written)
