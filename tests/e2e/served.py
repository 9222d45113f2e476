"""The application in a process of its own on a free port, and a real browser before it."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from selenium import webdriver
from selenium.common.exceptions import SessionNotCreatedException, TimeoutException, WebDriverException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from deid import memory
from tests.mariadb import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 180
"""How long anything on a page may take on a machine that does much else; no wait ends sooner than it has to."""
_LISTENING = Path(__file__).with_name("listening.js")
_TRY_AGAIN_SECONDS = 10
_STARTS = 3
_ROW_PX = 33
"""Of a table, its head included."""
_START = (sys.executable, "-m", "streamlit")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@dataclass(frozen=True)
class Server:
    """A running server: where, and what it printed."""

    url: str
    home: Path
    log: Path

    @property
    def setup_code(self) -> str:
        """The one-time code on its console."""
        found = re.search(r"\b(?:[A-Z2-9]{4}-){3}[A-Z2-9]{4}\b", self.log.read_text())
        assert found, "no setup code was printed"
        return found.group()


@contextmanager
def server(folder: Path, *, start: Sequence[str] = _START, **settings: str) -> Iterator[Server]:
    """A fresh installation that answers until the block ends; `start` is what takes Streamlit's arguments."""
    port, home, log = free_port(), folder / "home", folder / "server.log"
    url = f"http://127.0.0.1:{port}"
    ours = memory.ONE_HEAP | {"DEID_HOME": str(home), "DEID_ORIGIN": url, "PYTHONUNBUFFERED": "1"}
    environment = os.environ | ours | settings
    command = [*start, "run", "streamlit_app.py", f"--server.port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, f"{url}/api/health", log)
        yield Server(url, home, log)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not begin to answer:\n{log.read_text()[-3000:]}")


class Browser:
    """A headless Chromium with a few words for what a person does.

    A page shows what was there before until the server has answered a click. Everything here waits until it has: what
    is read after a click is never the page before it.
    """

    def __init__(self, driver: webdriver.Chrome, downloads: Path | None = None) -> None:
        self.driver = driver
        self._downloads = downloads
        driver.set_script_timeout(PATIENCE_SECONDS)
        listening = {"source": _LISTENING.read_text()}
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", listening)

    def open(self, url: str) -> None:
        """Go to an address."""
        self.driver.get(url)

    def wait_for(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Until the page shows the text, and all that was asked of it."""
        self._until(lambda: text in self.text and not self.busy, f"no {text!r}", seconds)

    def wait_for_not(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Until the page no longer shows the text, and shows all that was asked of it."""
        self._until(lambda: not self.busy and text not in self.text, f"still {text!r}", seconds)

    @property
    def text(self) -> str:
        """Everything that can be read on the page."""
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    @property
    def busy(self) -> bool:
        """Whether a script runs, or has been asked to and has not begun; not a fragment that polls by itself."""
        script = """
            const talk = window.deidTalk;
            const shown = document.querySelector('[data-test-script-state]');
            if (!talk || talk.unanswered || talk.running || !shown) return true;
            return !talk.byItself && shown.dataset.testScriptState === "running";"""
        return bool(self.driver.execute_script(script))

    def fill(self, label: str, value: str) -> None:
        """Type into the field with this label."""

        def typed() -> bool:
            field = self._find(By.CSS_SELECTOR, f'input[aria-label="{label}"]')
            if field is None or self.busy:
                return False
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(value)
            return field.get_attribute("value") == value

        self._until(typed, f"no field {label!r}")

    def click(self, label: str, number: int = 0, *, exactly: bool = False) -> None:
        """Press the button, or follow the link, whose text holds the label, as soon as it can be pressed.

        Of several, the one with this number from the first, or a negative one from the last. `exactly`: it says
        nothing else, but an icon.
        """
        path = f'//*[self::button or self::a][contains(normalize-space(.), "{label}")]'

        def pressed() -> bool:
            if self.busy:
                return False
            found = [each for each in self.driver.find_elements(By.XPATH, path) if each.is_displayed()]
            if exactly:
                found = [each for each in found if each.text.splitlines()[-1:] == [label]]
            if not -len(found) <= number < len(found) or not found[number].is_enabled():
                return False
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found[number])
            found[number].click()
            return True

        self._until(pressed, f"no {label!r}")

    def pick(self, label: str, value: str) -> None:
        """Choose what holds this text in the box with this label."""
        box, options = f'input[aria-label*="{label}"][role="combobox"]', '//*[@role="option"]'
        asked: int | None = None

        def picked() -> bool:
            nonlocal asked
            if asked is not None and self.asked > asked:
                return True
            field = self._find(By.CSS_SELECTOR, box)
            if field is None or self.busy:
                return False
            option = self._find(By.XPATH, f'{options}[contains(., "{value}")]')
            if option is None:
                field.send_keys(Keys.CONTROL, "a")
                field.send_keys(value)
            else:
                asked = self.asked
                option.click()
            return False

        self._until(picked, f"no {value!r} to pick")

    def tick(self, label: str) -> None:
        """Turn a switch with this label, by its words."""

        def ticked() -> bool:
            found = None if self.busy else self._find(By.XPATH, f'//label[contains(normalize-space(.), "{label}")]')
            if found is not None:
                self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
                found.click()
            return found is not None

        self._until(ticked, f"no {label!r}")

    def close_dialog(self) -> None:
        """Press the cross of the dialog that is open."""
        cross = '[role="dialog"] button[aria-label="Close"]'

        def closed() -> bool:
            if found := self._find(By.CSS_SELECTOR, cross):
                found.click()
            return found is None and not self.busy

        self._wait_element(By.CSS_SELECTOR, cross)
        self._until(closed, "the dialog stays open")

    def read(self, selector: str) -> str:
        """The text of an element, once there is any in it."""
        find = "const found = document.querySelector(arguments[0]); return found ? found.textContent.trim() : ''"
        return str(self._until(lambda: self.driver.execute_script(find, selector), f"no {selector}"))

    def described(self, heading: str) -> str:
        """What a chart under this heading is in words, for those who do not see it."""
        path = f'//h4[contains(., "{heading}")]/ancestor::*[.//*[@role="figure"]][1]//*[@role="figure"]'
        return str(self._wait_element(By.XPATH, path).get_attribute("aria-label") or "")

    def wait_until_it_fits(self) -> None:
        """Until the page is no wider than the screen."""
        script = "const page = document.scrollingElement; return page.scrollWidth <= page.clientWidth;"
        self._until(lambda: self.driver.execute_script(script), "wider than the screen")

    def wait_until_it_rests(self, seconds: float = 4) -> None:
        """Until the page, which nobody touches, has asked for nothing for so long."""
        asked, since = self.asked, time.monotonic()

        def rested() -> bool:
            nonlocal asked, since
            if self.busy or self.asked != asked:
                asked, since = self.asked, time.monotonic()
            return time.monotonic() > since + seconds

        self._until(rested, "the page starts over and over")

    def scroll_down(self) -> None:
        """To the end of the page."""
        self.driver.execute_script("const main = document.querySelector('[data-testid=stMain]'); main.scrollTo(0, 1e6)")

    def scroll_up(self) -> None:
        """To the beginning of the page."""
        self.driver.execute_script("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")

    def bring(self, *paths: Path) -> None:
        """Hand files, or one folder, to the uploader that takes such."""
        selector = 'input[type="file"]' + ("[webkitdirectory]" if paths[0].is_dir() else "")

        def brought() -> bool:
            found = self.driver.find_elements(By.CSS_SELECTOR, selector)
            if not found or self.busy:
                return False
            found[0].send_keys("\n".join(str(path) for path in paths))
            return True

        self._until(brought, "no uploader")

    def wait_for_table(self) -> WebElement:
        """The first table, once it is drawn."""
        return self._wait_element(By.CSS_SELECTOR, '[data-testid="stDataFrame"] canvas')

    def select_row(self, number: int) -> None:
        """Select a row of the first table, by the box before it; the first is 0."""
        asked: int | None = None
        clicked = 0.0

        def selected() -> bool:
            nonlocal asked, clicked
            if asked is not None and self.asked > asked:
                return True
            canvas = self._find(By.CSS_SELECTOR, '[data-testid="stDataFrame"] canvas')
            if canvas is None or self.busy or time.monotonic() < clicked + _TRY_AGAIN_SECONDS:
                return False
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
            left, top = 16 - canvas.size["width"] / 2, _ROW_PX * (number + 1.5) - canvas.size["height"] / 2
            asked, clicked = self.asked, time.monotonic()
            ActionChains(self.driver).move_to_element_with_offset(canvas, left, top).click().perform()
            return False

        self._until(selected, f"row {number} was not selected")

    def downloaded(self, name: str) -> bytes:
        """What came down under this name, once it is whole."""
        assert self._downloads is not None
        path = self._downloads / name
        self._until(lambda: path.exists() and path.stat().st_size and not self._coming_down, f"no download {name!r}")
        return path.read_bytes()

    @property
    def _coming_down(self) -> bool:
        return self._downloads is not None and any(self._downloads.glob("*.crdownload"))

    def wait_for_picture(self) -> WebElement:
        """The viewer's stage, once a picture is painted on it."""
        script = """
            for (const host of document.querySelectorAll('*')) {
                const stage = host.shadowRoot && host.shadowRoot.querySelector('.stage[data-shown]');
                if (stage) return stage;
            }
            return null;"""
        stage: WebElement = self._until(lambda: not self.busy and self.driver.execute_script(script), "no picture")
        return stage

    def wait_for_beside(self, text: str) -> None:
        """Until the viewer says this beside its picture."""
        self._until(lambda: text in self.viewer_text, f"no {text!r} beside the picture")

    @property
    def viewer_text(self) -> str:
        """What the viewer says beside its picture."""
        return str(self.driver.execute_script("return arguments[0].getRootNode().textContent", self.wait_for_picture()))

    def wait_for_cookie(self, name: str) -> None:
        """Until the browser has this cookie, and the page has heard of it."""
        self._until(lambda: self.driver.get_cookie(name) is not None and not self.busy, f"no cookie {name!r}")

    def fetch(self, path: str, method: str = "GET") -> int:
        """The status that the page's own origin answers with."""
        script = "const [p, m, done] = arguments; fetch(p, {method: m}).then(r => done(r.status), () => done(0));"
        return int(self.driver.execute_async_script(script, path, method))

    def picture(self, path: Path) -> None:
        """Save what is on the screen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))

    def stretch(self) -> None:
        """Make the screen as high as the page."""
        script = "const page = document.querySelector('[data-testid=stMain]'); return [innerWidth, page.scrollHeight];"
        width, height = self.driver.execute_script(script)
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def unstretch(self) -> None:
        """Make the screen as it was."""
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    @property
    def asked(self) -> int:
        """How often the page has asked the server for something since it was opened."""
        return int(self.driver.execute_script("return window.deidTalk ? window.deidTalk.asked : 0"))

    def _find(self, by: str, value: str) -> WebElement | None:
        return next((each for each in self.driver.find_elements(by, value) if each.is_displayed()), None)

    def _wait_element(self, by: str, value: str) -> WebElement:
        found: WebElement = self._until(lambda: self._find(by, value), value)
        return found

    def _until(self, told: Callable[[], Any], otherwise: str, seconds: float = PATIENCE_SECONDS) -> Any:
        """What `told` says once that is something; an element that the page just replaced is looked for again."""
        waiting = WebDriverWait(self.driver, seconds, 0.2, ignored_exceptions=(WebDriverException,))
        try:
            return waiting.until(lambda _: told())
        except TimeoutException as exc:
            raise AssertionError(f"{otherwise} on {self.driver.current_url}, which says:\n{self.text}") from exc


@contextmanager
def browser(
    folder: Path, *, width: int = 1440, height: int = 1000, dark: bool = False, phone: bool = False
) -> Iterator[Browser]:
    """A browser that has never been anywhere; as `phone`, narrower than a window can be, and with a finger."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*_FLAGS, f"--window-size={width},{height}"):
        options.add_argument(flag)
    if dark:
        options.add_argument("--force-dark-mode")
    if phone:
        metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    downloads = folder / "downloads"
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = _started(options, folder)
    try:
        if dark:
            scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        yield Browser(driver, downloads)
    finally:
        driver.quit()


def _started(options: webdriver.ChromeOptions, folder: Path) -> webdriver.Chrome:
    """A browser with a fresh profile; one that does not come up in time on a busy machine gets another chance."""
    for attempt in range(_STARTS):
        chosen = copy.deepcopy(options)
        chosen.add_argument(f"--user-data-dir={folder / f'profile-{attempt}'}")
        try:
            return webdriver.Chrome(options=chosen, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        except SessionNotCreatedException:
            if attempt + 1 == _STARTS:
                raise
    raise AssertionError("not reached")


def content(path: Path) -> bytes:
    """What a file holds; nothing where it has just gone, as a database's own files do."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


PASSWORD = "a long enough sentence"


def set_up(page: Browser, at: Server) -> None:
    """The first run: the administrator Ada is made with the code on the console."""
    page.open(at.url)
    page.wait_for("Set up the first administrator")
    page.fill("Setup code", at.setup_code)
    page.fill("First name", "Ada")
    page.fill("Last name", "Lovelace")
    page.fill("User name", "ada")
    page.fill("Password", PASSWORD)
    page.fill("Password again", PASSWORD)
    page.click("Create the account")
    page.wait_for("Forgotten your password?")


def sign_in(page: Browser, name: str = "ada", password: str = PASSWORD) -> None:
    """Sign in on the form that is shown; the cookie is there afterwards."""
    page.fill("User name", name)
    page.fill("Password", password)
    page.click("Sign in")
    page.wait_for_cookie("deid_session")
