"""Shapes of text."""

import pytest

from deid import patterns
from deid.lexicon import load_lexicon

LEXICON = load_lexicon()


@pytest.mark.parametrize(
    "word",
    ["12/03/1964", "1964-03-12", "12.03.64", "97-1-22", "24-MAY-02", "3-Jun-1999", "2001Jul-05", "O8/2O/31", "14/2024"],
)
def test_a_date_is_seen_despite_its_shape(word: str) -> None:
    assert patterns.date_shape(word, LEXICON) == "date"


@pytest.mark.parametrize("word", ["3/3/4", "2/0/E/B/B", "1/19", "16.0cm", "0.6", "T1/+1/3/2", "99/99/9999", "L12-5"])
def test_a_setting_is_no_date(word: str) -> None:
    assert patterns.date_shape(word, LEXICON) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("17 Oct 16", {0, 1, 2}),
        ("2000 May 26", {0, 1, 2}),
        ("WEDNESDAY, MARCH 29th 2000", {1, 2, 3}),
        ("Gain 29 March", {1, 2}),
        ("May scan", set()),
        ("MI 1.2 Dec", set()),
    ],
)
def test_a_date_with_a_month_name_takes_its_neighbours(text: str, found: set[int]) -> None:
    assert patterns.dates_in_line(text.split(), LEXICON) == found


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("11:51:40", "time"),
        ("2:56pm", "time"),
        ("(07:18:14)", "time"),
        ("09:30", "clock"),
        ("0:03:46", "elapsed"),
        ("+2:09:04", "elapsed"),
        ("1:2", None),
        ("75Hz", None),
    ],
)
def test_a_time_of_day_is_told_from_a_duration(word: str, kind: str | None) -> None:
    assert patterns.time_shape(word) == kind


@pytest.mark.parametrize(
    "word", ["MRN56208347", "975655065", "H2123456", "12975-20-2", "X-16759998", "A-1234", "1O3456"]
)
def test_a_record_number_is_an_id(word: str) -> None:
    assert patterns.id_shape(word) == "id"


@pytest.mark.parametrize(
    "word", ["5000", "9123", "L12-5", "512x512", "4V1c-S", "16.0cm", "0.00012", "256x256x128", "LA435"]
)
def test_a_setting_is_no_id(word: str) -> None:
    assert patterns.id_shape(word) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+33 2 19 57 79 57", {0, 1, 2, 3, 4, 5}),
        ("01 23 45 67 89", {0, 1, 2, 3, 4}),
        ("(0131) 496 0917", {0, 1, 2}),
        ("W 400 L 40", set()),
        ("10 20 30", set()),
    ],
)
def test_a_run_of_numbers_that_dials_is_a_phone(text: str, found: set[int]) -> None:
    assert patterns.phones_in_line(text.split()) == found


@pytest.mark.parametrize("word", ["52%", "1.2kHz", "-10", "256x256", "75Hz", "3.5mm", "<0.4", "mAs", "10cm/s"])
def test_a_number_with_or_without_unit_is_a_measure(word: str) -> None:
    assert patterns.is_measure(word)


@pytest.mark.parametrize("word", ["357-958-1701", "12345", "Smith", "1964-03-12"])
def test_a_long_number_is_no_measure(word: str) -> None:
    assert not patterns.is_measure(word)


@pytest.mark.parametrize("word", ["P5-3", "6L3", "4V1c-S", "RAB6-RS/OB", "C7/M7", "BF3", "T2"])
def test_a_probe_or_kernel_is_a_code(word: str) -> None:
    assert patterns.is_code(word)


@pytest.mark.parametrize("word", ["JK", "Smith", "MRN56208347", "Müller2019x"])
def test_letters_alone_and_ids_are_no_code(word: str) -> None:
    assert not patterns.is_code(word)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("F/92Y", 92),
        ("92Y", 92),
        ("F/75Y", 75),
        ("089Y", 89),
        ("M/90", 90),
        ("Mujer/90 yr", 90),
        ("93 years", 93),
        ("(62 лет)", 62),
        ("[101 ans]", 101),
        ("93Y/F", 93),
    ],
)
def test_a_sex_or_a_unit_tells_an_age(text: str, years: int) -> None:
    assert patterns.ages_in_line(text.split()) == {0: years}


@pytest.mark.parametrize("text", ["120 kV", "93", "T2", "100 R", "L5-3", "12/03/1964"])
def test_a_number_without_a_sex_or_a_unit_is_no_age(text: str) -> None:
    assert not patterns.ages_in_line(text.split())


@pytest.mark.parametrize(("years", "old"), [(89, False), (90, True), (104, True), (512, False)])
def test_only_an_age_of_ninety_and_more_identifies(years: int, old: bool) -> None:
    assert patterns.is_old(years) is old


@pytest.mark.parametrize(
    ("word", "shape"), [("a.b@site.org", "net"), ("www.site.org", "net"), ("TIS<0.4", None), ("1.0", None)]
)
def test_addresses_of_the_net_are_seen(word: str, shape: str | None) -> None:
    assert patterns.net_shape(word) == shape


@pytest.mark.parametrize(
    ("word", "missing"),
    [
        ("03/31/1", (0, 3)),
        ("09.07.27", (0, 2)),
        ("14/2024", (3, 0)),
        ("/31/1924", (3, 0)),
        ("03/31/1924", (0, 0)),
        ("3.5", (0, 0)),
    ],
)
def test_the_rest_of_a_cut_date_tells_what_it_lacks_on_either_side(word: str, missing: tuple[int, int]) -> None:
    assert patterns.date_fragment(word) == missing


def test_known_settings_without_spaces_stay_together() -> None:
    assert patterns.is_settings("W400L40", LEXICON)
    assert patterns.is_settings("EI1740", LEXICON)
    assert not patterns.is_settings("MR1740", LEXICON)
    assert not patterns.is_settings("JONES40L40", LEXICON)


@pytest.mark.parametrize(
    ("word", "several"), [("W400L40", True), ("C40W400", True), ("W400", False), ("A123H456", False)]
)
def test_several_settings_in_one_word_are_told_from_numbers_of_records(word: str, several: bool) -> None:
    assert patterns.are_several_settings(word, LEXICON) is several


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Born 12 03 1964", {1, 2, 3}),
        ("1964 03 12 M", {0, 1, 2}),
        ("REW 27. 2027 05:11", {1, 2}),
        ("Mx 12, 1964", {1, 2}),
        ("FOV 12 40 1964", set()),
        ("TR 12 2000", set()),
    ],
)
def test_a_day_is_seen_without_its_separators_or_month(line: str, found: set[int]) -> None:
    assert patterns.dates_in_line(line.split(), LEXICON) == found


@pytest.mark.parametrize("word", ["170KT82", "l5AUG2021", "roDEC70", "03-N0V-99", "190/1/-", "12//1964"])
def test_a_misread_month_still_makes_a_day(word: str) -> None:
    assert patterns.date_shape(word, LEXICON) == "date"


@pytest.mark.parametrize("word", ["SER12", "3MAG20x", "C5-2", "10MHz20", "2D68", "127/128", "90/180/12", "/s/"])
def test_marks_of_letters_among_digits_are_no_day(word: str) -> None:
    assert patterns.date_shape(word, LEXICON) is None
