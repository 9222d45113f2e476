"""Decisions about words, with their reasons."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from deid.classify import find_phi
from deid.values import UNREAD, Box, Finding, FrameWords, Hint, Policy, Reason, Word
from tests.fakes import ScriptedClassifier, line, page

HINTS = (Hint("PatientName", "Lindqvist^Maja"), Hint("PatientID", "PX-771203"), Hint("StudyDate", "20230427"))


def _findings(words: tuple[Word, ...], **options: object) -> tuple[Finding, ...]:
    (frame,) = find_phi([FrameWords(0, (), words)], options.pop("hints", ()), **options)  # type: ignore[arg-type]
    return frame.findings


def _goes(text: str, **options: object) -> str:
    """The words of the text that go."""
    words = page(*text.split("\n"))
    return " ".join(each.word.text for each in _findings(words, **options) if each.is_phi)


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("Name: VARGA ISTVAN", "VARGA ISTVAN"),
        ("Name: Young Brown", "Young Brown"),
        ("Patient ID: 4711", "4711"),
        ("ID: GAIN 82", ""),
        ("DOB: 12/03/1964 M", "12/03/1964"),
        ("D.0.B. 28-0ct-1965", "28-0ct-1965"),
        ("DOB: 12/03/1964 L12-5 Gain", "12/03/1964"),
        ("Ref: Dr Hale", "Hale"),
        ("A. Varga", "A. Varga"),
        ("20080423-05:08 PM", "20080423-05:08 PM"),
        ("OP D/HZ", "D/HZ"),
        ("Name: Le M.", "Le M."),
        ("Name: Le M", "Le"),
        ("Varga 54Y", "Varga"),
        ("Fluoro 3:12", ""),
        ("Req by: Holm", "Holm"),
        ("5/7/2015 19:320", "5/7/2015 19:320"),
        ("A. Axial", ""),
        ("Date: REW 27. 2027 05:11 34 PM", "REW 27. 2027 05:11 34 PM"),
        ("Date: 04.05.2021 SAG", "04.05.2021"),
        ("Dr. Page", "Page"),
        ("OP: jk", "jk"),
        ("Operator: L. Holm", "L. Holm"),
        ("Name: Eklund, Per", "Eklund, Per"),
        ("67193 Leon Drive", "67193 Leon Drive"),
        ("Via de Josefina 26", "Via de Josefina 26"),
        ("Drive 26 mm", ""),
        ("ACUSONSequoia", ""),
        ("Soseaua Bucur Stoica Nr. 27", "Soseaua Bucur Stoica Nr. 27"),
        ("U Hrbitova 924", "U Hrbitova 924"),
        ("I.L.", "I.L."),
        ("LY", "LY"),
        ("A.P. P.A.", ""),
        ("19OY/-V/.A", "19OY/-V/.A"),
        ("R/L/AP 1/2/3 Mo/Rh/28", ""),
        ("5 Mai 203", "5 Mai 203"),
        ("May 5 203 mm", "May 5"),
        ("12:20:40 M", "12:20:40 M"),
        ("Rosenkvist MD", "Rosenkvist MD"),
        ("08/02/2024 5:33 PM 25 Hz", "08/02/2024 5:33 PM"),
        ("1 D 4.31 cm", ""),
        ("Sex/Age F/75Y", ""),
        ("Sex/Age F/93Y", "F/93Y"),
        ("Age: 93", "93"),
        ("Hale 93 years", "Hale 93"),
        ("Zzyqx 62 years F", "Zzyqx"),
        ("Mujer/90 yr", "Mujer/90"),
        ("SSD-4000 XG5000 Terason", ""),
        ("00:00:42.9 25.39MHz 32.39ml Matrix256x256", ""),
        ("Sag>Cor(2.5)>Tra(2.37)", ""),
        ("Beteg: Brown", "Brown"),
        ("Lekarz: Hale", "Hale"),
        ("Age: 53", ""),
        ("Tel 0131 496 0917", "0131 496 0917"),
        ("1851 Quarry Lakes", "1851 Quarry Lakes"),
        ("St. Aurel Medical Center", "St. Aurel Medical Center"),
        ("NORTH GENERAL HOSPITAL", "NORTH GENERAL HOSPITAL"),
        ("GE Medical Systems", ""),
        ("Semi-Upright PORTABLE CHEST L", ""),
        ("MI 1.1 TIs 0.9 Gn 60 C 61 3/3/4", ""),
        ("T2 TSE TR 4500 TE 102 SL 4.0", ""),
        ("RCA LAO 30 CRAN 15 15 f/s", ""),
        ("StudyDescription", ""),
        ("Zzyqx", "Zzyqx"),
        ("ivanova@clinic.example.org", "ivanova@clinic.example.org"),
        ("山田太郎", "山田太郎"),
        ("Иванов", "Иванов"),
        ("▲ ↓ ●", ""),
    ],
)
def test_what_identifies_goes_and_what_does_not_stays(text: str, goes: str) -> None:
    assert _goes(text) == goes


def test_a_header_value_goes_wherever_it_stands() -> None:
    assert _goes("Gain LINDQVIST 52%", hints=HINTS) == "LINDQVIST"
    (name,) = (each for each in _findings(page("LINDQVIST"), hints=HINTS))
    assert name.reasons[0] is Reason.HEADER
    assert name.evidence[0].rule == "PatientName"


def test_a_label_has_its_value_below_or_beside_it() -> None:
    below = (*line("Patient Name:", top=10, number=0), *line("Brown", top=24, number=1))
    assert [each.word.text for each in _findings(below) if each.is_phi] == ["Brown"]
    beside = (*line("Patient Name:", top=10, number=0), *line("Brown", left=170, top=10, number=1))
    assert [each.word.text for each in _findings(beside) if each.is_phi] == ["Brown"]


def test_an_institution_runs_on_in_the_next_line() -> None:
    words = (*line("*WESTBAY_MEDICAL*", top=10, number=0), *line("ULTRASOUND", top=24, number=1))
    assert all(each.is_phi for each in _findings(words))
    assert not _findings(page("ULTRASOUND"))[0].is_phi


def test_what_nobody_could_read_goes() -> None:
    (word,) = page("xqzw")
    unread = Word(word.text, word.box, 0.3, word.readers)
    (finding,) = _findings((unread,))
    assert finding.is_phi
    assert finding.reasons == (Reason.UNREADABLE,)


def test_the_model_decides_only_what_nothing_else_settles() -> None:
    model = ScriptedClassifier({"Zzyqx": 0.1, "Qwvb": 0.9, "CHEST": 0.75, "12/03/1964": 0.0})
    assert _goes("Zzyqx CHEST Qwvb 12/03/1964", classifier=model) == "Qwvb 12/03/1964"


@pytest.mark.parametrize("name", ["Van Broek", "Name: Qwvb"])
def test_the_model_alone_does_not_free_the_word_beside_a_name(name: str) -> None:
    model = ScriptedClassifier({"Zzyqx": 0.3, "Van": 0.9, "Broek": 0.9, "Qwvb": 0.6, "Acmescan": 0.1})
    assert _goes(f"{name} Zzyqx Gain Acmescan", classifier=model) == f"{name.removeprefix('Name: ')} Zzyqx"


def test_a_very_sure_model_overrules_the_word_lists_but_no_label() -> None:
    model = ScriptedClassifier({"CHEST": 0.9999, "Name:": 0.998, "kVp": 0.99})
    assert _goes("CHEST 110 kVp\nName: Hale", classifier=model) == "CHEST Hale"


def test_beside_a_word_that_goes_a_sure_model_is_enough_against_the_word_lists() -> None:
    model = ScriptedClassifier({"Grid": 0.98})
    assert _goes("Grid 110 kVp", classifier=model) == ""
    assert _goes("Grid 12/03/1964", classifier=model) == "Grid 12/03/1964"


@pytest.mark.parametrize(("word", "goes"), [("Grid", "Grid"), ("2/0/E/B/B", "")])
def test_the_bar_is_lower_for_a_listed_word_of_which_the_model_was_told(word: str, goes: str) -> None:
    assert _goes(f"{word} kVp", classifier=ScriptedClassifier({word: 0.997})) == goes


def test_only_a_model_that_is_sure_frees_a_word_in_an_institutions_line() -> None:
    line_text = "WESTBAY GENERAL HOSPITAL Qwvb"
    sure = ScriptedClassifier({"WESTBAY": 0.9, "GENERAL": 0.6, "HOSPITAL": 0.6, "Qwvb": 0.001})
    assert _goes(line_text, classifier=sure) == "WESTBAY GENERAL HOSPITAL"
    unsure = ScriptedClassifier({"WESTBAY": 0.9, "GENERAL": 0.6, "HOSPITAL": 0.6, "Qwvb": 0.3})
    assert _goes(line_text, classifier=unsure) == line_text


def test_beside_a_name_a_word_of_the_trade_that_is_a_surname_too_goes_if_the_model_does_not_say_no() -> None:
    yes = ScriptedClassifier({"HAND": 0.6, "CHEST": 0.6, "Qwvb": 0.9})
    assert _goes("HAND Qwvb", classifier=yes) == "HAND Qwvb"
    assert _goes("HAND 110 kVp", classifier=yes) == ""
    assert _goes("CHEST Qwvb", classifier=yes) == "Qwvb"
    no = ScriptedClassifier({"HAND": 0.1, "Qwvb": 0.9})
    assert _goes("HAND Qwvb", classifier=no) == "Qwvb"


@pytest.mark.parametrize(
    ("text", "goes"), [("D. Qwvb", "D. Qwvb"), ("Qwvb D.", "Qwvb D."), ("D Qwvb", "Qwvb"), ("D. 110 kVp", "")]
)
def test_a_letter_with_a_point_beside_a_name_is_an_initial(text: str, goes: str) -> None:
    assert _goes(text, classifier=ScriptedClassifier({"Qwvb": 0.9, "D.": 0.2, "D": 0.2})) == goes


@pytest.mark.parametrize(("text", "goes"), [("Qwvb M", "Qwvb"), ("M Qwvb", "M Qwvb"), ("Qwvb M Zzyqx", "Qwvb M Zzyqx")])
def test_a_letter_behind_a_name_is_a_sex_unless_the_model_is_very_sure(text: str, goes: str) -> None:
    assert _goes(text, classifier=ScriptedClassifier({"Qwvb": 0.9, "Zzyqx": 0.9, "M": 0.97})) == goes


def test_a_word_of_institutions_behind_a_name_that_goes_is_part_of_a_name() -> None:
    model = ScriptedClassifier({"Qwvb": 0.9, "Center": 0.01})
    assert _goes("Qwvb Center", classifier=model) == "Qwvb Center"
    assert _goes("Center 110 kVp", classifier=model) == ""


@pytest.mark.parametrize(("mark", "width"), [("R", 22), ("^", 22), ("PA", 32)])
def test_one_or_two_letters_in_room_for_more_are_no_mark(mark: str, width: int) -> None:
    (word,) = page(mark)
    assert not _findings((word,))[0].is_phi
    assert _findings((replace(word, box=Box(10, 10, width, 12)),))[0].is_phi


def test_a_narrow_letter_is_a_mark() -> None:
    (word,) = page("L")
    assert not _findings((replace(word, box=Box(10, 10, 5, 12)),))[0].is_phi
    assert not _findings((replace(word, box=Box(10, 10, 12, 5), vertical=True),))[0].is_phi
    assert _findings((replace(word, box=Box(10, 10, 12, 40), vertical=True),))[0].is_phi


def test_a_rule_may_be_long() -> None:
    (word,) = page("-")
    assert not _findings((replace(word, box=Box(10, 10, 80, 12)),))[0].is_phi


@pytest.mark.parametrize("text", ["12/03/1964", "Name: Hale", "ID: 4711", "I.L."])
def test_no_model_frees_a_shape_or_the_value_of_a_label(text: str) -> None:
    model = ScriptedClassifier(dict.fromkeys(text.split(), 0.0))
    assert _goes(text, classifier=model) == text.removeprefix("Name: ").removeprefix("ID: ")


def test_among_words_that_the_lists_know_the_model_says_which_is_likelier() -> None:
    model = ScriptedClassifier({"CHEST": 0.2, "BRAIN": 0.99})
    one, two = _findings(page("CHEST BRAIN"), classifier=model)
    assert one.p_phi < two.p_phi < 0.5


def test_the_threshold_moves_the_models_decision() -> None:
    model = ScriptedClassifier({"Zzyqx": 0.4})
    assert _goes("Zzyqx", classifier=model) == ""
    assert _goes("Zzyqx", classifier=model, threshold=0.3) == "Zzyqx"


def test_policy_all_text_takes_everything() -> None:
    assert _goes("CHEST PA 52%", policy=Policy.ALL_TEXT) == "CHEST PA 52%"


def test_a_cut_value_is_given_room_for_its_rest() -> None:
    (cut,) = _findings(page("771203"), hints=HINTS)
    assert cut.word.box.left < 10
    (date,) = (each for each in _findings(page("DOB: 03/31/1")) if each.is_phi)
    assert date.word.box.right > 10 + 8 * len("DOB: 03/31/1")


def test_one_patients_hints_are_not_looked_for_in_the_next() -> None:
    _findings(page("Lindqvist"), hints=HINTS)
    (finding,) = _findings(page("Lindqvist"))
    assert Reason.HEADER not in {each.reason for each in finding.evidence}


def test_a_year_of_two_digits_does_not_reach_back_into_the_label() -> None:
    label, value = _findings(page("Date: 09.07.27"))
    assert value.is_phi
    assert value.word.box.left == page("Date: 09.07.27")[1].box.left
    assert not label.is_phi


def test_a_line_that_nobody_could_read_goes_whatever_the_model_says() -> None:
    words = (Word(UNREAD, Box(10, 10, 120, 14), 0.0, ("one",)),)
    (finding,) = _findings(words, classifier=ScriptedClassifier({}))
    assert finding.is_phi
    assert finding.reasons[0] is Reason.UNREADABLE


def test_a_model_is_asked_again_only_for_a_frame_that_has_a_new_line() -> None:
    asked: list[list[list[str]]] = []

    class Asked(ScriptedClassifier):
        def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
            asked.append([list(line) for line in lines])
            return super().classify(lines)

    pages = [page("Ostrov", "Persist"), page("Persist", "Ostrov"), page("Persist", "Wiremu")]
    frames = [FrameWords(number, (), words) for number, words in enumerate(pages)]
    found = find_phi(frames, (), Asked({"Ostrov": 1.0, "Wiremu": 1.0}))
    assert [[each.is_phi for each in frame.findings] for frame in found] == [
        [True, False],
        [False, True],
        [False, True],
    ]
    assert asked == [[["Ostrov"], ["Persist"]], [["Persist"], ["Wiremu"]]]


@pytest.mark.parametrize(("confidence", "goes"), [(0.3, True), (0.9, False)])
def test_letters_that_are_not_believed_go_with_what_stands_beside_them(confidence: float, goes: bool) -> None:
    date, piece = line("20131110 Gain")
    (frame,) = find_phi([FrameWords(0, (), (date, replace(piece, confidence=confidence)))], ())
    assert [each.is_phi for each in frame.findings] == [True, goes]


def test_two_letters_of_a_long_text_that_could_not_be_read_are_no_mark() -> None:
    (short,), (long,) = line("xq"), line("xq", top=90, number=1)
    words = (replace(short, confidence=0.3), replace(long, confidence=0.3, box=replace(long.box, width=80)))
    (frame,) = find_phi([FrameWords(0, (), words)], ())
    assert [each.is_phi for each in frame.findings] == [False, True]


@pytest.mark.parametrize("text", ["D0B 19480505", "1D: 6768945"])
def test_a_label_of_which_a_letter_was_read_as_a_digit_stays(text: str) -> None:
    (frame,) = find_phi([FrameWords(0, (), line(text))], (), ScriptedClassifier(dict.fromkeys(text.split(), 0.998)))
    assert [each.is_phi for each in frame.findings] == [False, True]


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("Szpital: Gdynia", [False, True]),
        ("Osasto: 4B", [False, True]),
        ("Data urodzenia 3.4.1951", [False, False, True]),
        ("Opisał: Wrzos", [False, True]),
        ("Etternavn Solbakk", [False, True]),
        ("Potilasnumero: 4711", [False, True]),
        ("Wohnort: Trier", [False, True]),
    ],
)
def test_labels_are_known_in_the_languages_of_consoles(text: str, goes: list[bool]) -> None:
    (frame,) = find_phi([FrameWords(0, (), line(text))], ())
    assert [each.is_phi for each in frame.findings] == goes


@pytest.mark.parametrize(
    ("p_phi", "text", "goes"),
    [
        (0.8, "BDOMEN 120 kVp", ""),
        (0.9, "BDOMEN 120 kVp", "BDOMEN"),
        (0.8, "Qwvb BDOMEN", "Qwvb BDOMEN"),
        (0.8, "EAD", "EAD"),
        (0.8, "Qwvbdomen 120 kVp", "Qwvbdomen"),
    ],
)
def test_a_word_that_is_nearly_known_stays_if_the_model_is_not_sure_and_nothing_beside_it_goes(
    p_phi: float, text: str, goes: str
) -> None:
    scores = {"BDOMEN": p_phi, "EAD": p_phi, "Qwvbdomen": p_phi, "Qwvb": 1.0}
    assert _goes(text, classifier=ScriptedClassifier(scores)) == goes


def test_without_a_model_a_word_that_is_nearly_known_goes() -> None:
    (finding,) = _findings(page("BDOMEN"))
    assert finding.is_phi
    assert finding.reasons == (Reason.UNKNOWN,)


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("DOB1971-05-30", "1971-05-30"),
        ("Site Radiologie Qwvb", "Radiologie Qwvb"),
        ("Hospital Radiologie Qwvb", "Hospital Radiologie Qwvb"),
        ("Hμ. γέvvησης: 04.05.2021", "04.05.2021"),
        ("AΣOENHΣ: Qwvb", "Qwvb"),
        ("年龄: 47 性别: 男", ""),
        ("Dist-4.21 SL-122.5 Vol-12.4.ml", ""),
        ("AB-4.21.77", "AB-4.21.77"),
        ("FOU240x240", ""),
        ("Fluor 3:12", "Fluor"),
        ("Bauer 3:12:20", "Bauer 3:12:20"),
    ],
)
def test_labels_and_settings_that_were_read_a_little_wrong_stay(text: str, goes: str) -> None:
    assert _goes(text) == goes


def test_a_colon_that_another_view_saw_makes_a_label() -> None:
    label, value = line("Byi Qwvb")
    (frame,) = find_phi([FrameWords(0, (), (replace(label, others=("By:",)), value))], ())
    assert [each.is_phi for each in frame.findings] == [False, True]


def test_dots_in_which_another_view_saw_digits_are_no_mark() -> None:
    (dots,) = line(".....")
    assert not _findings((dots,))[0].is_phi
    assert _findings((replace(dots, others=(".9.1...",)),))[0].is_phi


def test_two_words_of_which_the_model_is_nearly_sure_go_together() -> None:
    one = ScriptedClassifier({"26.05": 0.99})
    two = ScriptedClassifier({"26.05": 0.99, "106": 0.99})
    assert _goes("26.05 106 Gain", classifier=one) == ""
    assert _goes("26.05 106 Gain", classifier=two) == "26.05 106"


@pytest.mark.parametrize(("text", "goes"), [("W. Qwvb", "W. Qwvb"), ("Qwvb R", "Qwvb R"), ("W: 350 L: 40", "")])
def test_a_letter_with_a_point_is_no_label_and_no_side_stands_behind_a_name(text: str, goes: str) -> None:
    assert _goes(text, classifier=ScriptedClassifier({"Qwvb": 1.0, "R": 0.97, "W.": 0.97})) == goes


def test_a_phones_group_that_stands_apart_goes_with_it() -> None:
    words = (*line("Fax: +44 20 79", number=0), *line("62", left=150, number=1), *line("85", left=10, top=90, number=2))
    assert [each.word.text for each in _findings(words) if each.is_phi] == ["+44", "20", "79", "62"]


def test_particles_of_a_name_that_nobody_read_are_covered_too() -> None:
    hints = (Hint("ReferringPhysicianName", "van der Qwvbson^Ilse"),)
    words = line("Qwvbson Ilse", left=200)
    name, given = _findings(words, hints=hints)
    assert name.word.box.left == 200 - 8 * len("van der ")
    assert given.word.box.left == words[1].box.left


def test_a_date_in_digits_that_one_view_read_as_letters_goes() -> None:
    (dots,) = line("·V//")
    doubted = replace(dots, confidence=0.7, others=("·V/r/17",))
    assert not _findings((dots,), classifier=ScriptedClassifier({}))[0].is_phi
    assert _findings((doubted,), classifier=ScriptedClassifier({}))[0].is_phi


@pytest.mark.parametrize(("text", "goes"), [("Xq: F/YZ", "F/YZ"), ("Gain F/YZ", "")])
def test_capitals_with_strokes_behind_a_colon_may_be_initials(text: str, goes: str) -> None:
    assert _goes(text, classifier=ScriptedClassifier({"F/YZ": 0.95})) == goes


@pytest.mark.parametrize(("others", "goes"), [((UNREAD,), True), ((), False)])
def test_one_mark_of_a_line_that_another_view_could_not_read_goes_whatever_the_model_says(
    others: tuple[str, ...], goes: bool
) -> None:
    word = Word("4", Box(10, 10, 185, 19), 0.99, ("scripted",), others=others)
    (finding,) = _findings((word,), classifier=ScriptedClassifier({"4": 0.0}))
    assert finding.is_phi is goes


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("Gain □□□□□ 52%", "□□□□□"),
        ("□□/□□/□□□□ 8.0 MHz", "□□/□□/□□□□"),
        ("□□□□r□a", "□□□□r□a"),
        ("19□□", "19□□"),
        ("1□1/4", "1□1/4"),
        ("Gain□ 52%", ""),
        ("□□ 52%", ""),
        ("□s 0.4", ""),
        ("□.□. □□□□□□ 52%", "□.□. □□□□□□"),
        ("□□□□□□ □□□□ □ 4", "□□□□□□ □□□□ □ 4"),
        ("□□□□□□: 4827 12mm", "□□□□□□: 4827"),
        ("Gain 4 □□□□□□", "□□□□□□"),
    ],
)
def test_letters_that_the_reader_has_no_names_for_go_whatever_the_model_says(text: str, goes: str) -> None:
    assert _goes(text, classifier=ScriptedClassifier(dict.fromkeys(text.split(), 0.0))) == goes


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("Qwvbstr. 366", "Qwvbstr. 366"),
        ("Sankt-Qwvbingatan 12", "Sankt-Qwvbingatan 12"),
        ("Fr. 366", ""),
        ("Register 366", ""),
    ],
)
def test_a_street_in_one_word_goes_with_its_number(text: str, goes: str) -> None:
    assert _goes(text, classifier=ScriptedClassifier({})) == goes


def test_a_number_that_was_read_over_the_beginning_of_its_street_goes_with_it() -> None:
    words = (
        *line("312 Ha", number=0),
        *line("Qwvbson Avenue 4", left=62, number=1),
        *line("85", left=10, top=90, number=2),
    )
    assert [each.word.text for each in _findings(words) if each.is_phi] == ["312", "Ha", "Qwvbson", "Avenue", "4"]


def test_what_is_left_of_the_half_of_the_day_goes_with_a_time_of_which_the_model_is_sure() -> None:
    words = line("28:01 1015 M")
    clock = replace(words[1], confidence=0.8, others=("10-15",))
    model = ScriptedClassifier({"28:01": 0.99, "1015": 0.99})
    (frame,) = find_phi([FrameWords(0, (), (words[0], clock, words[2]))], (), model)
    assert [each.is_phi for each in frame.findings] == [True, True, True]


@pytest.mark.parametrize(
    ("text", "confidence", "goes"),
    [
        ("Dater 04.05.2021", 0.8, [False, True]),
        ("Dater 04.05.2021", 0.99, [True, True]),
        ("Dater Qwvb", 0.8, [True, True]),
        ("Natan 04.05.2021", 0.8, [True, True]),
    ],
)
def test_a_doubted_letter_that_looks_like_a_colon_is_one_before_digits(
    text: str, confidence: float, goes: list[bool]
) -> None:
    label, value = line(text)
    (frame,) = find_phi([FrameWords(0, (), (replace(label, confidence=confidence), value))], ())
    assert [each.is_phi for each in frame.findings] == goes


@pytest.mark.parametrize(
    ("words", "goes"),
    [
        (("Riverbend", "NHS", "Trus:"), "Riverbend NHS"),
        (("Riverbend", "NHS", "Trus:/Trust"), "Riverbend NHS Trus:"),
        (("Trust", "Riverbend"), "Trust Riverbend"),
        (("ID:", "Trust", "Riverbend"), "Riverbend"),
        (("nex?", "NHS"), "NHS"),
        (("nex?", "Gain"), ""),
    ],
)
def test_words_of_institutions_go_beside_what_goes_or_is_not_believed(words: tuple[str, ...], goes: str) -> None:
    """A question mark stands for a confidence of 0.45, a stroke before another reading."""
    texts = [each.rstrip("?").split("/") for each in words]
    read = line(" ".join(text[0] for text in texts))
    said = zip(read, texts, words, strict=True)
    given = [replace(w, others=tuple(t[1:]), confidence=0.45 if m.endswith("?") else 0.99) for w, t, m in said]
    scores = {"Riverbend": 0.99, "NHS": 0.3, "nex": 0.3}
    found = _findings(tuple(given), classifier=ScriptedClassifier(scores))
    assert " ".join(each.word.text for each in found if each.is_phi) == goes


def test_a_word_of_institutions_is_a_label_of_numbers_only_before_a_number() -> None:
    assert _goes("NHS 9434 765") == "9434 765"
    assert _goes("NHS TUS8 Varga") == "NHS TUS8 Varga"


def test_two_small_letters_go_where_the_model_is_nearly_sure() -> None:
    scores = {"as": 0.95, "AS": 0.95, "cm": 0.95, "al": 0.7}
    assert _goes("as\nAS\ncm\nal", classifier=ScriptedClassifier(scores)) == "as"


def test_no_model_is_asked_about_a_label_in_letters_of_two_alphabets() -> None:
    model = ScriptedClassifier({"Hμ.": 1.0, "γέvvησης:": 1.0, "04.05.2021": 1.0})
    assert _goes("Hμ. γέvvησης: 04.05.2021", classifier=model) == "04.05.2021"
    assert _goes("Hμ. 04.05.2021", classifier=model) == "04.05.2021"


def test_a_label_is_no_part_of_a_phone() -> None:
    assert _goes("D.0.B. 0711 455 7120") == "0711 455 7120"


@pytest.mark.parametrize(
    ("text", "scores", "goes"),
    [
        ("PATIENT R. ZAPATA", {"ZAPATA": 0.99}, "R. ZAPATA"),
        ("PATIENT R ZAPATA", {"ZAPATA": 0.99}, "ZAPATA"),
        ("Dr. Will Foot", {"Will": 0.99}, "Will Foot"),
        ("Gain Will Foot", {"Will": 0.99}, "Will"),
        ("Dr. Will Gain", {"Will": 0.99}, "Will"),
        ("Tech: Dr", {"Dr": 0.99}, "Dr"),
        ("Tech: Dr", {"Dr": 0.8}, ""),
        ("Tech: Dr:", {"Dr:": 0.99}, ""),
    ],
)
def test_what_looks_harmless_is_a_part_of_a_name_where_it_stands(
    text: str, scores: dict[str, float], goes: str
) -> None:
    assert _goes(text, classifier=ScriptedClassifier(scores)) == goes
