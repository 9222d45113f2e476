"""Made-up text and its labels, the worlds of training and evaluation, and training itself where torch is installed."""

import dataclasses
import json
import subprocess
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pytest

from deid.engines.llama import bundled_base
from deid.engines.merge import AdapterFacts, adapter_facts
from deid.engines.prompt import FORMAT, Vocabulary, lay_out
from deid.engines.rapidocr import RapidOcr
from deid.engines.weighing import KNOWN
from deid.errors import UsageError
from deid.lexicon import load_lexicon
from deid.text import fold
from deid.training import evaluate
from deid.training.calibrate import fitted, weights_of
from deid.training.config import load_config
from deid.training.equipment import invented
from deid.training.export import Heads, read_adapter, write_adapter
from deid.training.grammar import OPEN_LISTS, load_words
from deid.training.images import MadeUp, marked, pictures
from deid.training.ngram import NgramModel
from deid.training.noise import as_read, joined, misread, noisy
from deid.training.numbers import SHORTEST_RECORD, record_number
from deid.training.people import kinds_of_places
from deid.training.rendered import read_back
from deid.training.samples import batches, drawn, grouped, sample_of
from deid.training.sections import sections
from deid.training.split import Split
from deid.training.tokenisers import tokeniser_of
from deid.training.tokens import CLOSED_LISTS, Token, stranded, technical_marks, unsure

PRINT_SOME = """
from itertools import islice
from deid.training.images import pictures
from deid.training.split import Split
print([made.lines for split in Split for made in islice(pictures(split, 5), 60)])
"""

PARTICLES = ("della",)
"""Of surnames; any name may have them."""


@pytest.fixture(scope="module")
def made() -> dict[Split, list[MadeUp]]:
    return {split: list(islice(pictures(split, 3, clean=True), 300)) for split in Split}


def test_the_same_seed_makes_the_same_text_in_every_process() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", PRINT_SOME],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("kind", [*OPEN_LISTS, "phrase", "word"])
def test_no_phrase_of_evaluation_was_trained_on(kind: str) -> None:
    trained, evaluated = (
        {phrase.split()[0].casefold() for phrase in load_words(split).phrases[kind]} for split in Split
    )
    assert trained
    assert evaluated
    assert not trained & evaluated


@pytest.mark.parametrize("kind", CLOSED_LISTS)
def test_closed_lists_are_shared_and_new_names_are_not(kind: str) -> None:
    trained, evaluated = (set(load_words(split).phrases[kind]) for split in Split)
    new = load_words(Split.EVALUATE, new_names=True).phrases[kind]
    assert trained == evaluated
    assert len(new) >= 10
    assert not {fold(name) for name in new} & {fold(name) for name in trained}


def test_no_template_of_evaluation_was_trained_on() -> None:
    trained, evaluated = ({line for lines in load_words(split).templates.values() for line in lines} for split in Split)
    assert len(evaluated) > 60
    assert not trained & evaluated


def test_no_surname_of_evaluation_was_trained_on(made: dict[Split, list[MadeUp]]) -> None:
    names = {
        split: {
            piece.casefold()
            for each in made[split]
            for token in each.tokens
            if token.kind in ("surname", "name")
            for piece in "".join(c if c.isalpha() else " " for c in token.text).split()
            if len(piece) > 4 and piece.casefold() not in PARTICLES
        }
        for split in Split
    }
    assert len(names[Split.EVALUATE]) > 100
    assert not names[Split.TRAIN] & names[Split.EVALUATE]


def test_labels_follow_the_slots(made: dict[Split, list[MadeUp]]) -> None:
    tokens = [token for each in made[Split.TRAIN] for token in each.tokens]
    private = {token.kind for token in tokens if token.phi}
    harmless = {token.kind for token in tokens if token.phi is False}
    assert {"name", "surname", "initials", "id", "date", "time", "hospital", "old"} <= private
    assert {"sex", "age", "elapsed", "measure", "brand", "projection", "side"} <= harmless
    assert not {"name", "id", "date"} & harmless
    assert not {"brand", "age", "elapsed"} & private
    assert 0.15 < len([token for token in tokens if token.phi]) / len(tokens) < 0.5


def test_a_surname_that_is_a_view_too_stands_behind_what_tells_it(made: dict[Split, list[MadeUp]]) -> None:
    lines = [line for each in made[Split.TRAIN] for line in each.lines if any(token.kind == "eponym" for token in line)]
    assert len(lines) > 20
    for line in lines:
        if any(token.phi for token in line if token.kind == "eponym"):
            assert len(line) > 1


