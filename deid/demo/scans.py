"""The four studies made of slices: CT with signed pixels, MR."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

from deid.demo.encode import Syntax, set_grey, set_window
from deid.demo.header import NOBODY, NOWHERE, Machine, Patient, Visit
from deid.demo.lettering import Align, Block, Font, letter, letter_levels
from deid.demo.modules import set_ct, set_mr, set_slice
from deid.demo.shapes import Plane
from deid.demo.slices import abdomen, brain, head, knee
from deid.demo.study import DemoStudy

_TEXT_HU = 1600.0


def _paint_ct(dataset: Dataset, blocks: tuple[Block, ...], hu: Plane, window: tuple[float, float]) -> None:
    lettered = letter(hu, blocks, -1024, _TEXT_HU)
    set_grey(dataset, np.asarray(np.clip(np.rint(lettered), -1024, 3071), np.int16), 16)
    set_window(dataset, *window)
    set_ct(dataset)
    set_slice(dataset, 0.74, 5, (-190, -190, -84.5))


def _paint_abdomen(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    _paint_ct(dataset, blocks, abdomen(np.random.default_rng(71), (512, 512)), (45, 400))


def _paint_head(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    _paint_ct(dataset, blocks, head(np.random.default_rng(81), (512, 512)), (38, 90))


def _paint_brain(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    set_grey(dataset, letter_levels(brain(np.random.default_rng(91), (512, 512)), blocks, 1900), 12)
    set_window(dataset, 850, 1700)
    set_mr(dataset, 4200, 98)
    set_slice(dataset, 0.45, 4, (-115, -115, 32))


def _paint_knee(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    levels = letter_levels(knee(np.random.default_rng(95), (512, 448)), blocks, 1500)
    set_grey(dataset, levels.astype(np.int16), 16)
    set_window(dataset, 700, 1400)
    set_mr(dataset, 560, 14)
    set_slice(dataset, 0.36, 3.5, (-80, -92, 4))


SCANS: tuple[DemoStudy, ...] = (
    DemoStudy(
        name="ct-abdomen",
        title="CT of the abdomen",
        note="Signed pixels; text in the four corners of a scanner's screen.",
        modality="CT",
        syntax=Syntax.IMPLICIT,
        patient=Patient("SORRENTINO^FIAMMETTA", "LH0448120", "19720204", "F", "052Y", "9 Dunmore Close, Lakemoor"),
        visit=Visit(
            "20240508",
            "113204",
            "CT-77-40921",
            "Lakemoor Heart Institute",
            "1 Harbour Drive, Lakemoor",
            "CT",
            "LHI-CT1",
            "ASHGROVE^DELPHINE",
            "MORTENSBY^ULRIK",
            "TAMBLYN^OREN",
            "CT ABD PELVIS W",
            "PORTAL VENOUS",
        ),
        machine=Machine("Ventris", "Helix 64", "VH-0031187", "VA12"),
        blocks=(
            Block(6, 6, ("Helix 64", "Ex: {40921}", "Se: 3", "Im: 48", "S 84.5"), 13, Font.ROUND),
            Block(
                506,
                6,
                (
                    "{Lakemoor Heart Institute}",
                    "{SORRENTINO, FIAMMETTA}",
                    "F {02/04/1972} {LH0448120}",
                    "{May 08 2024} {11:32:04}",
                ),
                13,
                Font.ROUND,
                Align.RIGHT,
            ),
            Block(6, 446, ("kV 120", "mA 265", "5.0 mm", "W 400 L 45"), 13, Font.ROUND),
            Block(506, 462, ("DFOV 38.0 cm", "STANDARD", "Ref: {Dr Ashgrove}"), 13, Font.ROUND, Align.RIGHT),
            Block(6, 246, ("R",), 18, Font.ROUND_BOLD),
        ),
        paint=_paint_abdomen,
    ),
    DemoStudy(
        name="ct-head",
        title="CT of the head",
        note="Signed pixels, run-length coded; an age and a sex that may stay beside a name that may not.",
        modality="CT",
        syntax=Syntax.RLE,
        patient=Patient("Vandermolen^Cosimo", "SB-310-6624", "19540919", "M", "069Y", "33 Tithe Barn Street, Aldersey"),
        visit=Visit(
            "20240130",
            "021745",
            "N0902816",
            "St Botolph Hospital",
            "Priory Gate, Aldersey",
            "Emergency Radiology",
            "SB-CT-ER",
            "Cattermole^Winifred",
            "Ingleby^Rafe",
            "Prewett^Dorcas",
            "CT HEAD PLAIN",
            "AXIAL",
        ),
        machine=Machine("Ventris", "Helix 128 ER", "VH-0107755", "VB03"),
        blocks=(
            Block(6, 6, ("{Vandermolen, Cosimo}", "{SB-310-6624}", "69Y M"), 16),
            Block(506, 6, ("{St Botolph Hospital}", "{30.01.2024} {02:17:45}", "CT HEAD PLAIN"), 16, align=Align.RIGHT),
            Block(6, 450, ("kV 120  mAs 300", "TI 1.0  GT 0.0", "SL 5.0  W 90 C 38"), 15),
            Block(506, 490, ("Operator {Prewett}",), 15, align=Align.RIGHT),
            Block(256, 2, ("A",), 18, align=Align.MIDDLE),
            Block(492, 246, ("L",), 18),
        ),
        paint=_paint_head,
    ),
    DemoStudy(
        name="mr-brain",
        title="MR of the brain",
        note="The whole file is deflated.",
        modality="MR",
        syntax=Syntax.DEFLATED,
        patient=Patient(
            "NAKASHIMA-ORR^LEONIE",
            "7004-1182",
            "19881221",
            "F",
            "035Y",
            "61 Fellmonger Yard, Aldersey",
            "020 5550 0147",
        ),
        visit=Visit(
            "20241007",
            "155932",
            "MR44190",
            "Northfell Scanner Centre",
            "Quarry Road, Northfell",
            "MRI",
            "NSC-MR1",
            "TREMLETT^OSRIC",
            "GALLOWHILL^SUNNIVA",
            "DE WITTE^PELLE",
            "MR BRAIN",
            "T2 TSE AX",
        ),
        machine=Machine("Ventris", "Tesla One", "VT-15-6620", "E11"),
        blocks=(
            Block(6, 6, ("{NAKASHIMA-ORR LEONIE}", "{7004-1182}", "*{21.12.1988}, F"), 14, Font.ROUND),
            Block(
                506,
                6,
                ("{Northfell Scanner Centre}", "Tesla One", "{07.10.2024}", "{15:59:32}"),
                14,
                Font.ROUND,
                Align.RIGHT,
            ),
            Block(6, 444, ("TR 4200.0", "TE 98.0", "SL 4.0", "FoV 230*230"), 14, Font.ROUND),
            Block(506, 462, ("t2_tse_tra", "STUDY {MR44190}", "W 1700 C 850"), 14, Font.ROUND, Align.RIGHT),
            Block(6, 250, ("R",), 16, Font.ROUND_BOLD),
        ),
        paint=_paint_brain,
    ),
    DemoStudy(
        name="mr-knee-clean-header",
        title="MR of a knee, header already clean",
        note="The header names nobody, the picture does: header matching alone would miss it.",
        modality="MR",
        syntax=Syntax.EXPLICIT,
        patient=NOBODY,
        visit=NOWHERE,
        machine=Machine("Ventris", "Tesla One", "", "E11"),
        blocks=(
            Block(5, 5, ("{Brackenridge, Odalys}", "ID {993-04-5517}", "DOB {1979-06-28}"), 15, outlined=True),
            Block(443, 5, ("{Northfell Scanner Centre}", "{2024-02-14} {07:48}"), 15, align=Align.RIGHT, outlined=True),
            Block(5, 456, ("t1_se_sag", "TR 560 TE 14", "SL 3.5"), 14, outlined=True),
            Block(443, 492, ("Dr. {Gallowhill}",), 14, align=Align.RIGHT, outlined=True),
        ),
        paint=_paint_knee,
    ),
)
