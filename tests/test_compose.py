"""compose.yaml cannot be run where the tests run: at least it parses, and names what is there."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from deid.cli import app
from deid.settings import Settings

ROOT = Path(__file__).parents[1]
FILE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: each for name, each in FILE["services"].items() if "build" in each}
IMAGE_COMMAND = json.loads(re.findall(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)[-1])


def test_it_has_server_scheduler_workers_and_database() -> None:
    assert set(OURS) == {"app", "scheduler", "worker"}
    assert set(FILE["services"]) == {*OURS, "database"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_exists_with_its_options(name: str) -> None:
    program, command, *options = OURS[name].get("command", IMAGE_COMMAND)
    assert program == ".venv/bin/deid"
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {option for parameter in commands[command].params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


@pytest.mark.parametrize("name", OURS)
def test_each_setting_exists_and_its_files_are_mounted(name: str) -> None:
    given = OURS[name]["environment"]
    real = {f"DEID_{field.name.upper()}" for field in dataclasses.fields(Settings)}
    assert set(given) <= real
    folders = [each.split(":")[1] for each in OURS[name]["volumes"]]
    for each in ("DEID_TLS_CA", "DEID_TLS_CERT", "DEID_TLS_KEY"):
        assert str(Path(given[each]).parent) in folders


def test_all_meet_at_one_scheduler_by_tls() -> None:
    addresses = {each["environment"]["DEID_SCHEDULER"] for each in OURS.values()}
    assert addresses == {"tls://scheduler:8786"}
    assert OURS["scheduler"]["command"][-1].endswith(":8786")


def test_only_the_server_is_reached_from_outside_and_only_from_this_machine() -> None:
    ports = {name: each["ports"] for name, each in FILE["services"].items() if "ports" in each}
    assert ports == {"app": ["127.0.0.1:8501:8501"]}


@pytest.mark.parametrize("name", OURS)
def test_each_container_is_locked_down(name: str) -> None:
    each = OURS[name]
    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"]
    assert set(each.get("depends_on", ())) <= set(FILE["services"])
    volumes = [volume.split(":")[0] for volume in each["volumes"]]
    assert {volume for volume in volumes if not volume.startswith("./")} <= set(FILE["volumes"])
