"""script/setup and script/bundle: what they say where something is not as it should be. Nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A script of a copy of this folder, with a cache of its own."""
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "DEID_PYTHON": sys.executable} | variables
    return subprocess.run(["bash", *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that setup looks at, and a Python environment with nothing in it."""
    folder = tmp_path / "product"
    folder.mkdir()
    shutil.copytree(ROOT / "script", folder / "script")
    for path in (*ROOT.glob("requirements*.txt"), ROOT / "pyproject.toml"):
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def bundle(tmp_path: Path, copy: Path) -> Path:
    """A bundle without any package, made for this Python."""
    folder = tmp_path / "bundle"
    (folder / "wheels").mkdir(parents=True)
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "made-for").write_text(run(copy, "script/setup", "bundle-mark").stdout)
    shutil.rmtree(copy / ".venv")
    (folder / "SHA256SUMS").write_text("")
    return folder


def test_a_folder_that_is_no_bundle_is_told_before_anything_is_made(copy: Path, tmp_path: Path) -> None:
    done = run(copy, "script/setup", DEID_BUNDLE=str(tmp_path))
    assert done.returncode == 1
    assert "no folder that script/bundle made" in done.stderr
    assert not (copy / ".venv").exists()


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="setup would ask for system packages first")
def test_a_bundle_for_another_version_is_told(copy: Path, bundle: Path) -> None:
    (copy / "requirements.txt").write_text("another==1\n")
    done = run(copy, "script/setup", DEID_BUNDLE=str(bundle))
    assert done.returncode == 1
    assert "made for another system, Python or version" in done.stderr


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="setup would ask for system packages first")
def test_a_damaged_bundle_is_told(copy: Path, bundle: Path) -> None:
    (bundle / "wheels" / "a.whl").write_text("half")
    (bundle / "SHA256SUMS").write_text(f"{'0' * 64}  wheels/a.whl\n")
    done = run(copy, "script/setup", DEID_BUNDLE=str(bundle))
    assert done.returncode == 1
    assert "damaged" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("there", "everything")], ids=["none", "unknown"])
def test_a_bundle_is_not_begun_where_it_could_not_be_ended(copy: Path, arguments: tuple[str, ...]) -> None:
    done = run(copy, "script/bundle", *arguments)
    assert done.returncode == 1
    assert "usage: script/bundle DIR [test]" in done.stderr


def test_a_bundle_goes_into_a_new_folder(copy: Path) -> None:
    done = run(copy, "script/bundle", "script")
    assert done.returncode == 1
    assert "is not empty" in done.stderr
