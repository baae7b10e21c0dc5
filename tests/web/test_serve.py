from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from persona.cli import _serve
from persona.errors import PortTaken, TokenRefused
from persona.web.server import address_of, listen

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from persona.web import serve
from tests.web.web_folder import fill
folder = fill(Path(sys.argv[2]))
sys.exit(serve(folder.app(), "127.0.0.1", 0, ready=lambda address: print(address, flush=True)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_told_to_stop_and_ends_with_success(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[2]), str(tmp_path)]
    paths = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths}
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        for _ in range(50):
            try:
                with urllib.request.urlopen(f"{address}healthz", timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                time.sleep(0.1)
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
    assert (process.returncode, out, errors) == (0, "", "")


def test_a_taken_port_is_passed_over_or_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with listen("127.0.0.1", port) as found:
            assert port < found.getsockname()[1] < port + 10
            assert address_of(found, "0.0.0.0").startswith("http://127.0.0.1:")
        with pytest.raises(PortTaken, match="Choose another with --port"):
            listen("127.0.0.1", port, tries=1)
    with pytest.raises(PortTaken):
        listen("no.such.host.invalid", 8321)


def test_when_a_token_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGE", "a-long-enough-secret")
    monkeypatch.setenv("SHORT", "secret")
    for host in ("127.0.0.1", "localhost", "::1"):
        assert _serve.token_of(None, host) is None
    for host in ("0.0.0.0", "192.168.1.4", "box.lan", "::"):
        assert len(_serve.token_of(None, host) or "") >= 32
    assert _serve.token_of("env:PAGE", "127.0.0.1") == "a-long-enough-secret"
    for given in ("env:SHORT", "env:NOT_SET", "written-out-secret"):
        with pytest.raises(TokenRefused, match="env:PAGE_TOKEN") as refused:
            _serve.token_of(given, "0.0.0.0")
        assert "written-out-secret" not in str(refused.value)


def test_arguments() -> None:
    parser = argparse.ArgumentParser()
    _serve.add_arguments(parser, "serve")
    assert parser.parse_args([]).port == 8321
    for port in ("x", "70000", "-1"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--port", port])
