"""The application in a process of its own on a free port, and a real browser before it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.mariadb import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
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
    environment = os.environ | {"DEID_HOME": str(home), "DEID_ORIGIN": url, "PYTHONUNBUFFERED": "1"} | settings
    command = [*start, "run", "streamlit_app.py", f"--server.port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, f"{url}/api/health", log)
        yield Server(url, home, log)
    finally:
        process.terminate()
        process.wait(30)


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
    """A headless Chromium with a few words for what a person does."""

    def __init__(self, driver: webdriver.Chrome, downloads: Path | None = None) -> None:
        self.driver = driver
        self._downloads = downloads

    def open(self, url: str) -> None:
        """Go to an address."""
        self.driver.get(url)

    def wait_for(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Until the page shows the text and no script runs."""
        WebDriverWait(self.driver, seconds, 0.2).until(lambda _: text in self.text and not self.busy, f"no {text!r}")

    @property
    def text(self) -> str:
        """Everything that can be read on the page."""
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    @property
    def busy(self) -> bool:
        """Whether a script runs."""
        return bool(self.driver.find_elements(By.CSS_SELECTOR, '[data-test-script-state="running"]'))

    def fill(self, label: str, value: str) -> None:
        """Type into the field with this label."""
        field = self._wait_element(By.CSS_SELECTOR, f'input[aria-label="{label}"]')
        field.clear()
        field.send_keys(value)

    def click(self, label: str, number: int = 0, *, exactly: bool = False) -> None:
        """Press the button, or follow the link, whose text holds the label, as soon as it can be pressed.

        Of several, the one with this number from the first, or a negative one from the last. `exactly`: it says
        nothing else, but an icon.
        """
        path = f'//*[self::button or self::a][contains(normalize-space(.), "{label}")]'

        def press(_: object) -> bool:
            found = [each for each in self.driver.find_elements(By.XPATH, path) if each.is_displayed()]
            if exactly:
                found = [each for each in found if each.text.splitlines()[-1:] == [label]]
            if not -len(found) <= number < len(found) or not found[number].is_enabled():
                return False
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found[number])
            found[number].click()
            return True

        WebDriverWait(self.driver, PATIENCE_SECONDS, 0.2, ignored_exceptions=(Exception,)).until(press, f"no {label!r}")

    def wait_for_not(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Until the page no longer shows the text."""
        gone = WebDriverWait(self.driver, seconds, 0.2)
        gone.until(lambda _: text not in self.text and not self.busy, f"still {text!r}")

    def pick(self, label: str, value: str) -> None:
        """Choose what holds this text in the box with this label."""
        box = self._wait_element(By.CSS_SELECTOR, f'input[aria-label*="{label}"][role="combobox"]')
        box.send_keys(value)
        option = self._wait_element(By.XPATH, f'//*[@role="option"][contains(., "{value}")]')
        option.click()

    def close_dialog(self) -> None:
        """Press the cross of the dialog that is open."""
        self._wait_element(By.CSS_SELECTOR, '[role="dialog"] button[aria-label="Close"]').click()

    def read(self, selector: str) -> str:
        """The text of an element, once there is any in it."""
        waiting = WebDriverWait(self.driver, PATIENCE_SECONDS, 0.2, ignored_exceptions=(Exception,))
        find = "const found = document.querySelector(arguments[0]); return found ? found.textContent.trim() : ''"
        return str(waiting.until(lambda driver: driver.execute_script(find, selector), f"no {selector}"))

    def described(self, heading: str) -> str:
        """What a chart under this heading is in words, for those who do not see it."""
        path = f'//h4[contains(., "{heading}")]/ancestor::*[.//*[@role="figure"]][1]//*[@role="figure"]'
        return str(self._wait_element(By.XPATH, path).get_attribute("aria-label") or "")

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than the screen."""
        script = "const page = document.scrollingElement; return page.scrollWidth - page.clientWidth;"
        return int(self.driver.execute_script(script))

    def scroll_down(self) -> None:
        """To the end of the page."""
        self.driver.execute_script("const main = document.querySelector('[data-testid=stMain]'); main.scrollTo(0, 1e6)")

    def scroll_up(self) -> None:
        """To the beginning of the page."""
        self.driver.execute_script("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")

    def bring(self, *paths: Path) -> None:
        """Hand files, or one folder, to the uploader that takes such."""
        selector = 'input[type="file"]' + ("[webkitdirectory]" if paths[0].is_dir() else "")
        found = WebDriverWait(self.driver, PATIENCE_SECONDS, 0.2).until(
            lambda driver: driver.find_elements(By.CSS_SELECTOR, selector), "no uploader"
        )
        found[0].send_keys("\n".join(str(path) for path in paths))

    def wait_for_table(self) -> WebElement:
        """The first table, once it is drawn."""
        return self._wait_element(By.CSS_SELECTOR, '[data-testid="stDataFrame"] canvas')

    def select_row(self, number: int) -> None:
        """Select a row of the first table, by the box before it; the first is 0."""
        canvas = self.wait_for_table()
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
        left, top = 16 - canvas.size["width"] / 2, 35 * (number + 1.5) - canvas.size["height"] / 2
        ActionChains(self.driver).move_to_element_with_offset(canvas, left, top).click().perform()

    def downloaded(self, name: str) -> bytes:
        """What came down under this name, once it is whole."""
        assert self._downloads is not None
        path = self._downloads / name
        WebDriverWait(self.driver, PATIENCE_SECONDS, 0.2).until(lambda _: path.exists(), f"no download {name!r}")
        return path.read_bytes()

    def wait_for_picture(self) -> WebElement:
        """The viewer's stage, once a picture is painted on it."""
        script = """
            for (const host of document.querySelectorAll('*')) {
                const stage = host.shadowRoot && host.shadowRoot.querySelector('.stage[data-shown]');
                if (stage) return stage;
            }
            return null;"""
        return WebDriverWait(self.driver, PATIENCE_SECONDS, 0.2).until(
            lambda driver: driver.execute_script(script), "no picture"
        )

    @property
    def viewer_text(self) -> str:
        """What the viewer says beside its picture."""
        return str(self.driver.execute_script("return arguments[0].getRootNode().textContent", self.wait_for_picture()))

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

    def _wait_element(self, by: str, value: str) -> WebElement:
        return WebDriverWait(self.driver, PATIENCE_SECONDS, 0.2).until(
            lambda driver: next((each for each in driver.find_elements(by, value) if each.is_displayed()), None), value
        )


@contextmanager
def browser(
    folder: Path, *, width: int = 1440, height: int = 1000, dark: bool = False, phone: bool = False
) -> Iterator[Browser]:
    """A browser that has never been anywhere; as `phone`, narrower than a window can be, and with a finger."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*_FLAGS, f"--user-data-dir={folder}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    if dark:
        options.add_argument("--force-dark-mode")
    if phone:
        metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    downloads = folder / "downloads"
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        if dark:
            scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        yield Browser(driver, downloads)
    finally:
        driver.quit()


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
    WebDriverWait(page.driver, PATIENCE_SECONDS, 0.2).until(
        lambda driver: driver.get_cookie("deid_session") is not None, "no cookie"
    )
