"""The page in Debian's Chromium: it looks as it should, decisions work by clicking, and no foreign script runs."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn

from persona.network import Account, Action
from persona.store import OutboxRow, reading, writing
from tests.web.web_folder import NOW, Folder, outbox, trace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ATTACKS = (
    "<script>alert('1')</script>",
    '"><img src=x onerror=alert(2)>',
    "</textarea><svg onload=alert(3)>",
    "'><a href=javascript:alert(4) autofocus onfocus=alert(5)>x</a>",
)


def missing(what: str) -> None:
    """Skip for want of a browser, but fail where the whole of the tests is promised to run."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what}; in CI the page must be tried in a real browser")
    pytest.skip(f"{what}; install it to try the page in a real browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium is not installed (apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the Python package playwright is not installed")
    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def address(folder: Folder) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(folder.app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)
    listener.close()


@pytest.fixture(params=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width = 1200 if request.param == "desktop" else 390
    with browser.new_context(viewport={"width": width, "height": 844}) as context:
        made = context.new_page()
        made.set_default_timeout(15_000)
        problems: list[str] = []

        def dialog(shown: Dialog) -> None:
            problems.append(f"dialog {shown.message}")
            shown.dismiss()

        def console(message: ConsoleMessage) -> None:
            if message.type == "error":
                problems.append(message.text)

        def asked(request: Request) -> None:
            if not request.url.startswith("http://127.0.0.1:"):
                problems.append(request.url)

        made.on("dialog", dialog)
        made.on("pageerror", lambda error: problems.append(str(error)))
        made.on("console", console)
        made.on("request", asked)
        yield made
    assert problems == [], "a script ran, the policy was broken, or something was fetched from elsewhere"


def test_pages_fit_the_window_and_load_all_they_show(page: Page, address: str, folder: Folder) -> None:
    paths = ("/", "/?view=all", "/@odile_bakes", "/@mara_k", f"/thread/{folder.roots[0]}", "/why/1", "/queue")
    for path in paths:
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate("[...document.styleSheets].every(sheet => sheet.cssRules.length > 50)")
        page.evaluate("document.querySelectorAll('img').forEach(img => img.loading = 'eager')")
        page.wait_for_function("[...document.images].every(img => img.complete && img.naturalWidth > 0)")


def test_a_reader_finds_out_why(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("article", has_text="Bees found the basil").get_by_title("Why this was posted").click()
    page.wait_for_url("**/why/8")
    assert page.get_by_role("heading", name="Why this post?").is_visible()
    assert page.get_by_text("My rye starter is called Gerald").is_visible()
    page.get_by_text("Show it in its thread").click()
    assert page.locator("article", has_text="Bees found the basil").is_visible()


def test_an_editor_changes_approves_and_rejects_by_clicking(page: Page, address: str, folder: Folder) -> None:
    page.goto(f"{address}/queue")
    first = page.locator("#d102")
    first.locator("summary", has_text="Edit").click()
    first.locator("textarea").fill("I cannot eat, so tell me: how was yours?")
    first.get_by_role("button", name="Save and approve").click()
    assert "Changed and approved" in (page.get_by_role("status").text_content() or "")
    second = page.locator("#d101")
    second.locator("summary", has_text="Reject").click()
    second.get_by_placeholder("optional").fill("no such offer")
    second.get_by_role("button", name="Reject for good").click()
    assert page.get_by_text("All clear.").is_visible()
    with reading(folder.engine) as session:
        edited, rejected = session.get_one(OutboxRow, 102), session.get_one(OutboxRow, 101)
        assert (edited.state, edited.text) == ("ready", "I cannot eat, so tell me: how was yours? #AI")
        assert (rejected.state, rejected.reasons[-1]) == ("rejected", "page: no such offer")


def test_approve_by_clicking(page: Page, address: str, folder: Folder) -> None:
    page.goto(f"{address}/queue")
    page.locator("#d101").get_by_role("button", name="Approve", exact=True).click()
    assert "Approved" in (page.get_by_role("status").text_content() or "")
    with reading(folder.engine) as session:
        assert session.get_one(OutboxRow, 101).state == "ready"


def test_no_script_in_names_or_texts_runs(page: Page, address: str, folder: Folder) -> None:
    people = [Account(handle=f"evil{n}", name=attack, bio=attack) for n, attack in enumerate(ATTACKS)]
    folder.network.register(people, NOW - timedelta(days=1))
    said = [
        Action(kind="comment", actor=f"evil{n}", target=folder.roots[0], at=NOW - timedelta(minutes=5), text=attack)
        for n, attack in enumerate(ATTACKS)
    ]
    folder.network.act("evil", said)
    with writing(folder.engine) as session:
        for n, attack in enumerate(ATTACKS, start=200):
            session.add(outbox(n, "odile_bakes", attack, NOW, state="held", reasons=[attack]))
            session.add(trace(n, attack, NOW, cue={attack: attack}, messages=[{"role": attack, "content": attack}]))
    paths = ("/", "/?view=all", f"/thread/{folder.roots[0]}", "/@evil0", "/@evil1", "/queue", "/why/200", "/why/202")
    for path in paths:
        page.goto(address + path)
        page.wait_for_timeout(100)
        assert page.locator("main svg[onload], main img[onerror], main script, main a[href^=javascript]").count() == 0
    assert page.get_by_text(ATTACKS[2]).first.is_visible()


def test_the_picture_of_the_page(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(address)
    shot = page.screenshot(path=tmp_path / "feed.png")
    assert shot.startswith(b"\x89PNG")
    assert len(shot) > 20_000, "a page in colours, not a blank one"