def test_a_surname_alone_is_no_view_and_no_maker(made: dict[Split, list[MadeUp]]) -> None:
    known = {fold(text.split()[0]) for kind in ("projection", "brand") for text in sections("vocabulary.txt")[kind]}
    tokens = [token for split in Split for each in made[split] for token in each.tokens]
    assert not {fold(token.text) for token in tokens if token.kind == "surname" and len(token.text) > 3} & known


def test_initials_without_a_label_are_nothing_that_a_console_prints(made: dict[Split, list[MadeUp]]) -> None:
    loose = {fold(token.text) for each in made[Split.TRAIN] for token in each.tokens if token.kind == "loose"}
    assert len(loose) > 20
    assert not {each for each in loose if each.isalpha()} & technical_marks()


@pytest.mark.parametrize(
    ("tokens", "labels"),
    [
        pytest.param([Token("Wu", True, "name"), Token("R", True, "name")], [True, None], id="initial or side"),
        pytest.param([Token("Wu", True, "surname"), Token("L", False, "side")], [True, None], id="side or initial"),
        pytest.param([Token("P", True, "name"), Token("Wu", True, "name")], [None, True], id="initial or direction"),
        pytest.param([Token("Don", False, "title"), Token("Wu", True, "surname")], [None, True], id="title or name"),
        pytest.param([Token("4/22", False, "n")], [None], id="count or day"),
        pytest.param([Token("V/100", True, "old")], [None], id="age or setting"),
        pytest.param([Token("GR", True, "loose"), Token("89", False, "n")], [None, False], id="initials or label"),
        pytest.param([Token("UMC", True, "hospital"), Token("RF", False, "modality")], [True, None], id="its device"),
        pytest.param(
            [Token("Im:", False, ""), Token("4/22", False, "n")], [False, False], id="a count behind its label"
        ),
        pytest.param([Token("14/22", False, "n")], [False], id="no day"),
        pytest.param([Token("Ward", False, "wardlabel"), Token("Ost", True, "ward")], [None, True], id="label or name"),
        pytest.param([Token("Ward:", False, "wardlabel"), Token("Ost", True, "ward")], [False, True], id="a label"),
        pytest.param([Token("Gent", True, "hospital"), Token("MRI", True, "hospital")], [True, None], id="modality"),
        pytest.param([Token("Praxis", False, ""), Token("Wu", True, "surname")], [None, True], id="practice"),
        pytest.param([Token("Dr.", False, ""), Token("Wu", True, "surname")], [False, True], id="a title"),
        pytest.param([Token("Bennett", False, "brand"), Token("Wu", True, "name")], [None, True], id="maker or name"),
        pytest.param([Token("SonoScape", False, "brand"), Token("Wu", True, "name")], [False, True], id="a maker"),
        pytest.param([Token("Kovacs", False, "phrase"), Token("View", False, "phrase")], [None, False], id="eponym"),
        pytest.param([Token("Short", True, "surname"), Token("2D", False, "")], [True, False], id="an eponym's place"),
        pytest.param([Token("Open", True, "surname"), Token("2D", False, "")], [None, False], id="name or word"),
        pytest.param([Token("Name:", False, "namelabel"), Token("Open", True, "surname")], [False, True], id="named"),
    ],
)
def test_what_people_would_differ_about_has_no_label(tokens: list[Token], labels: list[bool | None]) -> None:
    assert [unsure(tokens, index).phi for index in range(len(tokens))] == labels


def test_a_measure_that_was_read_as_a_long_number_has_no_label() -> None:
    token = Token("94/1193", False, "n")
    assert as_read(token, "941193").phi is None
    assert as_read(token, "94/119").phi is False
    assert as_read(Token("941193", True, "id"), "94119").phi is True


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        pytest.param((Token("758", True, "street"),), [None], id="house number"),
        pytest.param((Token("Ward", False, "wardlabel"), Token("2D", True, "ward")), [False, True], id="labelled"),
        pytest.param((Token("Gent", True, "city"), Token("3", True, "street")), [True, True], id="a long word"),
        pytest.param((Token("jk", True, "initials"),), [True], id="initials"),
        pytest.param((Token("FD", True, "initials"),), [None], id="initials or a setting"),
        pytest.param((Token("Breast", True, "hospital"), Token("Clinic", True, "hospital")), [None, None], id="kind"),
        pytest.param((Token("Ost", True, "hospital"), Token("Clinic", True, "hospital")), [True, True], id="named"),
        pytest.param((Token("Siemens", True, "eponym"),), [None], id="surname or maker"),
        pytest.param((Token("Siemens", True, "eponym"), Token("Ann", True, "given")), [True, True], id="with a name"),
    ],
)
def test_what_a_cut_left_without_context_has_no_label(line: tuple[Token, ...], labels: list[bool | None]) -> None:
    assert [token.phi for token in stranded(line)] == labels


