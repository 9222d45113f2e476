"""Imports point one way: values, errors <- stages, codecs, engines <- pipeline <- jobs, store <- the faces."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASE = {"values", "errors"}
STAGES = {"load", "render", "ocr", "classify", "boxes", "redact", "header", "verify"}
COMMAND_LINE = {"cli", "commands"}
FACES = {"ui", "api", *COMMAND_LINE}
PLANS = {"jobs", "manifest", "index", "ledger", "publishing", "patience", "cluster", "errands", "single"}
RUNS = {*PLANS, "runfiles", "packing", "background", "serving", "retention", "doctor", "logs"}
REVIEWS = {"review", "waiting", "workbench", "release", "quality", "trials"}
ABOVE_STAGES = {"pipeline", "turns", "store", "settings", *RUNS, *REVIEWS, *FACES}
WEB = {"streamlit", "streamlit_authenticator", "starlette", "fastapi", "uvicorn"}
DATABASE = {"sqlalchemy", "alembic", "pymysql"}
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "deid").rglob("*.py"))
PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "pages").glob("*.py"))


def _imported(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _parts(path: Path) -> set[str]:
    """Which parts of deid a file imports: the first name below `deid`."""
    return {name.split(".")[1] for name in _imported(path) if name.startswith("deid.")}


def _outside(path: Path) -> set[str]:
    return {name.split(".")[0] for name in _imported(path)}


def _part_of(path: Path) -> str:
    return path.parts[1].removesuffix(".py")


def _below_the_pipeline() -> list[Path]:
    """Stages and what they stand on: everything that is neither above them nor the start of the package."""
    return [
        path
        for path in MODULES
        if _part_of(path) not in ABOVE_STAGES | {"__init__", "__main__"} | {"demo", "training", "desk", "bench"}
    ]


@pytest.mark.parametrize("path", [path for path in MODULES if _part_of(path) in BASE], ids=str)
def test_values_and_errors_stand_on_nothing(path: Path) -> None:
    assert _parts(path) <= BASE


@pytest.mark.parametrize("path", [path for path in MODULES if _part_of(path) in STAGES], ids=str)
def test_a_stage_imports_no_other_stage(path: Path) -> None:
    assert not _parts(path) & STAGES - {_part_of(path)}


@pytest.mark.parametrize("path", _below_the_pipeline(), ids=str)
def test_what_stands_below_the_pipeline_knows_neither_settings_nor_store_nor_web(path: Path) -> None:
    assert not _parts(path) & ABOVE_STAGES
    assert not _outside(path) & (WEB | DATABASE)


@pytest.mark.parametrize("path", [path for path in MODULES if _part_of(path) == "pipeline"], ids=str)
def test_the_pipeline_knows_neither_jobs_nor_store_nor_settings(path: Path) -> None:
    assert not _parts(path) & (ABOVE_STAGES - {"pipeline"})


@pytest.mark.parametrize("path", [path for path in MODULES if _part_of(path) in {"store", *RUNS}], ids=str)
def test_store_and_runs_import_no_face(path: Path) -> None:
    assert not _parts(path) & FACES
    assert not _outside(path) & WEB


@pytest.mark.parametrize("path", [path for path in MODULES if _part_of(path) in FACES], ids=str)
def test_the_faces_never_import_each_other(path: Path) -> None:
    own = COMMAND_LINE if _part_of(path) in COMMAND_LINE else {_part_of(path)}
    assert not _parts(path) & FACES - own


@pytest.mark.parametrize("path", [path for path in MODULES if _part_of(path) != "store"], ids=str)
def test_only_the_store_knows_sqlalchemy(path: Path) -> None:
    assert not _outside(path) & DATABASE


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_has_no_database_no_pixels_and_no_pydicom(path: Path) -> None:
    assert not _outside(path) & (DATABASE | {"pydicom", "numpy", "PIL", "cv2"})


@pytest.mark.parametrize("path", [path for path in MODULES if _part_of(path) == "demo"], ids=str)
def test_the_demo_stands_alone(path: Path) -> None:
    assert _parts(path) <= {"demo"}


def test_only_settings_reads_the_environment() -> None:
    reading = re.compile(r"environ\.get\(|environ\[[^]]+\](?!\s*=[^=])|getenv\(")
    readers = {
        str(path)
        for path in [*MODULES, *PAGES]
        if _part_of(path) != "settings" and reading.search((ROOT / path).read_text(encoding="utf-8"))
    }
    assert readers == set()


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not {path.stem for path in MODULES} & {"utils", "util", "helpers", "common", "misc", "manager"}
