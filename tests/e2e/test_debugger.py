"""Why a word went and another stayed, and what would change it, asked in a real browser with the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Keys

from deid.demo import studies
from tests.e2e.keyboard import choose, go_to, press, strike, switch
from tests.e2e.served import browser, server, set_up, sign_in

pytestmark = pytest.mark.browser


def test_why_a_mark_stayed_and_initials_went_and_what_would_change_it(tmp_path: Path) -> None:
    with server(tmp_path, DEID_MODEL="none") as at, browser(tmp_path / "browser") as page:
        set_up(page, at)
        page.open(f"{at.url}/pipeline")
        sign_in(page)
        page.wait_for("Try a demo study")
        press(page, "Open", [study.name for study in studies()].index("dx-hand"))
        page.wait_for_picture()
        press(page, "2 Read text")
        page.wait_for("words in this frame")
        press(page, "3 Find PHI")
        page.wait_for("words go")

        choose(page, "Why does this word go or stay?", "L · stays")
        page.wait_for("stays: is a ")
        choose(page, "Why does this word go or stay?", "LY · goes")
        page.wait_for("goes: ")
        page.wait_for("a word goes from 50 % on")

        press(page, "What if the threshold were another?")
        go_to(page, "range")
        strike(page, *[Keys.ARROW_RIGHT] * 9)
        page.wait_for("Nothing is changed by asking.")
        go_to(page, "And in the demo studies")
        strike(page, Keys.SPACE)
        page.wait_for(f"in {len(studies())} demo studies")
        page.wait_for("that must go would stay")

        press(page, "The same image with another reader")
        switch(page, "rapidocr", "tesseract")
        press(page, "Read it beside")
        page.wait_for("Tesseract, without the model")
        page.wait_for("Read or decided otherwise:")

        box = page.driver.execute_script("return arguments[0].querySelectorAll('rect')[0]", page.wait_for_picture())
        page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
        asked = page.asked
        ActionChains(page.driver).move_to_element(box).click().perform()
        page.wait_until_it_rests(0.5)
        assert page.asked > asked, "a click on a word explains it, for those who have a pointer"
        assert "Traceback" not in at.log.read_text()
