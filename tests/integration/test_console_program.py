"""The officers' console as a program: a gate's console connection on one side, officers' browsers on the other, and its commands."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import tomli_w
from core_fakes import shifts
from fakes.console_gates import Console, ConsoleGate, console_gate
from fakes.ports import free_port
from officers_fakes.console_doubles import prove
from typer.testing import CliRunner

from gate_core.command_line.tree import application
from gate_core.evidence.reasons import Reason
from gate_officers.console.config import AuthorityEntry, ConsoleConfig, Pages
from gate_officers.console.program import run


def config(folder: Path, console: Console, gates: dict[str, ConsoleGate], *, port: int) -> ConsoleConfig:
    return ConsoleConfig(
        identity=str(console.identity),
        folder=str(folder / "console"),
        authority=AuthorityEntry(public=b64encode(shifts.PUBLIC).decode()),
        pages=Pages(address=f"127.0.0.1:{port}", origin=f"http://127.0.0.1:{port}"),
        gates={name: gate.entry for name, gate in gates.items()},
    )


@contextlib.asynccontextmanager
async def served(made: ConsoleConfig) -> AsyncIterator[httpx2.AsyncClient]:
    """The program, and an officer's browser that has signed in."""
    stop, listening = asyncio.Event(), asyncio.Event()
    running = asyncio.ensure_future(run(made, stop=stop, on_listening=listening.set))
    try:
        await listening.wait()
        origin = made.pages.origin
        async with httpx2.AsyncClient(base_url=origin, headers={"Origin": origin}, trust_env=False) as browser:
            challenge = (await browser.get("/session/challenge")).json()["challenge"]
            now_s = int(time.time())
            shown = prove(challenge, origin, not_before=now_s - 60, until=now_s + 600)
            assert (await browser.post("/session", json=shown)).status_code == 200
            yield browser
    finally:
        stop.set()
        await running


async def events(browser: httpx2.AsyncClient) -> AsyncIterator[dict[str, Any]]:
    async with browser.stream("GET", "/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))


async def test_a_referral_at_a_gate_stands_on_the_officers_page_and_an_order_comes_to_the_lane(
    tmp_path: Path,
) -> None:
    console = Console(tmp_path)
    async with (
        console_gate(tmp_path, console.certificate) as gate,
        served(config(tmp_path, console, {"north-7": gate}, port=free_port())) as browser,
    ):
        stream = events(browser)
        async with asyncio.timeout(8.0):
            while (await anext(stream))["tiles"][0]["need"] == "lost":
                pass
            await gate.refer("c1", Reason.DOCUMENT_CHECK_FAILED)
            while not (tile := (await anext(stream))["tiles"][0])["waits"]:
                pass
        assert (tile["gate"], tile["need"], tile["waits"][0]["crossing"]) == ("north-7", "waits", "c1")
        await stream.aclose()  # type: ignore[attr-defined]
        assert "A check of the document failed" in (await browser.get("/gates/north-7/crossings/c1")).text
        assert (await browser.get("/gates/north-7/look")).json()["version"] == 3
        answer = (await browser.post("/gates/north-7/orders", content=b"signed")).json()
        assert (answer["outcome"], gate.desk.orders) == ("done", [b"signed"])


def test_the_consoles_key_is_made_once_and_kept(tmp_path: Path) -> None:
    run_gate = CliRunner().invoke
    app = application(["console"])
    made = run_gate(app, ["console", "init", "--out", str(tmp_path / "c"), "--json"])
    said = json.loads(made.stdout)
    assert (made.exit_code, said["schema"], len(said["fingerprint"])) == (0, "console.init/1", 64)
    assert Path(said["identity"]).stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in Path(said["certificate"]).read_text()
    before = Path(said["identity"]).read_bytes()
    assert run_gate(app, ["console", "init", "--out", str(tmp_path / "c")]).exit_code == 74
    assert Path(said["identity"]).read_bytes() == before
    assert run_gate(app, ["console", "init", "--out", str(tmp_path / "d"), "--name", "no name"]).exit_code == 2


def test_what_is_wrong_with_the_consoles_file_is_one_line(tmp_path: Path) -> None:
    app, path = application(["console"]), tmp_path / "console.toml"
    assert CliRunner().invoke(app, ["console", "serve", "--config", str(path)]).exit_code == 74
    text = f"""
identity = "{tmp_path}/none.pem"
authority = {{ public = "{b64encode(shifts.PUBLIC).decode()}" }}
[gates.north-7]
address = "192.0.2.5:8443"
key = "{"0" * 64}"
[pages]
"""
    for wrong, code in (
        ('address = "192.0.2.9:8090"', 78),  # pages on the network without TLS
        ('origin = "https://localhost:8090"', 78),
        ('origin = "localhost"', 78),
        ("port = 8090", 78),
        (f'address = "127.0.0.1:{free_port()}"', 74),  # nothing wrong but the key, which is not there
    ):
        path.write_text(f"{text}{wrong}\n")
        answer = CliRunner().invoke(app, ["console", "serve", "--config", str(path)])
        assert answer.exit_code == code, answer.output
        assert answer.output.count("\n") == 1


def test_a_file_of_handovers_that_holds_something_else_is_said_with_65_and_one_that_cannot_be_read_with_74(
    tmp_path: Path,
) -> None:
    app = application(["console"])
    assert CliRunner().invoke(app, ["console", "init", "--out", str(tmp_path)]).exit_code == 0
    settings = {
        "identity": str(tmp_path / "console.pem"),
        "folder": str(tmp_path),
        "authority": {"public": b64encode(shifts.PUBLIC).decode()},
        "gates": {"north-7": {"address": "127.0.0.1:8443", "key": "0" * 64}},
    }
    (tmp_path / "console.toml").write_text(tomli_w.dumps(settings))
    handovers = tmp_path / "handovers.json"

    def served_with() -> tuple[int, str]:
        done = CliRunner().invoke(app, ["console", "serve", "--config", str(tmp_path / "console.toml")])
        return done.exit_code, done.stderr.strip()

    handovers.write_text("[7]")
    assert served_with() == (65, f"gate: {handovers} holds no handovers; move it away")
    handovers.unlink()
    handovers.mkdir()
    code, said = served_with()
    assert (code, "cannot read" in said) == (74, True)
