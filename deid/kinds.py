"""Kinds of objects without pixels whose content is elements that can be judged one by one."""

from __future__ import annotations

from pydicom._uid_dict import UID_dictionary

from deid.errors import RefusedError

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_WITHOUT_PIXELS = tuple(
    _STORAGE + number
    for number in (
        "9.1.",  # electrocardiograms
        "9.2.",  # pressures
        "9.3.",  # electrophysiology
        "9.5.",  # pulse
        "9.6.",  # breathing
        "9.7.",  # brain, muscles, eyes
        "9.8.",  # position of the body
        "11.",  # presentation states
        "66.1",  # registrations, fiducials
        "66.2",
        "66.3",
        "66.5",  # surfaces, tracts
        "66.6",
        "67",  # real world values
        "78.",  # measurements of the eye
        "79.1",
        "80.1",
        "88.",  # structured reports and key objects
        "90.1",
        "481.",  # radiotherapy
    )
)
_AUDIO = _STORAGE + "9.4."


def check_without_pixels(sop_class: str) -> None:
    """Nothing, where objects of this class are complete without pixels and can be cleaned.

    Raises
    ------
    RefusedError
        Where they cannot.
    """
    if sop_class.startswith(_AUDIO):
        raise RefusedError("This is a sound recording: a voice identifies, and nothing here can change it.")
    if sop_class not in UID_dictionary or not sop_class.startswith(_WITHOUT_PIXELS):
        raise RefusedError("There are no pixels in this file.")
