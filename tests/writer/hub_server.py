"""A model hub on loopback, with the few paths that huggingface_hub asks for."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from persona.testing.loopback import Loopback


class HubServer(Loopback):
    """Serves `commits` (by hash, each a mapping of file name to content) of one model; the last is the main branch.

    `fetched` holds the paths that were asked for.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.commits: dict[str, dict[str, bytes]] = {}
        self.fetched: list[str] = []
        super().__init__(_handler_of(self))
        self.url = self._address

    def commit(self, files: dict[str, bytes]) -> str:
        """Make `files` the main branch; return their commit's hash."""
        parts = [f"{name}\0".encode() + content for name, content in sorted(files.items())]
        found = hashlib.sha1(b"".join(parts)).hexdigest()
        self.commits.pop(found, None)
        self.commits[found] = files
        return found


def _handler_of(hub: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.fetched.append(path)
            api = f"/api/models/{hub.name}"
            if path.startswith(f"{api}/tree/"):
                self._tree(path.removeprefix(f"{api}/tree/"))
            elif path == api or path.startswith(f"{api}/revision/"):
                self._info(path.removeprefix(api).removeprefix("/revision/"))
            elif path.startswith(f"/{hub.name}/resolve/"):
                revision, _, file = path.removeprefix(f"/{hub.name}/resolve/").partition("/")
                self._file(revision, file)
            else:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def _commit(self, revision: str) -> str:
            return list(hub.commits)[-1] if revision in ("", "main") else revision

        def _info(self, revision: str) -> None:
            commit = self._commit(revision)
            if commit not in hub.commits:
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
                return
            siblings = [{"rfilename": name} for name in hub.commits[commit]]
            self._json({"_id": "1", "id": hub.name, "modelId": hub.name, "sha": commit, "siblings": siblings})

        def _tree(self, revision: str) -> None:
            files = hub.commits[self._commit(revision.strip("/"))]
            self._json([{"type": "file", "path": n, "size": len(c), "oid": _oid(c)} for n, c in files.items()])

        def _file(self, revision: str, name: str) -> None:
            commit = self._commit(revision)
            content = hub.commits.get(commit, {}).get(name)
            if content is None:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            else:
                self._send(200, content, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": commit})

        def _json(self, value: Any) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
