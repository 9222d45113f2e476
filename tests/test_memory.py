"""What threads have freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

_ALLOCATE = """
import sys, threading
from pathlib import Path
from deid import memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

def work():
    many = [bytes(60_000) for _ in range(300)]
    kept.append(many[-1])  # what lies below it cannot shrink the heap by itself

kept = []
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
