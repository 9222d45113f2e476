"""Invented names of equipment, views, protocols, sequences and kernels, built as makers build theirs: training alone.

The made-up names of evaluation are others, written by hand in vocabulary.txt.
"""

from __future__ import annotations

import random

from deid.training.sections import sections

_PARTS = sections("equipment.txt")


def invented(kind: str, rng: random.Random) -> str | None:
    """A name of that closed list's kind; None where a made-up one would look like a person's (views, makers)."""
    make = _MAKERS.get(kind)
    return make(rng) if make else None


def _pick(rng: random.Random, *lists: str) -> str:
    return rng.choice(_PARTS[rng.choice(lists)])


def _device(rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.4:
        return _probe(rng)
    stem = rng.choice(_PARTS["start"]) + rng.choice(_PARTS["end"])
    number = rng.choice((rng.randint(1, 9), rng.randint(10, 99), rng.randrange(100, 9900, 50)))
    if chance < 0.55:
        letters = "".join(rng.choices("ABCDEFGHKLMNPRSTUVXZ", k=rng.randint(1, 3)))
        return f"{letters}{rng.choice(('', '-', ' '))}{number}{rng.choice(('', '', 'i', 'W', 'HD', 'XL', 's'))}"
    suffix = rng.choice(
        (f" {number}", f"-{number}", f"{number}", f" {_pick(rng, 'grade')}", f" {_pick(rng, 'grade')} {number}")
    )
    stem = stem.capitalize() if rng.random() < 0.6 else stem.upper()
    return stem + suffix


def _probe(rng: random.Random) -> str:
    letters = rng.choice(_PARTS["probe"])
    low, high = rng.randint(1, 9), rng.randint(3, 22)
    forms = (
        f"{letters}{high}-{low}",
        f"{letters}{low}-{high}",
        f"{letters}{low}-{high}{rng.choice('ADsvW')}",
        f"{high}{letters}{low}",
        f"{letters}{rng.randint(100, 950)}{rng.choice(('', '', 'B', 'BT'))}",
        f"{letters}-{rng.randint(2, 40)}",
        f"{low}{letters}-RS",
        f"{high}{letters}{rng.choice('shi')}",
    )
    return rng.choice(forms)


def _sequence(rng: random.Random) -> str:
    joint = rng.choice(("_", "_", " ", " ", "-", ""))
    words = [_pick(rng, "weight"), _pick(rng, "method")]
    if rng.random() < 0.6:
        words.insert(rng.randint(0, 2), _pick(rng, "plane"))
    if rng.random() < 0.5:
        words.append(_pick(rng, "extra"))
    if rng.random() < 0.3:
        words.append(rng.choice((f"p{rng.randint(2, 4)}", f"{rng.randint(1, 8)}mm", str(rng.randint(2, 512)), "iso")))
    text = joint.join(words)
    return rng.choice((text, text, text.upper(), text.lower()))


def _protocol(rng: random.Random) -> str:
    words = [_pick(rng, "organ")]
    if rng.random() < 0.7:
        words.append(_pick(rng, "manner"))
    if rng.random() < 0.35:
        words.append(_pick(rng, "manner"))
    if rng.random() < 0.2:
        words.insert(0, rng.choice(("CT", "MR", "XR", "US", "Ped", "Adult", "BABY", "Routine")))
    text = rng.choice((" ", " ", " ", "_", "", "-", "/")).join(words)
    return rng.choice((text, text, text.upper()))


def _kernel(rng: random.Random) -> str:
    letters = rng.choice(
        ("B", "H", "I", "Br", "Bl", "Bv", "Hr", "Hc", "Qr", "Ur", "Sa", "Tr", "FC", "FL", "F", "Y", "U")
    )
    return f"{letters}{rng.randint(8, 89):02d}{rng.choice(('', '', 'f', 's', 'd', 'h', 'm', 'u'))}"


_MAKERS = {
    "device": _device,
    "sequence": _sequence,
    "protocol": _protocol,
    "kernel": _kernel,
}
