"""A demo study: who, where, what is written in the picture, and how to paint and file it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydicom import Dataset

from deid.demo.encode import Syntax, to_file
from deid.demo.header import Machine, Patient, Visit, make_header
from deid.demo.lettering import Block, kept_texts, phi_texts

Paint = Callable[[Dataset, tuple[Block, ...]], None]
"""Fills the pixels of a Dataset, the blocks written over the picture."""


@dataclass(frozen=True, slots=True)
class DemoStudy:
    """A made-up study of one file. `name` is fit for a file name, `title` and `note` are for people."""

    name: str
    title: str
    note: str
    """What is special about it, in a sentence."""
    modality: str
    syntax: Syntax
    patient: Patient
    visit: Visit
    machine: Machine
    blocks: tuple[Block, ...]
    paint: Paint
    frames: int = 1

    @property
    def phi_texts(self) -> tuple[str, ...]:
        """What is written in the picture and must go, each as it stands there."""
        return phi_texts(self.blocks)

    @property
    def kept_texts(self) -> tuple[str, ...]:
        """What is written in the picture and may stay."""
        return kept_texts(self.blocks)

    def build(self) -> bytes:
        """The DICOM file; the same bytes each time."""
        dataset = make_header(self.name, self.modality, self.frames, self.patient, self.visit, self.machine)
        self.paint(dataset, self.blocks)
        return to_file(dataset, self.syntax)
