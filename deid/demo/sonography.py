"""The four ultrasound studies: a still, a cine loop, a palette picture and a colour Doppler screen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from deid.demo.encode import Syntax, set_colour, set_jpeg, set_palette
from deid.demo.header import Machine, Patient, Visit
from deid.demo.lettering import Align, Block, Font, letter
from deid.demo.modules import set_cine
from deid.demo.shapes import grain
from deid.demo.study import DemoStudy
from deid.demo.ultrasound import Fan, carotid, fan_picture, foetus, heart, liver, straight_picture

_YELLOW = (250, 214, 92)
_CYAN = (120, 214, 235)
_GREEN = (112, 232, 128)
_DIM = (176, 184, 190)
_CINE_FRAMES = 20

_Screen = NDArray[np.float32]


def _screen(grey: NDArray[np.uint8], tint: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> _Screen:
    return np.asarray(grey[..., None].astype(np.float32) * np.array(tint, np.float32), np.float32)


def _ruler(screen: _Screen, column: int, top: int, bottom: int, steps: int) -> None:
    """Depth ticks, each fifth longer, and a grey ramp at the left."""
    for number, row in enumerate(np.linspace(top, bottom, steps + 1)):
        screen[round(float(row)), column - (9 if number % 5 == 0 else 4) : column] = 190
    ramp = np.linspace(255, 0, 120, dtype=np.float32)
    screen[top : top + 120, 24:36] = ramp[:, None, None]


def _bytes(screen: _Screen) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(screen), 0, 255), np.uint8)


def _calipers(screen: _Screen, points: tuple[tuple[int, int], ...], colour: tuple[int, int, int]) -> None:
    for y, x in points:
        cv2.drawMarker(screen, (x, y), colour, cv2.MARKER_CROSS, 13, 1, cv2.LINE_AA)
    (top, left), (bottom, right) = points[0], points[-1]
    for part in np.linspace(0.04, 0.96, 24):
        screen[round(top + (bottom - top) * float(part)), round(left + (right - left) * float(part))] = colour


def _paint_abdomen(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    rng = np.random.default_rng(11)
    screen = _screen(fan_picture(liver(rng), rng, (720, 960), Fan((18, 480), 120, 640, 34)))
    _ruler(screen, 948, 140, 658, 14)
    _calipers(screen, ((505, 470), (532, 640)), _YELLOW)
    set_colour(dataset, _bytes(letter(screen, blocks)))


def _paint_heart(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    frames = []
    for number in range(_CINE_FRAMES):
        rng = np.random.default_rng(23)
        scene = heart(rng, number / _CINE_FRAMES)
        jitter = np.random.default_rng(100 + number)
        screen = _screen(fan_picture(scene, jitter, (480, 640), Fan((42, 330), 8, 392, 38)), (1.0, 0.97, 0.88))
        _ruler(screen, 632, 60, 434, 16)
        _trace(screen, number)
        frames.append(_bytes(letter(screen, blocks)))
    set_jpeg(dataset, tuple(frames))
    set_cine(dataset, 33.3)


def _trace(screen: _Screen, number: int) -> None:
    """An electrocardiogram along the bottom with the present moment marked."""
    t = np.arange(200, dtype=np.float32) / 66.0
    beat = t % 1.0
    wave = 22 * np.exp(-(((beat - 0.30) / 0.018) ** 2)) - 6 * np.exp(-(((beat - 0.345) / 0.02) ** 2))
    wave += 4 * np.exp(-(((beat - 0.14) / 0.04) ** 2)) + 6 * np.exp(-(((beat - 0.62) / 0.06) ** 2))
    line = np.stack([430 + np.arange(200), 470 - wave], axis=1)
    cv2.polylines(screen, [np.rint(line).astype(np.int32).reshape(-1, 1, 2)], False, _GREEN, 1, cv2.LINE_AA)
    screen[446:476, 440 + number * 66 // _CINE_FRAMES] = (240, 120, 90)


def _paint_foetus(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    rng = np.random.default_rng(31)
    grey = fan_picture(foetus(rng), rng, (600, 800), Fan((10, 400), 110, 545, 35)).astype(np.float32)
    for y, x in ((350, 198), (352, 578), (240, 390), (446, 384)):
        cv2.drawMarker(grey, (x, y), 250, cv2.MARKER_TILTED_CROSS, 11, 1, cv2.LINE_AA)
    set_palette(dataset, np.asarray(np.clip(np.rint(letter(grey, blocks)), 0, 255), np.uint8), (0.82, 0.98, 1.28))


def _paint_carotid(dataset: Dataset, blocks: tuple[Block, ...]) -> None:
    rng = np.random.default_rng(41)
    screen = np.zeros((720, 960, 3), np.float32)
    grey = straight_picture(carotid(rng), rng, (330, 560), 0.75)
    flow = np.repeat(grey[..., None].astype(np.float32), 3, axis=2)
    y, x = np.mgrid[0:330, 0:560].astype(np.float32)
    middle, half = 330 * (0.52 + 0.03 * np.sin(3 * x / 560 + 0.6)), 330 * 0.10
    across = (y - middle) / half
    boxed = (np.abs(across) < 0.96) & (x - 0.35 * y > 60) & (x - 0.35 * y < 330)
    speed = np.clip(1 - across**2, 0, 1) * (0.85 + 0.15 * np.asarray(grain(rng, (330, 560), 3)))
    flow[boxed] = np.stack([120 + 135 * speed, 190 * speed**2, 30 * speed], axis=2)[boxed]
    edge = np.array([[60, 2], [330, 2], [330 + 114, 327], [60 + 114, 327]], np.int32).reshape(-1, 1, 2)
    cv2.polylines(flow, [edge], True, _DIM, 1, cv2.LINE_AA)
    screen[92:422, 200:760] = flow
    screen[446:650, 120:840] = _spectrum(rng, (204, 720))[..., None]
    screen[630, 120:840] = 120
    set_colour(dataset, _bytes(letter(screen, blocks)), "YBR_RCT")


def _spectrum(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """Velocities of five heartbeats: bright below the upper curve, with noise."""
    rows, columns = size
    beat = (np.arange(columns, dtype=np.float32) / columns * 5.0) % 1.0
    peak = (
        24
        + 118 * np.exp(-(((beat - 0.16) / 0.07) ** 2))
        + 34 * np.exp(-(((beat - 0.36) / 0.10) ** 2))
        + 14 * (1 - beat)
    )
    height = (rows - 20) - np.arange(rows, dtype=np.float32)[:, None]
    lit = 1 / (1 + np.exp(np.clip((height - peak) / 3, -30, 30))) * (height > 2)
    band = 0.35 + 0.65 * np.exp(-(((height - 0.82 * peak) / (0.22 * peak + 6)) ** 2))
    scatter = np.abs(grain(rng, size, 0.7)) * 0.8 + 0.35
    return np.asarray(np.clip(lit * band * scatter * 215 + 6 * np.abs(grain(rng, size)), 0, 235), np.float32)


SONOGRAPHY: tuple[DemoStudy, ...] = (
    DemoStudy(
        name="us-liver",
        title="Ultrasound of the liver",
        note="Name, numbers, dates and the hospital along the top; the header agrees with the picture.",
        modality="US",
        syntax=Syntax.EXPLICIT,
        patient=Patient(
            "DELACROIX-BOHM^OTTOLINE",
            "KB-5530817",
            "19581102",
            "F",
            "065Y",
            "14 Saltmarsh Row, Kestrel Bay",
            "01772 555 0184",
        ),
        visit=Visit(
            "20240617",
            "094126",
            "ACC7720416",
            "Kestrel Bay Infirmary",
            "Saltmarsh Row 2, Kestrel Bay",
            "Diagnostic Imaging",
            "KBI-SONO3",
            "TRELAWNEY^JOCASTA",
            "ARKWRIGHT^PIERS",
            "QUILL^NERYS",
            "US ABDOMEN",
            "LIVER",
        ),
        machine=Machine("Nimbus Imaging", "Corvid 7", "NX70-118842", "4.2.1"),
        blocks=(
            Block(52, 12, ("{DELACROIX-BOHM, OTTOLINE}", "ID {KB-5530817}"), 21),
            Block(480, 12, ("{Kestrel Bay Infirmary}", "DOB {11/02/1958}  F"), 19, align=Align.MIDDLE),
            Block(936, 12, ("{06/17/2024}  {09:41:26}", "MI 1.1  TIs 0.6"), 19, align=Align.RIGHT),
            Block(52, 76, ("Abd Gen", "C5-1", "31 Hz", "15.0 cm"), 17, colour=_CYAN),
            Block(52, 292, ("2D", "Gain 58", "DR 60", "P Med", "HGen"), 17, colour=_DIM),
            Block(120, 560, ("RT LIVER LONG",), 22, colour=_YELLOW),
            Block(52, 676, ("1 D 4.31 cm",), 20, colour=_YELLOW),
            Block(936, 676, ("Sonographer: {N. Quill}",), 18, align=Align.RIGHT),
        ),
        paint=_paint_abdomen,
    ),
    DemoStudy(
        name="us-heart-cine",
        title="Ultrasound of the beating heart",
        note="Twenty frames in JPEG; the text stands in every one of them.",
        modality="US",
        syntax=Syntax.JPEG,
        patient=Patient("Hölzenbein^Gundula", "HO-2093355", "19670823", "F", "057Y", "Rebgasse 41, Hohenfels"),
        visit=Visit(
            "20241104",
            "141853",
            "E24-90771",
            "Klinikum Hohenfels-Ost",
            "Am Steinbruch 9, Hohenfels",
            "Kardiologie",
            "ECHO-R2",
            "Strackbein^Leonhard",
            "Wüllner^Friederike",
            "Pfannkuch^Edda",
            "Echokardiographie",
            "4-Kammerblick",
        ),
        machine=Machine("Nimbus Imaging", "Corvid 9 Cardio", "NX91-004417", "6.0"),
        blocks=(
            Block(10, 6, ("{Hölzenbein, Gundula}", "{HO-2093355}   {23.08.1967}"), 17, Font.ROUND),
            Block(630, 6, ("{Klinikum Hohenfels-Ost}", "{04.11.2024}  {14:18:53}"), 17, align=Align.RIGHT),
            Block(50, 62, ("FR 30 Hz", "16 cm", "2D", "70%", "C 50", "P Low", "HPen"), 15, colour=_CYAN),
            Block(10, 434, ("TIS 0.8  MI 1.2", "Arzt: {Dr. Wüllner}"), 16, Font.ROUND),
            Block(560, 434, ("64 bpm",), 15, colour=_GREEN),
        ),
        paint=_paint_heart,
        frames=_CINE_FRAMES,
    ),
    DemoStudy(
        name="us-obstetric",
        title="Ultrasound before birth",
        note="A sepia palette: the stored numbers are not brightness.",
        modality="US",
        syntax=Syntax.RLE,
        patient=Patient("Montfavet^Capucine", "VO 884 120 37", "19940530", "F", "030Y", "", "04 55 01 77 26"),
        visit=Visit(
            "20240912",
            "103007",
            "OBS-66120",
            "Clinique du Val-Ombreux",
            "3 allée des Charmes, Ombreux",
            "Maternité",
            "VO-ECHO1",
            "Grandjonc^Sylvère",
            "Tisserand^Maëlle",
            "Tisserand^Maëlle",
            "Echo T2",
            "BIP",
        ),
        machine=Machine("Orrery Medical", "Lumen S", "OM-55-20931", "2.8"),
        blocks=(
            Block(14, 10, ("{MONTFAVET Capucine}", "Né(e) {30/05/1994}"), 18, Font.ROUND),
            Block(400, 10, ("{Clinique du Val-Ombreux}", "Dr {Tisserand}"), 18, align=Align.MIDDLE),
            Block(786, 10, ("{12/09/2024}", "{10:30:07}"), 18, align=Align.RIGHT),
            Block(14, 92, ("RAB4-8", "11.4 cm", "22 Hz", "Gn 4", "TIb 0.3", "MI 0.9"), 15),
            Block(14, 552, ("BPD 51.2 mm", "HC 189.6 mm"), 17),
            Block(786, 572, ("GA 21w3d",), 17, align=Align.RIGHT),
        ),
        paint=_paint_foetus,
    ),
    DemoStudy(
        name="us-carotid-doppler",
        title="Ultrasound of a neck artery with flow",
        note="Colour flow and a spectrum, lossless JPEG 2000.",
        modality="US",
        syntax=Syntax.J2K,
        patient=Patient(
            "Figueirinha^Belmiro", "RC0071946", "19490114", "M", "075Y", "Travessa do Moinho 8, Ribeira Clara"
        ),
        visit=Visit(
            "20240325",
            "162210",
            "ANG-130955",
            "Hospital Ribeira Clara",
            "Largo da Fonte 1, Ribeira Clara",
            "Angiologia",
            "VASC-2",
            "Saldanha^Quitéria",
            "Magalhoto^Inês",
            "Cordovil^Tomás",
            "DOPPLER CAROTIDEO",
            "ACI E",
        ),
        machine=Machine("Orrery Medical", "Lumen V", "OM-61-33870", "3.1"),
        blocks=(
            Block(24, 14, ("{Hospital Ribeira Clara}", "{Figueirinha, Belmiro}", "ID: {RC0071946}"), 19),
            Block(
                936, 14, ("{25-03-2024} {16:22:10}", "L12-3  Vasc Carotid", "MI 0.8  TIs 1.2"), 18, align=Align.RIGHT
            ),
            Block(24, 120, ("2D", "G 54", "DR 65", "4.0 cm", "", "CF", "PRF 1.5 kHz", "WF Med"), 17, colour=_CYAN),
            Block(780, 120, ("+38.5", "", "", "-38.5", "cm/s"), 17, colour=_DIM),
            Block(858, 452, ("PW", "SV 2.0 mm", "60°"), 16, colour=_DIM),
            Block(24, 660, ("PSV 98.4 cm/s   EDV 24.1 cm/s   RI 0.76",), 20, colour=_YELLOW),
            Block(936, 690, ("Op: {T. Cordovil}",), 17, align=Align.RIGHT),
            Block(230, 380, ("LEFT ICA PROX",), 20, colour=_YELLOW, outlined=True),
        ),
        paint=_paint_carotid,
    ),
)
