"""README.md cannot fall behind: commands, options, settings and links are compared with the code."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from deid.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHER_VARIABLES = {"DEID_BENCH", "DEID_PYTHON", "DEID_BUNDLE"}
"""Read by the tests and by script/setup, not by the product."""


def _commands() -> dict[str, Any]:
    """Every command that does something: its words after `deid`, and the command."""
    from deid.cli import app

    commands = dict(_walk(typer.main.get_command(app), ()))
    assert "" not in commands
    return commands


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    # Typer brings a click of its own, so a group is told by what it has, not by its class.
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(words), command
    for name, child in (children or {}).items():
        if not child.hidden:
            yield from _walk(child, (*words, name))


def _said_of(setting: str) -> str:
    """What the table gives as a setting's default."""
    row = re.search(rf"^\| `DEID_{setting.upper()}` \| (.*?) \|", README, re.MULTILINE)
    assert row, f"DEID_{setting.upper()} has no row in README.md"
    return row[1].strip("`")


def test_every_command_is_in_the_readme() -> None:
    assert [words for words in _commands() if f"deid {words}" not in README] == []


def test_the_readme_shows_no_command_that_does_not_exist() -> None:
    shown = set(
        re.findall(r"^    (?:\.venv/bin/)?deid ((?:[a-z]+ )*?[a-z]+) (?=[A-Z]|[a-z-]+-|--)", README, re.MULTILINE)
    )
    assert shown
    assert shown <= set(_commands())


def test_every_option_that_the_readme_names_exists() -> None:
    known = {option for command in _commands().values() for parameter in command.params for option in parameter.opts}
    table = README.split("| option of `deid run` |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(--[a-z-]+)", table)) <= known


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_in_the_readme_with_its_default(field: dataclasses.Field[object]) -> None:
    said = _said_of(field.name)
    if isinstance(field.default, int | float):
        assert float(said) == field.default
    elif field.default == "":
        assert said in ("none", "bundled")
    elif field.default is not dataclasses.MISSING:
        assert said == field.default


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_no_setting_that_does_not_exist(path: Path) -> None:
    real = {f"DEID_{field.name.upper()}" for field in dataclasses.fields(Settings)} | OTHER_VARIABLES
    assert set(re.findall(r"DEID_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8"))) <= real


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_all_nine_packages_that_the_users_named_are_required_and_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in required)
    named = {
        "streamlit", "pydicom", "numpy", "pytesseract", "plotly",
        "llama-cpp-python", "sqlalchemy", "pymysql", "streamlit-authenticator",
    }  # fmt: skip
    assert named <= {line.split("==")[0] for line in required}


def test_every_required_package_has_its_line_in_the_decisions() -> None:
    told = (ROOT / "docs/decisions/0002-dependencies.md").read_text(encoding="utf-8")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split("==")[0] for line in lines if "==" in line]
    assert [name for name in names if name not in told and name.removeprefix("pylibjpeg") not in told] == []