def test_a_number_without_a_label_is_long() -> None:
    rng = Random(3)
    for split in Split:
        numbers_alone = [record_number(rng, split, alone=True) for _ in range(300)]
        assert min(sum(each.isalnum() for each in number) for number in numbers_alone) >= SHORTEST_RECORD


def test_a_misread_word_keeps_its_label() -> None:
    line = (
        Token("Name:", False, ""),
        Token("LINDQVIST", True, "name"),
        Token("kVp", False, ""),
        Token("110", False, ""),
    )
    for seed in range(200):
        (read,) = noisy((line,), Random(seed), 0.05)
        assert any(token.phi for token in read)
        assert all(token.phi for token in read if "INDQ" in token.text)
        assert not any(token.phi for token in read if token.text in ("kVp", "110"))


def test_a_value_joined_to_its_label_identifies() -> None:
    assert joined(Token("Name:", False, ""), Token("Hale", True, "name")) == ("Name:Hale", True, "name")
    assert joined(Token("kVp", False, ""), Token("110", False, "n")).phi is False


def test_text_without_mistakes_is_left_as_it_is() -> None:
    assert misread("Thickness", Random(1), 0.0) == "Thickness"


def test_each_word_is_asked_about_at_its_last_token() -> None:
    vocabulary = Vocabulary(lambda word: tuple(ord(each) for each in word), 1, 0, 9)
    laid = lay_out([["ab", "c"], ["def"]], vocabulary)
    assert laid.tokens == (1, 97, 98, 99, 0, 100, 101, 102, 0)
    assert laid.asked == (2, 3, 7)


def test_marks_stand_before_words_and_no_text_can_make_one() -> None:
    vocabulary = Vocabulary(lambda word: tuple(ord(each) for each in word), 1, 0, ord("~"))
    laid = lay_out([["ab", "~c"], ["~"]], vocabulary, [1, 2, 0])
    assert laid.tokens == (1, ord("~"), 97, 98, ord("~"), ord("~"), 99, 0, 0, 0)
    assert laid.asked == (3, 6, 8)


def test_training_withholds_some_of_what_the_lists_know(made: dict[Split, list[MadeUp]]) -> None:
    rng, lexicon = Random(3), load_lexicon()
    shown = [marked(each, rng) for each in made[Split.TRAIN]]
    assert any(not each.marks for each in shown)
    pairs = [
        (mark, lexicon.standing(token.text))
        for each in shown
        for mark, token in zip(each.marks, each.tokens, strict=bool(each.marks))
    ]
    assert all(mark in (0, known) for mark, known in pairs)
    assert 0 < sum(mark < known for mark, known in pairs) < 0.1 * sum(known > 0 for _, known in pairs)


@pytest.mark.parametrize(
    ("word", "standing"),
    [
        ("kVp", 1),
        ("Name:", 1),
        ("Dr.", 1),
        ("SonoScape", 1),
        ("Toshiba", 2),
        ("Law,", 2),
        ("Lindqvist", 0),
        ("Fødselsdafo", 2),
        ("M1tral", 2),
        ("Schiller", 2),
        ("Miter", 0),
        ("812345", 0),
        ("Szpital:", 1),
        ("Szpital", 0),
        ("Godz.", 1),
        ("4711", 0),
    ],
)
def test_the_lists_say_what_a_word_is(word: str, standing: int) -> None:
    assert load_lexicon().standing(word) == standing


def test_the_lists_know_every_name_of_the_trade() -> None:
    lexicon, lists = load_lexicon(), sections("vocabulary.txt")
    named = {word for kind in CLOSED_LISTS for text in lists[kind] for word in text.split()}
    assert [word for word in named if any(each.isalpha() for each in word) and not lexicon.standing(word)] == []
    assert [word for word in lists["eponym"] if lexicon.standing(word) != 2] == []
    made_up = {word for kind in CLOSED_LISTS for text in lists["new" + kind] for word in text.split()}
    assert sum(lexicon.standing(word) == 0 for word in made_up) > 50


def test_the_yardstick_learns(made: dict[Split, list[MadeUp]]) -> None:
    model = NgramModel(made[Split.TRAIN])
    assert evaluate.figures(model.logits, made[Split.EVALUATE]).auc > 0.9


