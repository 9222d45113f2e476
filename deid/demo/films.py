"""The four studies made with X-rays through the body: plain films, an angiogram and a mammogram."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

from deid.demo.angiogram import coronary_frames
from deid.demo.encode import Syntax, set_grey, set_window
from deid.demo.header import Machine, Patient, Visit
from deid.demo.lettering import Align, Block, Font, letter_levels
from deid.demo.modules import set_angiogram, set_breast, set_digital_xray, set_hand
from deid.demo.radiographs import breast, chest, hand
from deid.demo.study import DemoStudy

_ANGIO_FRAMES = 14


def _paint_chest(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    shown = letter_levels(chest(np.random.default_rng(51), (1280, 1088)), blocks, 4095)
    set_grey(dataset, np.asarray(4095 - shown, np.uint16), 12, inverse=True)
    set_window(dataset, 2048, 4096)
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.KVP = 117
    dataset.PixelSpacing = [0.32, 0.32]


def _paint_hand(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    set_grey(dataset, letter_levels(hand(np.random.default_rng(61), (1200, 960)), blocks, 4095), 12)
    set_window(dataset, 2000, 3800)
    set_digital_xray(dataset, "L", 52, 0.20)
    set_hand(dataset)


def _paint_coronary(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    planes = coronary_frames(np.random.default_rng(105), (640, 640), _ANGIO_FRAMES)
    set_grey(dataset, np.stack([letter_levels(plane, blocks, 255).astype(np.uint8) for plane in planes]), 8)
    set_window(dataset, 128, 256)
    set_angiogram(dataset, (-28, 22), 81, 640)


def _paint_breast(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    set_grey(dataset, letter_levels(breast(np.random.default_rng(115), (1400, 1120)), blocks, 4095), 12)
    set_window(dataset, 2048, 4096)
    set_digital_xray(dataset, "R", 29, 0.14)
    set_breast(dataset, "MLO", ("399368009", "medio-lateral oblique"))


FILMS: tuple[DemoStudy, ...] = (
    DemoStudy(
        name="cr-chest",
        title="Chest film",
        note="Stored inverted (MONOCHROME1): the text is white on the screen and dark in the file.",
        modality="CR",
        syntax=Syntax.JPEG_LS,
        patient=Patient("PENHALIGON^AUGUSTINE", "WX 20-77-1934", "19450709", "M", "079Y", "7 Cobbler Lane, Wexcombe"),
        visit=Visit(
            "20241119",
            "082540",
            "CR-5518203",
            "Wexcombe General",
            "Mill Hill, Wexcombe",
            "Radiology A",
            "WEX-CR1",
            "BIDDULPH^THEA",
            "ORMEROD^JASPER",
            "LOVIBOND^IDA",
            "CHEST PA",
            "PA",
        ),
        machine=Machine("Halcyon", "Plate 400", "H4-90017", "1.9"),
        blocks=(
            Block(24, 22, ("{PENHALIGON, AUGUSTINE}", "{WX 20-77-1934}", "M  DOB {09 JUL 1945}"), 30),
            Block(1064, 22, ("{Wexcombe General}", "{19 NOV 2024}  {08:25}"), 30, align=Align.RIGHT),
            Block(1010, 150, ("L",), 72, Font.ROUND_BOLD),
            Block(24, 1190, ("PA ERECT", "117 kVp  2.0 mAs  180 cm"), 28, outlined=True),
            Block(1064, 1228, ("Acc {CR-5518203}  {I.L.}",), 28, align=Align.RIGHT, outlined=True),
        ),
        paint=_paint_chest,
    ),
    DemoStudy(
        name="dx-hand",
        title="Hand film",
        note="Text at the edge and initials beside the side marker, lossless JPEG 2000.",
        modality="DX",
        syntax=Syntax.J2K,
        patient=Patient("OKONKWO-REYES^TADEO", "88213-TO", "20110318", "M", "013Y", "", "555-0139"),
        visit=Visit(
            "20240802",
            "173318",
            "DX0034418",
            "Lakemoor Childrens Clinic",
            "220 Orchard Pkwy, Lakemoor",
            "Emergency",
            "LCC-DX2",
            "VANTERPOOL^ESME",
            "HALLORAN^BRAM",
            "YEARWOOD^LIS",
            "HAND LEFT PA",
            "HAND",
        ),
        machine=Machine("Halcyon", "Flat 17", "HF-22096", "5.4"),
        blocks=(
            Block(10, 8, ("{OKONKWO-REYES, TADEO}", "MRN {88213-TO}"), 27),
            Block(950, 8, ("{Lakemoor Childrens Clinic}", "{08/02/2024} {5:33 PM}"), 25, align=Align.RIGHT),
            Block(60, 960, ("L",), 84, Font.ROUND_BOLD),
            Block(66, 1058, ("{LY}",), 34, Font.ROUND_BOLD),
            Block(10, 1164, ("HAND PA  52 kVp  1.6 mAs  100 cm  EI 412",), 24),
        ),
        paint=_paint_hand,
    ),
    DemoStudy(
        name="xa-coronary",
        title="Angiogram of the heart's arteries",
        note="Fourteen frames of JPEG-LS; the text lies on the picture.",
        modality="XA",
        syntax=Syntax.JPEG_LS,
        patient=Patient("Zielonka^Kazimierz", "LHI-6690213", "19600425", "M", "064Y", "18 Tannery Wharf, Lakemoor"),
        visit=Visit(
            "20240716",
            "101122",
            "CATH-3307",
            "Lakemoor Heart Institute",
            "1 Harbour Drive, Lakemoor",
            "Cath Lab",
            "CATH-1",
            "ASHGROVE^DELPHINE",
            "Rosenquist^Hedda",
            "Oyelaran^Bisi",
            "CORONARY ANGIOGRAPHY",
            "LCA",
        ),
        machine=Machine("Meridian", "Arc C2", "MA-C2-4480", "2021.3"),
        blocks=(
            Block(10, 8, ("{Zielonka, Kazimierz}", "{LHI-6690213}", "{25-Apr-1960}"), 18, outlined=True),
            Block(
                630,
                8,
                ("{Lakemoor Heart Institute}", "{16-Jul-2024} {10:11:22}", "{Rosenquist MD}"),
                18,
                align=Align.RIGHT,
                outlined=True,
            ),
            Block(10, 586, ("RAO 28 CRA 22", "81 kV 640 mA"), 18, outlined=True),
            Block(630, 610, ("LCA  15 f/s",), 18, align=Align.RIGHT, outlined=True),
        ),
        paint=_paint_coronary,
        frames=_ANGIO_FRAMES,
    ),
    DemoStudy(
        name="mg-other-patient",
        title="Mammogram filed under another name",
        note="Header and picture name two different people; one line runs up the side.",
        modality="MG",
        syntax=Syntax.RLE,
        patient=Patient("FARNSBARN^LUDMILLA", "BC-115-0982", "19630811", "F", "061Y", "5 Weir Cottages, Northfell"),
        visit=Visit(
            "20240905",
            "094810",
            "MG-220417",
            "Northfell Breast Care",
            "Quarry Road, Northfell",
            "Mammography",
            "NBC-MG1",
            "TREMLETT^OSRIC",
            "WOOLCOTT^ANTHEA",
            "RUSHBROOKE^MAB",
            "MAMMO SCREENING",
            "R MLO",
        ),
        machine=Machine("Meridian", "Clara 2D", "MC-2-10733", "4.0"),
        blocks=(
            Block(30, 30, ("{GREATOREX, PHILIPPA}", "{BC-115-0928}   {03/27/1959}"), 30),
            Block(30, 120, ("RMLO",), 56, Font.ROUND_BOLD),
            Block(30, 200, ("{MR}",), 34, Font.ROUND_BOLD),
            Block(30, 1256, ("29 kVp  82 mAs  W/Rh", "Force 96 N  Thickness 54 mm", "AGD 1.3 mGy"), 26),
            Block(24, 1150, ("{Northfell Breast Care} {09/05/2024}",), 28, turned=True),
        ),
        paint=_paint_breast,
    ),
)
