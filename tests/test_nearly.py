"""Words that are nearly known."""

import pytest

from deid.lexicon import load_lexicon
from deid.nearly import is_nearly_known


@pytest.mark.parametrize(
    ("text", "nearly"),
    [
        ("BDOMEN", True),
        ("Abdome", True),
        ("PELUIS", True),
        ("ALUE_M", True),
        ("KIDNEV", True),
        ("LONC", True),
        ("Qwvb", False),
        ("Zzyqx", False),
        ("ab", False),
        ("1964", False),
        ("Hospita", False),
        ("Radiologi", False),
    ],
)
def test_a_letter_at_an_end_or_its_like_is_forgiven_but_no_words_of_places(text: str, nearly: bool) -> None:
    assert is_nearly_known(text, load_lexicon()) is nearly