def test_the_area_under_the_curve_counts_pairs() -> None:
    assert evaluate.area_under_curve(np.array([2.0, 1.0]), np.array([0.0, 1.0])) == pytest.approx(0.875)


def test_a_configuration_may_say_less_but_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("layers = 2\n")
    assert load_config(path) == dataclasses.replace(load_config(), layers=2)
    path.write_text("layer = 2\n")
    with pytest.raises(UsageError):
        load_config(path)


def test_an_adapter_says_how_it_is_used(tmp_path: Path) -> None:
    weights = {
        f"layers.0.self_attn.q_proj.{part}": np.ones(shape, np.float32)
        for part, shape in (("a", (2, 8)), ("b", (8, 2)))
    }
    for facts in (AdapterFacts(FORMAT, 1, 0.25, ""), AdapterFacts(FORMAT, 1, 0.25, "", (0.5, -1.25))):
        write_adapter(weights, Heads(2, 2), 4.0, facts, tmp_path / "own.gguf")
        assert adapter_facts(tmp_path / "own.gguf") == facts


def test_an_answer_is_corrected_by_what_is_known_of_a_word_and_by_nothing_else() -> None:
    rng = np.random.default_rng(5)
    known = rng.random((4000, 2)) < 0.3
    scores = rng.normal(0, 3, 4000)
    phi = rng.random(4000) < 1 / (1 + np.exp(-2 * (scores - 1.5 * known[:, 0])))
    listed, nothing = fitted(known.astype(float), scores, phi)
    assert listed == pytest.approx(-1.5, abs=0.3)
    assert nothing == pytest.approx(0, abs=0.3)


def test_weights_are_learnt_from_a_judge_that_trusts_no_list(made: dict[Split, list[MadeUp]]) -> None:
    weights = weights_of(lambda lines: [0.0 for line in lines for _ in line], made[Split.EVALUATE][:80])
    assert weights[KNOWN.index("listed")] < 0 < weights[KNOWN.index("an age that identifies")]


def test_an_adapter_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    weights = {
        f"layers.{layer}.{linear}.{part}": rng.integers(-9, 9, shape).astype(np.float32)
        for layer in (0, 1)
        for linear in ("self_attn.q_proj", "self_attn.k_proj", "mlp.up_proj")
        for part, shape in (("a", (2, 8)), ("b", (16, 2)))
    }
    heads = Heads(4, 2)
    write_adapter(weights, heads, 4.0, AdapterFacts(FORMAT, 2, 0.0, ""), tmp_path / "own.gguf")
    read = read_adapter(tmp_path / "own.gguf", heads)
    assert read.keys() == weights.keys()
    assert all(np.array_equal(read[name], weights[name]) for name in weights)


