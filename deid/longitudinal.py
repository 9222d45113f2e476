"""Dates moved by days, so that the time between two of them stays."""

from __future__ import annotations

import re
from datetime import date, timedelta

_DATE = re.compile(r"(\d{4})(?:[.-]?)(\d{2})(?:[.-]?)(\d{2})")
_DATE_TIME = re.compile(r"(\d{8})(\d{0,6}(?:\.\d{1,6})?)(?:[+-]\d{4})?")
_TIME = re.compile(r"\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d{1,6})?)?)?")


def moved(value: str, vr: str, days: int) -> str | None:
    """A DA, DT or TM value moved back by days; None where it is no full date of the calendar.

    A time of day stays. The offset from UTC of a date-time goes, since it tells where someone was.

    References
    ----------
    PS3.15 E.3.6, PS3.5 6.2.
    """
    text = value.strip("\0 ")
    if vr == "TM":
        return text if _TIME.fullmatch(text) else None
    if vr == "DA":
        return _moved_date(text, days)
    parts = _DATE_TIME.fullmatch(text)
    day = _moved_date(parts[1], days) if parts else None
    return day + parts[2] if parts and day else None


def _moved_date(text: str, days: int) -> str | None:
    parts = _DATE.fullmatch(text)
    if parts is None:
        return None
    try:
        day = date(int(parts[1]), int(parts[2]), int(parts[3])) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"
