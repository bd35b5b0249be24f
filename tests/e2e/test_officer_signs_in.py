"""An officer's whole way: invited at the authority's machine, enrolled and signed in at the console in a real browser, heard by a gate's console connection.

The authority and the console are the real programs, as processes; the gate is the real `screens` with a lane that is told what to say.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from fakes.browser_profile import left_of, overhear
from fakes.chromium import CHROMIUM, NEEDED
from fakes.console_gates import console_gate, until
from fakes.ports import free_port
from playwright.async_api import async_playwright

from gate_core.evidence.names import Role
from gate_core.orders.order import read_order
from gate_core.orders.verbs import Verb

GATE = [sys.executable, "-m", "gate.cli"]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.long,
    NEEDED,
]


def command(*words: str) -> str:
    """A command of ours; what it printed."""
    return subprocess.run([*GATE, *words], check=True, capture_output=True, text=True, timeout=60).stdout


@contextlib.contextmanager
def serving(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A program of ours, until the block ends."""
    with subprocess.Popen([*GATE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.terminate()
            started.wait(20)


def written(path: Path, settings: dict[str, Any]) -> str:
    """A configuration file."""
    path.write_text(tomli_w.dumps(settings))
    return str(path)


async def test_an_officer_is_invited_enrols_signs_in_and_is_heard_by_the_gate(short_path: Path) -> None:
    made = json.loads(command("console", "init", "--out", str(short_path / "c"), "--name", "hall-b", "--json"))
    key = str(short_path / "officers.key")
    public = json.loads(command("officer", "authority", "init", "--out", key, "--json"))["authority"]
    at, port = f"127.0.0.1:{free_port()}", free_port()
    pages = f"http://localhost:{port}"
    authority = {"key": key, "folder": str(short_path / "a"), "address": at, "consoles": made["certificate"]}
    asked = written(short_path / "authority.toml", {**authority, "rp_id": "localhost", "origins": [pages]})
    async with console_gate(short_path, Path(made["certificate"])) as gate:
        with serving("officer", "authority", "serve", "--config", asked) as service:
            assert service.stdout is not None
            pinned = json.loads(service.stdout.readline())["key"]
            console = {
                "identity": made["identity"],
                "folder": str(short_path / "h"),
                "pages": {"address": f"127.0.0.1:{port}", "origin": pages},
                "authority": {"public": public, "address": at, "key": pinned},
                "gates": {"north-7": {"address": gate.entry.address, "key": gate.entry.key}},
            }
            file = written(short_path / "console.toml", console)
            invited = ("officer", "authority", "enrol", "anna", "--role", "supervisor", "--gate", "north-7")
            code = command(*invited, "--config", asked).strip()
            with serving("console", "serve", "--config", file) as started:
                assert started.stderr is not None
                while "officers open" not in started.stderr.readline():
                    assert started.poll() is None
                keys = await release(pages, code, short_path / "profile")
        assert [left_of(key, short_path / "profile") for key in keys] == [[], []]
        await until(lambda: gate.desk.orders)
        said = read_order(gate.desk.orders[-1], b64decode(public))
        assert (said.order.verb, said.order.gate, said.by.officer) == (Verb.RELEASE, "north-7", "anna")
        assert said.by.role is Role.SUPERVISOR
    acts = [json.loads(line) for line in (short_path / "a/book.jsonl").read_bytes().splitlines()]
    assert [(one["act"], one.get("console")) for one in acts][1:] == [
        ("enrolled", "CN=hall-b"),
        ("certified", "CN=hall-b"),
    ]


async def release(pages: str, code: str, profile: Path) -> list[bytes]:
    """In the browser: enrol, sign in, see the lane, let somebody out, and sign out. The private keys that its pages made."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        keys = await overhear(browser)
        page = await browser.new_page()
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        await page.goto(f"{pages}/")
        assert page.url == f"{pages}/sign-in"
        await page.goto(f"{pages}/enrol")
        await page.fill("#officer", "anna")
        await page.fill("#code", code)
        await page.click("form button")
        await page.wait_for_selector("#done:visible")
        await page.goto(f"{pages}/sign-in")
        await page.click("#passkey")
        await page.wait_for_url(f"{pages}/")
        await page.wait_for_selector("a.gate:text('north-7')")
        await page.goto(f"{pages}/gates/north-7")
        said = await page.evaluate(
            "import('/static/keys.js').then((keys) => keys.order({gate: 'north-7', verb: 'release', reason: 'child'}))"
        )
        assert said["outcome"] == "done"
        await page.click("#sign-out")
        await page.wait_for_url(f"{pages}/sign-in")
        await browser.close()
        return keys
