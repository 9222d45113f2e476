"""What a person does who has no pointer: go on to the next thing until the wanted one is reached, and strike keys."""

from __future__ import annotations

import time

from selenium.webdriver import ActionChains, Keys

from tests.e2e.served import Browser

_MOST = 250
"""Things on a page that Tab may stop at."""
_MOST_BUTTONS = 12
_FOCUSED = """
    let at = document.activeElement;
    while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
    if (!at || at === document.body) return "";
    const read = at.matches("button, a, summary") ? at.innerText : "";  // of what can be scrolled, that is everything
    const said = ["role", "type", "aria-label"].map((name) => at.getAttribute(name));
    return [...said, read].filter(Boolean).join(" | ");"""


def strike(page: Browser, *keys: str) -> None:
    """Strike keys one after the other."""
    for key in keys:
        ActionChains(page.driver).send_keys(key).perform()


def go_to(page: Browser, said: str, number: int = 0) -> None:
    """Press Tab until the thing that says this is reached; of several, the one with this number."""
    page.wait_until_it_rests(0.5)
    for _ in range(_MOST):
        strike(page, Keys.TAB)
        if said in focused(page):
            if not number:
                return
            number -= 1
    raise AssertionError(f"Tab does not lead to {said!r} on {page.driver.current_url}, which says:\n{page.text}")


def press(page: Browser, said: str, number: int = 0) -> None:
    """Go to a button or the like, and press it."""
    go_to(page, said, number)
    asked = page.asked
    strike(page, Keys.ENTER)
    deadline = time.monotonic() + 2
    while page.asked == asked and time.monotonic() < deadline:  # what opens in the browser alone asks for nothing
        time.sleep(0.05)
    page.wait_until_it_rests(0.5)


def switch(page: Browser, group: str, said: str) -> None:
    """Go to a group of buttons of which one is pressed, move to the one that says this, and press it."""
    go_to(page, group)
    for _ in range(_MOST_BUTTONS):
        if said in focused(page):
            strike(page, Keys.SPACE)
            page.wait_until_it_rests(0.5)
            return
        strike(page, Keys.ARROW_RIGHT)
    raise AssertionError(f"the arrows do not lead to {said!r} beside {group!r}")


def focused(page: Browser) -> str:
    """What the thing says that has the focus."""
    return str(page.driver.execute_script(_FOCUSED))


def choose(page: Browser, said: str, value: str) -> None:
    """Go to a select box, and choose what holds this text."""
    go_to(page, said)
    strike(page, value)
    time.sleep(0.3)
    strike(page, Keys.ENTER)
    page.wait_until_it_rests(0.5)
