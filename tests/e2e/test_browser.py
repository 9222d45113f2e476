"""The whole application as people meet it: a fresh server process and a real browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deid.demo import studies
from tests.e2e.served import PASSWORD, PATIENCE_SECONDS, ROOT, Browser, Server, content, sign_in

pytestmark = pytest.mark.browser
DEMO = studies()[0]


def test_a_demo_study_goes_through_every_step(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.wait_for("Welcome, Ada")
    page.click("Open")
    page.wait_for_picture()
    for button, shown in [
        ("2 Read text", "words in this frame"),
        ("3 Find PHI", "words go"),
        ("4 Draw boxes", "boxes in this frame"),
        ("5 Redact", "Before and after"),
        ("6 Clean header", "header elements changed"),
        ("7 Verify", "read again and checked"),
    ]:
        page.click(button)
        page.wait_for(shown)
        page.wait_for_picture()
    assert "Cleaned. Every check passed." in page.text
    assert "; 0 elsewhere" in page.text
    fetched = page.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert not [name for name in fetched if name.startswith(f"{at.url}/media/")]
    page.open(f"{at.url}/statistics")
    page.wait_for("Images in total")
    page.wait_for("Ultrasound")


def test_an_upload_goes_through_and_is_let_go(at: Server, page: Browser, tmp_path: Path) -> None:
    path = tmp_path / "DELACROIX_no_extension"
    path.write_bytes(DEMO.build())
    page.open(f"{at.url}/pipeline")
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.wait_for("Try a demo study")
    page.bring(path)
    page.wait_for("Your file")
    page.wait_for_picture()
    page.click("Run all")
    page.wait_for("read again and checked")
    assert "DELACROIX" not in at.log.read_text()
    for kept in at.home.rglob("*"):
        assert b"DELACROIX" not in content(kept)


def test_the_log_holds_no_traceback_and_no_password(at: Server) -> None:
    log = at.log.read_text()
    assert "Traceback" not in log
    assert PASSWORD not in log


def test_an_unreachable_database_stops_the_server_with_one_line(tmp_path: Path) -> None:
    url = "mysql+pymysql://deid:sesame-open@127.0.0.1:1/deid"
    ended = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port=0"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "DEID_HOME": str(tmp_path / "h"),
            "DEID_DATABASE_URL": url,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
    assert ended.returncode == 5
    assert len(lines) == 1
    assert "cannot be used" in lines[0]
    assert "sesame" not in lines[0]
