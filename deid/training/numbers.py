"""Made-up dates, times, numbers of records and of measures, of many shapes."""

from __future__ import annotations

import random
from datetime import date, timedelta

from deid.training.people import in_split_whole
from deid.training.sections import sections
from deid.training.split import Split, split_of

_SHAPES = sections("shapes.txt")
_UNITS = sections("vocabulary.txt")["unit"]


SHORTEST_RECORD = 6
"""Letters and digits of a number of a record that stands without a label; shorter ones are measures and counts too."""


def record_number(rng: random.Random, split: Split, *, alone: bool = False) -> str:
    """A number of a patient, an order or a device; `alone` for one without a label."""
    listed = rng.random() < 0.6
    shape = ""
    while not shape or (alone and sum(each in "#L0" for each in shape) < SHORTEST_RECORD):
        shape = rng.choice(in_split_whole(_SHAPES["record"], split)) if listed else _any_shape(rng, split)
    slots = {"#": "0123456789", "L": "ABCDEFGHJKLMNPRSTUVWXYZ"}
    return "".join(rng.choice(slots[each]) if each in slots else each for each in shape)


def _any_shape(rng: random.Random, split: Split) -> str:
    """Digits, now and then letters and a divider, as archives make them up."""
    while True:
        parts = ["#" * rng.randint(2, 9) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
        if rng.random() < 0.35:
            parts.insert(rng.choice((0, 0, 0, len(parts))), "L" * rng.randint(1, 4))
        shape = rng.choice(("", "", "-", "-", "/", ".", "_")).join(parts)
        if split_of(shape) is split and len(shape) <= 16 and "#/#" not in shape:
            return shape


def day(rng: random.Random, language: str, *, birth: bool = False) -> str:
    """A date in digits or with a month's name."""
    when = date(2026, 11, 1) - timedelta(days=rng.randint(0, 34000 if birth else 11000))
    form = rng.choice(_SHAPES["date"])
    months = _SHAPES.get(language)
    if months and rng.random() < 0.7:
        name = months[when.month - 1]
        form = form.replace("%B", name).replace("%b", name[:3] if rng.random() < 0.8 else name)
    text = when.strftime(form)
    if rng.random() < 0.15:
        text = text.replace("/0", "/").removeprefix("0")
    return text.upper() if rng.random() < 0.4 else text


def clock(rng: random.Random, *, dotted: bool = False) -> str:
    """A time of day; `dotted` where a date beside it tells 14.30 from a measure."""
    form = rng.choice(_SHAPES["time"])
    if form == "%H.%M" and not dotted:
        form = "%H:%M"
    seconds = rng.randint(6 * 3600, 23 * 3600)
    base = timedelta(seconds=seconds)
    hours, rest = divmod(int(base.total_seconds()), 3600)
    half = "AM" if hours < 12 else "PM"
    values = {"%H": hours, "%I": (hours - 1) % 12 + 1, "%M": rest // 60, "%S": rest % 60}
    for key, value in values.items():
        form = form.replace(key, f"{value:02d}" if key != "%I" or rng.random() < 0.6 else str(value))
    return form.replace("%p", half if rng.random() < 0.8 else half.lower())


def elapsed(rng: random.Random) -> str:
    """A duration or a counter, which identifies nobody."""
    minutes, seconds, part = rng.randint(0, 14), rng.randint(0, 59), rng.randint(0, 999)
    form = rng.choice(_SHAPES["elapsed"])
    return form.format(m=minutes, s=seconds, n=part, a=part % 10, b=part % 100)


def decimal(rng: random.Random) -> str:
    """A small number with a fraction."""
    whole = rng.choice((0, 0, 1, 1, 2, 3, rng.randint(0, 20), rng.randint(0, 99)))
    point = "," if rng.random() < 0.08 else "."
    return (
        f"{'' if whole == 0 and rng.random() < 0.2 else whole}{point}{rng.randint(0, 99 if rng.random() < 0.5 else 9)}"
    )


def measure(rng: random.Random) -> str:
    """A number with a unit."""
    number = decimal(rng) if rng.random() < 0.6 else str(rng.randint(1, 999))
    return number + rng.choice(("", " ", "")) + rng.choice(_UNITS)


def age(rng: random.Random, *, old: bool = False) -> str:
    """An age; `old` for one that identifies."""
    years = rng.randint(90, 104) if old else rng.randint(0, 89)
    return rng.choice(_SHAPES["age"]).format(years)


def gestation(rng: random.Random) -> str:
    """Weeks and days of a pregnancy."""
    return rng.choice(_SHAPES["gestation"]).format(rng.randint(5, 41), rng.randint(0, 6))
