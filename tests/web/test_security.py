from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from persona.store import LogRow, OutboxRow, reading
from persona.web.security import Hosts
from tests.web.web_folder import BASE, Folder

TOKEN = "correct-horse-battery-staple"
ClientOf = Callable[..., TestClient]


def state(folder: Folder, number: int) -> str:
    with reading(folder.engine) as session:
        return session.get_one(OutboxRow, number).state


def form_token(client: TestClient) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get("/queue").text)
    assert found
    return found[1]


def post(client: TestClient, path: str, headers: dict[str, str] | None = None, **fields: str) -> int:
    return client.post(path, data=fields, headers={"Origin": BASE} | (headers or {})).status_code


@pytest.mark.parametrize("path", ["/", "/queue", "/nope", "/avatar/x.svg", "/static/page.css", "/healthz", "/why/1"])
def test_every_answer_has_the_strict_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "cache-control" in headers


def test_no_page_carries_inline_script_or_style(client: TestClient, folder: Folder) -> None:
    for path in ("/", "/queue", "/why/1", "/@odile_bakes", f"/thread/{folder.roots[0]}", "/nope"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), path


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8321", "[::1]:8321", "LOCALHOST"])
def test_loopback_hosts_are_let_in(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "10.0.0.5", "[", "a@b"]
)
def test_strange_hosts_are_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421


def test_a_named_host_is_let_in_and_a_wildcard_lets_numbers_in() -> None:
    assert Hosts(["box.lan"]).allows("box.lan:8321")
    assert not Hosts(["box.lan"]).allows("10.0.0.5")
    for wildcard in ("0.0.0.0", "::", "[::]"):
        assert Hosts([wildcard]).allows("10.0.0.5:8321")
        assert Hosts([wildcard]).allows("[fe80::1]:8321")
        assert not Hosts([wildcard]).allows("evil.example:8321")


def test_with_a_token_nothing_is_shown_without_it(client_of: ClientOf) -> None:
    client = client_of(token=TOKEN)
    for path in ("/", "/queue", "/healthz", "/static/page.css", "/avatar/x.svg", "/?token=wrong", "/?token="):
        assert client.get(path).status_code == 401
    assert client.get("/", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/", headers={"Cookie": "persona_key_x=1; =; \x01"}).status_code == 401


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(client_of: ClientOf) -> None:
    client = client_of(token=TOKEN)
    answer = client.get(f"/queue?a=1&token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/queue?a=1"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    assert client.get("/queue").status_code == 200
    assert client_of(token="another-long-token").get("/", headers={"Cookie": cookie}).status_code == 401


def test_the_token_does_not_lead_to_another_host(client_of: ClientOf) -> None:
    client = client_of(token=TOKEN)
    for path in ("//evil.example/", "/%2F%2Fevil.example", "/%5Cevil.example"):
        location = client.get(f"{BASE}{path}?token={TOKEN}").headers["location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))


def test_a_form_of_this_page_is_carried_out(client: TestClient, folder: Folder) -> None:
    answer = client.post("/queue/101/approve", data={"form_token": form_token(client)}, headers={"Origin": BASE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?done=approve")
    assert "Approved" in client.get("/queue?done=approve").text
    assert state(folder, 101) == "ready"
    with reading(folder.engine) as session:
        assert [(row.kind, row.body["by"]) for row in session.scalars(select(LogRow))] == [("approved", "page")]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_page_is_refused(client: TestClient, folder: Folder, headers: dict[str, str]) -> None:
    assert post(client, "/queue/101/approve", headers, form_token=form_token(client)) == 403
    assert state(folder, 101) == "held"


def test_a_form_without_its_token_is_refused(client: TestClient, folder: Folder, client_of: ClientOf) -> None:
    assert post(client, "/queue/101/approve", form_token="") == 403
    form_token(client)
    assert post(client, "/queue/101/approve", form_token="0" * 64) == 403
    assert post(client, "/queue/101/approve", form_token="é") == 403
    other = form_token(client_of())
    assert post(client, "/queue/101/approve", form_token=other) == 403
    client.cookies.clear()
    assert post(client, "/queue/101/approve", form_token=other) == 403
    assert state(folder, 101) == "held"


def test_only_small_plain_forms_are_read(client: TestClient, folder: Folder) -> None:
    token = form_token(client)
    assert post(client, "/queue/101/edit", form_token=token, body="x" * 70_000) == 413
    assert client.post("/queue/101/approve", json={"form_token": token}).status_code == 413
    assert client.post("/queue/101/approve", files={"form_token": token.encode()}).status_code == 413
    assert post(client, "/queue/101/explode", form_token=token) == 404
    assert post(client, "/queue/999/approve", form_token=token) == 404
    assert state(folder, 101) == "held"


def test_edit_and_reject_by_form(client: TestClient, folder: Folder) -> None:
    token = form_token(client)
    long = client.post("/queue/101/edit", data={"form_token": token, "body": "y" * 600}, headers={"Origin": BASE})
    assert long.status_code == 422
    assert "y" * 600 in long.text, "what was typed is not lost"
    assert post(client, "/queue/101/edit", form_token=token, body="The Fold Board costs €24.") == 303
    assert post(client, "/queue/102/reject", form_token=token, reason="it cannot eat") == 303
    assert (state(folder, 101), state(folder, 102)) == ("ready", "rejected")
    late = client.post("/queue/102/approve", data={"form_token": token}, headers={"Origin": BASE})
    assert late.status_code == 409
    assert "rejected by page" in late.text
    assert "All clear" in client.get("/queue").text
    with reading(folder.engine) as session:
        assert session.get_one(OutboxRow, 101).text == "The Fold Board costs €24. #AI #ad"
