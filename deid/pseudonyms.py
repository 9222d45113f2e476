"""Stand-ins by keyed hash: the same original and key give the same stand-in, in every file and on every machine."""

from __future__ import annotations

import hmac
from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import sha256

from pydicom._uid_dict import UID_dictionary

from deid.identifiers import Needles

_SHORTEST_KEY = 16
_MOST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Stand-ins made with one secret. Who has the secret can test guesses of an original."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < _SHORTEST_KEY:
            raise ValueError(f"the key of the pseudonyms must have {_SHORTEST_KEY} bytes or more")

    def uid(self, original: str, avoid: Needles) -> str:
        """A UID for `original`, drawn again where it happens to hold one of the numbers to avoid.

        UIDs that DICOM defines are kept: they say what something is, not which one it is.

        References
        ----------
        PS3.5 B.2 for UIDs below 2.25.

        """
        if self.keeps(original):
            return original
        for draw in range(1000):
            digest = self._digest("uid", f"{draw}\0{original}" if draw else original)
            drawn = f"2.25.{int.from_bytes(digest[:16], 'big')}"
            if not any(number in drawn for number in avoid.numbers):
                return drawn
        raise ValueError("no UID without the numbers to avoid was drawn")

    @staticmethod
    def keeps(original: str) -> bool:
        """Whether DICOM itself defines this UID."""
        return original in UID_dictionary

    def patient(self, original: str) -> str:
        """An identifier for a patient: capital letters and digits, fit for PatientID and PatientName."""
        return "ANON-" + b32encode(self._digest("patient", original.strip())[:10]).decode()

    def days(self, patient: str) -> int:
        """How many days a patient's dates are moved back: one day to ten years."""
        return 1 + int.from_bytes(self._digest("days", patient.strip())[:8], "big") % _MOST_DAYS

    def _digest(self, purpose: str, original: str) -> bytes:
        return hmac.new(self.key, f"{purpose}\0{original}".encode(), sha256).digest()
