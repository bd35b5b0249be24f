"""`gate officer authority serve` as a process, reached by the console's own client: over TLS, and over a socket."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from fakes.console_gates import Console
from fakes.ports import free_port
from officers_fakes.passkeys import ORIGIN, RP_ID, Authenticator

from gate_core.orders.certificate import open_certificate
from gate_officers.authority.passkeys import challenge
from gate_officers.console.authority_client import Authority
from gate_officers.console.config import AuthorityEntry
from gate_officers.console.sign_in import AwayError, Told

SIGNING, SEALING = b"s" * 32, b"x" * 32
COMMAND = [sys.executable, "-m", "gate.cli", "officer", "authority"]


class Service:
    """The authority's machine: its files, its commands, and its service while `serving`."""

    def __init__(self, folder: Path, **reached: Any) -> None:
        self.folder = folder
        self.config = folder / "authority.toml"
        made = self.command("init", "--out", str(folder / "officers.key"), "--json")
        self.public = json.loads(made)["authority"]
        settings = {"key": str(folder / "officers.key"), "folder": str(folder / "a"), "hours": 8.0}
        self.config.write_text(tomli_w.dumps({**settings, "rp_id": RP_ID, "origins": [ORIGIN], **reached}))

    def command(self, *words: str) -> str:
        """One of the authority's commands."""
        return subprocess.run([*COMMAND, *words], check=True, capture_output=True, text=True, timeout=60).stdout

    @contextlib.contextmanager
    def serving(self) -> Iterator[dict[str, Any]]:
        """Run the service; what it said when it listened. It ends well when it is told to."""
        command = [*COMMAND, "serve", "--config", str(self.config)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
            try:
                assert started.stdout is not None
                yield json.loads(started.stdout.readline())
                started.send_signal(signal.SIGTERM)
                assert started.wait(20) == 0
            finally:
                started.kill()

    def invite(self) -> str:
        """A code for anna."""
        return self.command("enrol", "anna", "--gate", "north-7", "--config", str(self.config)).strip()


@contextlib.asynccontextmanager
async def asking(entry: AuthorityEntry, identity: Path) -> AsyncIterator[Authority]:
    authority = Authority(entry, identity)
    yield authority
    await authority.close()


async def ask(authority: Authority, question: str, **members: Any) -> Any:
    told = await authority.ask(question, json.dumps(members).encode())
    return json.loads(told.body)


async def enrolled(authority: Authority, code: str) -> Authenticator:
    passkey = Authenticator()
    asked = await ask(authority, "/creation", officer="anna", code=code)
    answer = passkey.make(b64decode(asked["nonce"]))
    done = await ask(authority, "/enrol", officer="anna", code=code, nonce=asked["nonce"], answer=answer)
    assert done == {"officer": "anna"}
    return passkey


async def certified(authority: Authority, passkey: Authenticator) -> Any:
    nonce = (await ask(authority, "/request"))["nonce"]
    answer = passkey.answer(challenge(SIGNING, SEALING, b64decode(nonce)))
    keys = {"signing": b64encode(SIGNING).decode(), "sealing": b64encode(SEALING).decode()}
    return await ask(authority, "/certify", **keys, nonce=nonce, answer=answer)


@pytest.mark.long
async def test_a_console_that_it_knows_enrols_and_has_certified_over_tls_and_no_other_does(short_path: Path) -> None:
    ours, stranger = Console(short_path, "hall-b"), Console(short_path, "stranger")
    address = f"127.0.0.1:{free_port()}"
    service = Service(short_path, address=address, consoles=str(ours.certificate))
    with service.serving() as said:
        assert said["address"] == address
        entry = AuthorityEntry(public=service.public, address=address, key=said["key"])
        async with asking(entry, ours.identity) as authority:
            passkey = await enrolled(authority, service.invite())
            raw = b64decode((await certified(authority, passkey))["certificate"])
            assert open_certificate(raw, b64decode(service.public)).officer == "anna"
            told = await authority.ask("/request", b"{}")
            assert told.now_s is not None
            assert abs(told.now_s - time.time()) < 60
        acts = [json.loads(line) for line in (short_path / "a/book.jsonl").read_bytes().splitlines()]
        assert [(one["act"], one.get("console")) for one in acts] == [
            ("invited", None),
            ("enrolled", "CN=hall-b"),
            ("certified", "CN=hall-b"),
        ]
        async with asking(entry, stranger.identity) as authority:
            with pytest.raises(AwayError):
                await authority.ask("/request", b"{}")
        wrong = AuthorityEntry(public=service.public, address=address, key="0" * 64)
        async with asking(wrong, ours.identity) as authority:
            with pytest.raises(AwayError, match="another key"):
                await authority.ask("/request", b"{}")
    async with asking(entry, ours.identity) as authority:
        with pytest.raises(AwayError):
            await authority.ask("/request", b"{}")
    with service.serving():  # a new start knows everybody
        async with asking(entry, ours.identity) as authority:
            assert "certificate" in await certified(authority, passkey)
            service.command("remove", "anna", "--config", str(service.config))
            assert (await certified(authority, passkey))["error"] == "not_enrolled"


@pytest.mark.long
async def test_a_console_of_the_same_machine_asks_over_a_socket(short_path: Path) -> None:
    place = short_path / "authority.sock"
    service = Service(short_path, socket=str(place))
    entry = AuthorityEntry(public=service.public, socket=str(place))
    with service.serving() as said:
        assert said["socket"] == str(place)
        assert place.stat().st_mode & 0o777 == 0o660
        async with asking(entry, Path(os.devnull)) as authority:
            passkey = await enrolled(authority, service.invite())
            assert "certificate" in await certified(authority, passkey)
            for body in (b"", b"{", b"[]", b'{"nonce": 1}', b'{"more": 1}', b"\xff" * 100, b"[" * 10_000):
                for question in ("/certify", "/creation", "/enrol"):
                    told: Told = await authority.ask(question, body)
                    assert (told.status, json.loads(told.body)["error"]) == (400, "malformed")
            assert (await authority.ask("/certify", b"x" * 20_000)).status == 400
            assert (await authority.ask("/people", b"{}")).status == 404
    with service.serving():  # the socket that a dead start left is no hindrance
        pass


@pytest.mark.long
def test_a_service_that_cannot_begin_says_why_in_one_line(short_path: Path) -> None:
    place = short_path / "authority.sock"
    service = Service(short_path, socket=str(place))
    place.write_text("a file")
    tried = subprocess.run(
        [*COMMAND, "serve", "--config", str(service.config)], check=False, capture_output=True, text=True, timeout=60
    )
    assert (tried.returncode, tried.stderr.count("\n")) == (65, 1)
    (short_path / "officers.key").chmod(0o644)
    tried = subprocess.run(
        [*COMMAND, "serve", "--config", str(service.config)], check=False, capture_output=True, text=True, timeout=60
    )
    assert (tried.returncode, tried.stderr.count("\n")) == (77, 1)
