"""What threads have freed goes back to the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deid.memory import ONE_HEAP

_ROOT = Path(__file__).resolve().parents[1]
_ALLOCATE = """
import sys, threading
from pathlib import Path
from deid import memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

def work():
    many = [b"x" * 60_000 for _ in range(300)]  # zeroes would take no memory before they are written to
    all_hold.wait()  # a thread that came after another's end would take over its heap
    kept.append(many[-1])  # what lies below it cannot shrink the heap by itself

kept, all_hold = [], threading.Barrier(8)
memory.share_heaps()
threads = [threading.Thread(target=work) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
full = held()
memory.give_back()
print(full - held())
"""


_AT_ONCE = """
import threading
from pathlib import Path
from deid import memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

def work():
    many = [b"x" * 60_000 for _ in range(300)]
    all_hold.wait()
    del many
    done.wait()
    end.wait()

bytes(30 << 20)  # from here on glibc keeps so much and more at the end of each heap
all_hold, done, end = threading.Barrier(8), threading.Barrier(9), threading.Event()
threads = [threading.Thread(target=work) for _ in range(8)]
before = held()
for each in threads:
    each.start()
done.wait()
memory.give_back()
print(held() - before)
end.set()
"""


_FRAMES = """
import resource
import numpy as np
from deid import memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        planes = [np.ones(750_000, np.int32) for _ in range(3)]
        del planes
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
memory.keep_freed()
faults()
print(first / max(faults(), 1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_a_frame_takes_the_memory_that_the_one_before_it_has_freed() -> None:
    said = subprocess.run([sys.executable, "-c", _FRAMES], check=True, capture_output=True, text=True).stdout
    assert float(said) > 20


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_what_threads_have_freed_is_given_back() -> None:
    said = subprocess.run([sys.executable, "-c", _ALLOCATE], check=True, capture_output=True, text=True).stdout
    assert float(said) > 20


def _kept_after_eight_at_once(environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", _AT_ONCE]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_with_one_heap_memory_comes_back_to_what_it_was_before_many_threads() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    assert _kept_after_eight_at_once(bare | ONE_HEAP) < 10
    assert _kept_after_eight_at_once(bare) > 50, "one heap is no longer needed"


_TELL = 'printf "%s" "$MALLOC_ARENA_MAX" > "$TOLD"\n'


def test_script_serve_starts_a_server_of_one_heap(tmp_path: Path) -> None:
    for folder in ("script", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(_ROOT / "script/serve", tmp_path / "script")
    (tmp_path / "script/setup").write_text("")
    (tmp_path / ".venv/bin/python").write_text("#!/bin/sh\n" + _TELL)
    (tmp_path / ".venv/bin/python").chmod(0o700)
    assert _told(tmp_path, "bash", str(tmp_path / "script/serve")) == "1"


def test_deid_serve_starts_a_server_of_one_heap(tmp_path: Path) -> None:
    (tmp_path / "streamlit").mkdir()
    (tmp_path / "streamlit/__init__.py").write_text("")
    (tmp_path / "streamlit/__main__.py").write_text(f"import subprocess\nsubprocess.call({_TELL!r}, shell=True)\n")
    assert _told(tmp_path, sys.executable, "-m", "deid", "serve") == "1"


def _told(folder: Path, *command: str) -> str:
    """What a server's stand-in wrote down."""
    home, told = str(folder / "home"), folder / "told"
    own = {"PYTHONPATH": f"{folder}{os.pathsep}{_ROOT}", "DEID_HOME": home, "TOLD": str(told)}
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    subprocess.run(command, env=bare | own, cwd=folder, check=True, capture_output=True, timeout=60)
    return told.read_text()
