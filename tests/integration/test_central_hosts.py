"""Central's server and pages are asked by their own names: a page elsewhere whose name was made to lead here is told nothing."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gate_central import authority, folder

OURS = ("central.example", "Central.Example:8443", "localhost", "127.0.0.1:9", "gates.border.example")
FOREIGN = (
    "evil.example",
    "central.example.evil.example",
    "evil.example:8443",
    "127.0.0.2",
    "[::1]",
    "",
    "a@central.example",
    "central.example/",
    "central.example:x",
)


@contextlib.contextmanager
def running(verb: str, central: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "gate.cli", "central", verb, "--dir", str(central), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as started:
        try:
            assert started.stdout is not None
            yield int(json.loads(started.stdout.readline())["port"])
        finally:
            started.terminate()


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("central") / "central"
    folder.init(made, "central.example", datetime.now(UTC))
    kept = "[kept]\ncrossings_days = 30\nothers_days = 400\n"
    (made / "central.toml").write_text(f'names = ["gates.border.example"]\n{kept}')
    key = authority.new_key()
    root = folder.load(made).authority
    certificate = authority.issue_device(root, "person:anna", key.public_key(), datetime.now(UTC))
    (made / "anna.pem").write_bytes(folder.server_pem(key, certificate))
    return made


def asked(central: Path, port: int, hosts: list[bytes]) -> int:
    """The status of a request with these Host lines."""
    context = ssl.create_default_context(cafile=str(central / "ca.pem"))
    context.load_cert_chain(central / "anna.pem")
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        named = b"".join(b"host: " + one + b"\r\n" for one in hosts)
        line.sendall(b"GET /.well-known/est/cacerts HTTP/1.1\r\n" + named + b"connection: close\r\n\r\n")
        return int(line.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(("verb", "answered"), [("serve", 200), ("pages", 404)])
def test_who_asks_for_another_host_is_refused_before_anything_else(central: Path, verb: str, answered: int) -> None:
    with running(verb, central) as port:
        assert {one: asked(central, port, [one.encode()]) for one in OURS} == dict.fromkeys(OURS, answered)
        statuses = {one: asked(central, port, [one.encode()]) for one in FOREIGN}
        assert statuses == dict.fromkeys(FOREIGN, 421)
        assert asked(central, port, []) in {400, 421}
        assert asked(central, port, [b"central.example", b"evil.example"]) in {400, 421}