def test_what_is_no_adapter_is_not_started_from(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    with pytest.raises(UsageError):
        read_adapter(tmp_path / "own.gguf", Heads(4, 2))


@pytest.mark.parametrize("kind", ["device", "sequence", "protocol", "kernel"])
def test_equipment_is_invented_for_training_alone(kind: str) -> None:
    assert invented(kind, Random(3))
    assert invented("projection", Random(3)) is None
    listed = set(load_words(Split.EVALUATE).phrases[kind])
    words = {word for text in listed for word in text.split()}
    tokens = [t for each in islice(pictures(Split.EVALUATE, 4, clean=True), 60) for t in each.tokens if t.kind == kind]
    plain = [token.text for token in tokens if token.text.isalnum()]
    assert len(plain) > 3
    assert {fold(text) for text in plain} <= {fold(word) for word in words}


def test_words_of_forms_say_what_a_place_is() -> None:
    assert {"RADIOLOGY", "HOSPITAL", "WARD"} <= {each.upper() for each in kinds_of_places()}


def test_drawn_pictures_are_read_and_keep_their_labels() -> None:
    seen = read_back(5, (RapidOcr(),))
    tokens = [token for each in seen.pictures for token in each.tokens]
    assert len(tokens) > 5
    assert {token.phi for token in tokens} >= {True, False}
    assert 0 <= seen.misread < 0.2 * seen.letters
    assert seen.regrouped < 0.5 * seen.words
    assert seen.worst >= seen.misread / seen.letters


@pytest.mark.parametrize(
    ("text", "score", "bar", "goes"),
    [
        pytest.param("kVp", 9.0, evaluate.NEVER, False, id="the word list stands"),
        pytest.param("kVp", 9.0, 0.9995, True, id="overruled"),
        pytest.param("kVp", 5.0, 0.9995, False, id="below the bar"),
        pytest.param("Vreeswijk", -2.0, evaluate.NEVER, False, id="unsettled and harmless"),
        pytest.param("Vreeswijk", 1.0, evaluate.NEVER, True, id="unsettled and private"),
        pytest.param("12/03/1964", -9.0, 0.9995, True, id="a pattern stands"),
    ],
)
def test_rules_and_a_model_decide_together(text: str, score: float, bar: float, goes: bool) -> None:
    judge = evaluate.with_rules(lambda lines: [score for line in lines for _ in line], bar)
    assert [each >= 0 for each in judge([[text]])] == [goes]


@pytest.mark.parametrize("rank", [4, 32])
def test_an_adapter_comes_back_as_it_was_written(tmp_path: Path, rank: int) -> None:
    rng = np.random.default_rng(5)
    shapes = {"a": (rank, 64), "b": (64, rank)}
    weights = {f"layers.0.mlp.down_proj.{part}": rng.normal(size=shape) for part, shape in shapes.items()}
    for name in ("own", "again"):  # what was rounded once is not rounded again
        write_adapter(weights, Heads(2, 2), 4.0, AdapterFacts(FORMAT, 1, 0.0, ""), tmp_path / f"{name}.gguf")
        read = read_adapter(tmp_path / f"{name}.gguf", Heads(2, 2))
        for key, values in weights.items():
            assert np.abs(read[key] - values).max() < (0.02 if name == "own" else 1e-6)
        weights = {key: np.asarray(values, float) for key, values in read.items()}


def test_processes_draw_what_the_training_would_draw_itself() -> None:
    base = bundled_base()
    vocabulary, _ = tokeniser_of(base)
    config = dataclasses.replace(load_config(), batch_tokens=400)
    with closing(batches(config, base, vocabulary, 3)) as alone:
        expected = list(islice(alone, 40))
    with closing(batches(dataclasses.replace(config, processes=2), base, vocabulary, 3)) as beside:
        assert list(islice(beside, 40)) == expected
    assert {number for number, _ in expected} > {3, 4}


def test_a_chunk_is_cut_into_batches_of_like_length() -> None:
    vocabulary, _ = tokeniser_of(bundled_base())
    config = dataclasses.replace(load_config(), batch_tokens=2000)
    made, rng = drawn(config, 0)
    sized = [(len(sample_of(each, vocabulary).layout.tokens), each) for each in made]
    groups = grouped(sized, config.batch_tokens, rng)
    assert sum(map(len, groups)) == len(made) == 250
    widths = [[len(sample_of(each, vocabulary).layout.tokens) for each in group] for group in groups]
    assert all(max(each) * len(each) <= 2000 for each in widths)
    assert sum(map(sum, widths)) > 0.8 * sum(max(each) * len(each) for each in widths)


def test_training_runs_on_another_base(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs requirements-train.txt")
    pytest.importorskip("transformers", reason="training needs requirements-train.txt")
    from deid.training.run import Place, train_adapter

    base = _tiny_llama(tmp_path / "base")
    config = dataclasses.replace(
        load_config(), base=str(base), layers=1, seconds=1.0, batch_tokens=300, other_pictures=4
    )
    place = Place(tmp_path / "out")
    said: list[str] = []
    train_adapter(config, place, said.append)
    facts = adapter_facts(place.adapter)
    assert facts is not None
    assert facts.layers == 1
    assert json.loads(place.facts.read_text())["config"]["layers"] == 1
    start = dataclasses.replace(config, seconds=0.0, start_adapter=str(place.adapter))
    train_adapter(start, Place(tmp_path / "next"), said.append)
    first, after = (read_adapter(each, Heads(4, 2)) for each in (place.adapter, Place(tmp_path / "next").adapter))
    assert all(np.array_equal(first[name], after[name]) for name in first)
    with pytest.raises(UsageError):
        train_adapter(dataclasses.replace(start, rank=4), Place(tmp_path / "other"), said.append)
    train_adapter(dataclasses.replace(config, seconds=1.5), dataclasses.replace(place, resume=True), said.append)
    assert any(line.startswith("resumed") for line in said)
    assert "specificity at recall" in said[-2]


def _tiny_llama(folder: Path) -> Path:
    """A Llama of random weights with a tokeniser of single bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(
        models.BPE({letter: index + 2 for index, letter in enumerate(letters)} | {"<s>": 0, "</s>": 1}, [])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
