"""How quickly the review page's viewer opens and answers in a real browser, and what a long loop sends.

    .venv/bin/python script/time_viewer.py [--rows 2500] [--columns 2000] [--frames 300]

A large image of 16 bits and a loop wait for one person. Measured are the seconds from the key that turns the page to
the large image until it is painted, from the key that toggles its box until it is drawn so, and until the server says
that it heard; and of the loop the bytes that came over the page's connection until its first frame, after ten frames
one by one, and after a jump, beside what all its frames are when packed as they are sent.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from selenium.webdriver import ActionChains, Keys

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from deid.settings import Settings
from deid.store import open_store
from deid.values import Box
from tests.dicom_factory import dicom
from tests.e2e import crowd
from tests.e2e.served import Browser, browser, server, set_up, sign_in

_COUNTING = """
    const Plain = WebSocket;
    window.heardBytes = 0;
    window.WebSocket = class extends Plain {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", ({ data }) => {
                window.heardBytes += data.byteLength ?? data.size ?? data.length;
            });
        }
    };"""
_SHOWN = "`${stage.querySelector('canvas').width} ${stage.dataset.shown}`"
TURNS = 5


def radiograph(rows: int, columns: int) -> np.ndarray:
    """Twelve of sixteen bits, with slopes and the noise of a detector."""
    down, across = np.mgrid[:rows, :columns]
    smooth = 2000 + 1200 * np.sin(down / 300) * np.cos(across / 250)
    return (smooth + np.random.default_rng(1).normal(0, 12, (rows, columns))).clip(0, 4095).astype("u2")


def loop(frames: int) -> np.ndarray:
    """A loop of 480 x 640 in which something moves over a ground with noise."""
    random, made = np.random.default_rng(2), np.empty((frames, 480, 640), "u1")
    ground = random.integers(20, 90, (480, 640)).astype("u1")
    for number in range(frames):
        made[number] = np.roll(ground, number, axis=1)
        made[number, 100:200, 2 * number % 500 : 2 * number % 500 + 60] = 200
    return made


def until(page: Browser, holds: Callable[[], bool]) -> float:
    """Seconds until it holds, looked at every hundredth."""
    start = time.perf_counter()
    while time.perf_counter() - start < 120:
        if holds():
            return time.perf_counter() - start
        time.sleep(0.01)
    raise SystemExit(f"what was waited for did not come; the viewer shows {look(page, _SHOWN)}")


def look(page: Browser, what: str) -> object:
    """Something of the viewer's stage, or nothing while there is none."""
    script = """
        for (const host of document.querySelectorAll('*')) {
            const stage = host.shadowRoot && host.shadowRoot.querySelector('.stage');
            if (stage) return (function (stage) { return %s; })(stage);
        }
        return null;"""
    return page.driver.execute_script(script % what)


def press(page: Browser, key: str) -> None:
    """Strike a key."""
    ActionChains(page.driver, duration=0).send_keys(key).perform()


def main() -> int:
    """Measure, and print what was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=2500)
    asked.add_argument("--columns", type=int, default=2000)
    asked.add_argument("--frames", type=int, default=300)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), DEID_MODEL="none") as at:
        with browser(Path(folder) / "first") as page:
            set_up(page, at)
        store = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
        frames = loop(given.frames)
        crowd.let_wait(at, store, "ada", dicom(frames), Box(20, 20, 60, 20), given.frames)
        image = dicom(radiograph(given.rows, given.columns), WindowCenter=2000, WindowWidth=3000)
        crowd.let_wait(at, store, "ada", image, Box(200, 200, 400, 80))
        store.close()
        with browser(Path(folder) / "second") as page:
            page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _COUNTING})
            page.open(f"{at.url}/review")
            sign_in(page)
            measure(page, given.columns, [len(zlib.compress(frame.tobytes(), 1)) for frame in frames])
    return 0


def measure(page: Browser, columns: int, packed: list[int]) -> None:
    """The two images one after the other, as often as it takes."""
    heard = "window.heardBytes"
    page.wait_for("1 of 2")
    until(page, lambda: look(page, "stage.dataset.shown") is not None)
    first = int(str(look(page, heard)))
    for number in range(10):
        press(page, Keys.ARROW_RIGHT)
        until(page, lambda number=number: look(page, "stage.dataset.shown") == str(number + 1))
    ten = int(str(look(page, heard)))
    far = len(packed) * 2 // 3
    jump = f"(() => {{ const s = stage.getRootNode().querySelector('.frame'); s.value = {far + 1}; "
    look(page, jump + "s.dispatchEvent(new Event('input', {bubbles: true})); })()")
    jumped = until(page, lambda: look(page, "stage.dataset.shown") == str(far))
    after = int(str(look(page, heard)))
    whole = sum(packed)
    print(f"loop of {len(packed)} frames, {whole / 1e6:.1f} MB packed as sent: {first / 1e6:.1f} MB came with the page")
    print(f"and its first frame, {ten / 1e6:.1f} MB until the eleventh, {after / 1e6:.1f} MB after a jump to frame")
    print(f"{far + 1}, which took {jumped:.2f} s: {after / whole:.0%} of the loop")
    opened, drawn, told = [], [], []
    for _ in range(TURNS):
        page.wait_for("1 of 2")
        press(page, "j")
        opened.append(until(page, lambda: look(page, _SHOWN) == f"{columns} 0"))
        page.wait_for("2 of 2")
        before = look(page, "stage.dataset.marks")
        press(page, "1")
        drawn.append(until(page, lambda before=before: look(page, "stage.dataset.marks") != before))
        wanted = "1 kept" if "goes" in str(before) else "0 kept"
        told.append(drawn[-1] + until(page, lambda wanted=wanted: wanted in page.text))
        page.wait_for(wanted)
        press(page, "k")
    for name, each in (("open", opened), ("toggle drawn", drawn), ("toggle heard by the server", told)):
        print(f"{name}: {' '.join(f'{value:.2f}' for value in each)} s")


if __name__ == "__main__":
    sys.exit(main())
