"""Training of the readers' networks: what they are asked, and that their files are what was trained (needs torch)."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="requirements-train.txt is not installed")
pytest.importorskip("onnx", reason="requirements-train.txt is not installed")

from deid.bench.typefaces import typefaces  # noqa: E402
from deid.engines.detector import DETECTOR  # noqa: E402
from deid.engines.rapidocr import RECOGNISER  # noqa: E402
from deid.training.cutting import HEIGHT, Strip, Strips, strips_of  # noqa: E402
from deid.training.graph import Graph  # noqa: E402
from deid.training.lettering import LEGIBLE, Lettering  # noqa: E402
from deid.training.searching import SIDE, Task, sample  # noqa: E402
from deid.values import UNNAMED  # noqa: E402


def test_a_graph_that_was_written_answers_as_before_and_halfway_between_two(tmp_path: Path) -> None:
    values = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(3))
    one, other = Graph(DETECTOR), Graph(DETECTOR)
    with torch.no_grad():
        before = one(values)
        for weight in other.parameters():
            weight.mul_(1.1)
        apart = one.weights["w0"] - other.weights["w0"]
        one.save(tmp_path / "one.onnx")
        assert (tmp_path / "one.onnx").stat().st_size < 6_000_000
        assert torch.allclose(Graph(tmp_path / "one.onnx")(values), before, atol=1e-3)
        one.blend(other, 0.5)
        assert torch.allclose(one.weights["w0"] - other.weights["w0"], apart / 2, atol=1e-6)


def test_what_the_pupil_shall_see_is_where_the_lines_are() -> None:
    rng = np.random.default_rng(4)
    lettering = Lettering(rng, typefaces())
    task = Task(DETECTOR, "cpu")
    seen = lines = 0
    for _ in range(8):
        made = sample(lettering, rng)
        assert made.picture.shape == made.alone.shape == made.marks.shape == (SIDE, SIDE)
        picture, alone, marks = (torch.from_numpy(each)[None] for each in (made.picture, made.alone, made.marks))
        target, weight, flat, core = task.wanted(alone, marks)
        for line in flat[core].unique():
            lines += 1
            seen += float(target[core & (flat == line)].max()) > 0.5
        assert not target[(marks & 63 == 0) & (weight > 0)].mean() > 0.05, "text is wanted where there is none"
        loss = task.loss(picture, alone, marks)
        loss.backward()
        assert torch.isfinite(loss)
    assert seen == lines > 10


def test_strips_hold_the_text_that_is_told_of_them() -> None:
    rng = np.random.default_rng(5)
    faces = typefaces()
    lettering = Lettering(rng, faces)
    strips = []
    texts = ""
    for _ in range(4):
        made = lettering.make()
        texts += "\n".join(line.text for line in made.lines if line.likeness >= LEGIBLE) + "\n"
        strips += strips_of(made, rng, faces)
    told = [strip.text for strip in strips if strip.text]
    assert len(told) > 20
    assert all(text in texts for text in told)
    assert {strip.grey.shape[0] for strip in strips} == {HEIGHT}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Gain 52%", "Gain 52%"),
        ("Жуков: 12.03", "□□□□□: 12.03"),
        ("١٢/٠٣", "□□/□□"),
        ("שלום", "□□□□"),
        ("ТОВАРЫ 4", "□□□□□□ 4"),
        ("СТ", None),
        (None, None),
    ],
)
def test_letters_without_names_are_told_as_such_where_a_person_could_tell(text: str | None, told: str | None) -> None:
    strips = Strips(Path(), Graph(RECOGNISER).characters, 1, held=0, pixels=1)
    named = strips._named(Strip(np.zeros((HEIGHT, 200), np.uint8), text, True, ("plain",)))
    assert named.text == told
    assert named.easy == (told is None or text == told), "what was read before is no model for the others"


def test_of_the_last_layer_one_character_alone_is_trained() -> None:
    graph = Graph(RECOGNISER)
    unnamed = graph.characters.index(UNNAMED)
    last = graph.hold_last(unnamed)
    values = torch.rand(1, 3, 48, 192, generator=torch.Generator().manual_seed(3))
    graph(values, graph.before_last).square().sum().backward()
    assert {each.shape[-1] for each in last} == {len(graph.characters)}
    for each in last:
        changed = each.grad.reshape(-1, len(graph.characters)).abs().sum(0).nonzero()
        assert changed.flatten().tolist() == [unnamed]
