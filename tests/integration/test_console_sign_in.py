"""Officers sign in at the console in a real browser with a virtual authenticator, and the lane's own code judges what they ordered."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from core_fakes.shifts import AUTHORITY, GATE, certificate, key_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from fakes.browser_profile import ASK_KEEPER, left_of, overhear
from fakes.chromium import CHROMIUM, FLAGS, IN_A_BROWSER, WAIT_MS, measuring
from fakes.roots import ROOT
from fakes.signing_console import Console
from officers_fakes.officers_authority import SHIFT_S
from playwright.async_api import Browser, BrowserContext, CDPSession, Page
from playwright.async_api import Error as PlaywrightError

from gate_core.evidence.names import Role
from gate_core.orders.keys import key_text, shift_text
from gate_core.orders.verbs import Party, Verb
from gate_officers.authority.act_log import ActLog
from gate_officers.authority.invitations import remove
from gate_officers.console.sessions import IDLE_S, PROOF_LATE_S

KEYS = "const keys = await import('/static/keys.js');"

pytestmark = IN_A_BROWSER


@pytest_asyncio.fixture(loop_scope="module")
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    console = Console(tmp_path)
    async with console.run():
        yield console


class Workstation:
    """A browser of its own at the console, with an authenticator in it."""

    def __init__(self, console: Console, context: BrowserContext, page: Page, devtools: CDPSession) -> None:
        self.console = console
        self.context = context
        self.page = page
        self._devtools = devtools
        self.authenticator = ""

    async def plug_in(self, **options: Any) -> None:
        """Another authenticator, which knows nobody yet."""
        usual = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True}
        usual |= {"isUserVerified": True, "automaticPresenceSimulation": True}
        if self.authenticator:
            await self._devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.authenticator})
        added = await self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**usual, **options}})
        self.authenticator = added["authenticatorId"]

    async def verifies(self, user: bool) -> None:  # noqa: FBT001
        """Whether the person at the authenticator is its owner."""
        wanted = {"authenticatorId": self.authenticator, "isUserVerified": user}
        await self._devtools.send("WebAuthn.setUserVerified", wanted)

    async def says_it_can_be_copied(self) -> None:
        """From now on the one passkey in the authenticator says so."""
        about = {"authenticatorId": self.authenticator}
        [passkey] = (await self._devtools.send("WebAuthn.getCredentials", about))["credentials"]
        changed = {**about, "credentialId": passkey["credentialId"], "backupEligibility": True}
        await self._devtools.send("WebAuthn.setCredentialProperties", changed)

    async def go(self, path: str, address: str = "") -> None:
        """Open a page, and wait until its script is ready."""
        await self.page.goto(f"{address or self.console.address}{path}")
        await self.page.wait_for_selector("html[data-ready]")

    async def enrol(self, officer: str = "anna") -> None:
        """Make a passkey with the code that a supervisor had made."""
        await self.go("/enrol")
        await self.page.fill("#officer", officer)
        await self.page.fill("#code", self.console.desk.invite(officer))
        await self.page.click("form button")
        await self.page.wait_for_selector("#done:visible")

    async def sign_in(self) -> None:
        """Sign in with the passkey."""
        await self.go("/sign-in")
        await self.page.click("#passkey")
        await self.page.wait_for_url(f"{self.console.address}/")

    async def refused(self) -> str:
        """Try to sign in; what the page says instead."""
        await self.go("/sign-in")
        await self.page.click("#passkey")
        told = self.page.locator("#told")
        await self.page.wait_for_selector("#passkey:enabled")
        return await told.inner_text()

    async def keys(self, script: str, *arguments: Any) -> Any:
        """Run a script that has `keys`; a KeysError comes as its code."""
        wrapped = f"async (given) => {{ {KEYS} try {{ {script} }} catch (error) {{ return `no: ${{error.code}}` }} }}"
        return await self.page.evaluate(wrapped, list(arguments))

    async def order(self, verb: str = "admit", **fields: Any) -> Any:
        """Give an order."""
        wanted = {"gate": GATE, "verb": verb, "crossing": "5f0c2a", "reason": "compared by eye", **fields}
        return await self.keys("return await keys.order(given[0])", wanted)

    async def says(self) -> str:
        """What the page tells."""
        return await self.page.locator("#told").inner_text()


@contextlib.asynccontextmanager
async def workstation(browser: Browser, console: Console, *, width: int = 1280) -> AsyncIterator[Workstation]:
    async with workstation_of(await browser.new_context(viewport={"width": width, "height": 844}), console) as at:
        yield at


@contextlib.asynccontextmanager
async def workstation_of(context: BrowserContext, console: Console) -> AsyncIterator[Workstation]:
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    at = Workstation(console, context, page, devtools)
    await at.plug_in()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield at
        assert complaints == []
    finally:
        await context.close()


async def test_an_officer_enrols_signs_in_orders_and_signs_out(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        assert await at.page.locator("p").inner_text() == "anna"
        answer = await at.order(reason="  compared\u00a0by eye;\n beard since  ")
        assert answer == {"outcome": "done", "detail": "", "state": "idle", "sealed": None}
        order, by = console.orders[-1].order, console.orders[-1].by
        assert (order.gate, order.verb, order.crossing) == (GATE, Verb.ADMIT, "5f0c2a")
        assert order.reason == "compared by eye; beard since"
        assert (by.officer, by.role, by.party, by.gates) == ("anna", Role.OFFICER, Party.POLICE, (GATE,))
        assert by.until - console.desk.now_s == SHIFT_S
        await at.go("/sign-in")
        assert await at.page.locator("#who").inner_text() == "anna, officer"
        await at.keys("await keys.signOut()")
        assert await at.order() == "no: signed_out"
        await at.page.goto(f"{console.address}/")
        assert at.page.url == f"{console.address}/sign-in"


# As pages kept their keys until this was found: put away, and deleted at the end.
KEPT_IN_A_STORE = """async () => {
  const made = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const opening = indexedDB.open("kept", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("kept");
  await new Promise((done) => { opening.onsuccess = done; });
  for (const work of [(store) => store.put(made.privateKey, "kept"), (store) => store.clear()]) {
    const transaction = opening.result.transaction("kept", "readwrite", { durability: "strict" });
    work(transaction.objectStore("kept"));
    await new Promise((done) => { transaction.oncomplete = done; });
  }
  opening.result.close();
}"""


@pytest.mark.parametrize(
    "also",
    ["", pytest.param(KEPT_IN_A_STORE, marks=pytest.mark.long)],
    ids=["as it is", "a page that keeps its key in a store"],
)
async def test_no_file_of_the_profile_ever_holds_a_private_key(
    browser: Browser, console: Console, tmp_path: Path, also: str
) -> None:
    profile, held = tmp_path / "profile", Ed25519PrivateKey.generate()
    now_s = console.desk.now_s
    public = b64encode(held.public_key().public_bytes_raw()).decode()
    says = certificate(key=public, not_before=now_s - 60, until=now_s + 3600, officer="boris")
    context = await browser.browser_type.launch_persistent_context(profile, executable_path=CHROMIUM, args=FLAGS)
    keys = await overhear(context)
    async with workstation_of(context, console) as at:
        await at.enrol()
        await at.sign_in()
        assert (await at.order())["outcome"] == "done"
        await at.page.reload()  # which costs nothing
        assert (await at.order("release"))["outcome"] == "done"
        if also:
            await at.page.evaluate(also)
        while_it_lasts = {file for key in keys for file in left_of(key, profile)}
        await at.keys("await keys.signOut()")
        assert await at.order() == "no: signed_out"
        await at.keys("await keys.importKeyFile(given[0])", shift_text(held, says, AUTHORITY).decode())
        assert (await at.order())["outcome"] == "done"
        await at.keys("await keys.signOut()")
    assert len(keys) == (3 if also else 2)
    after = {file for key in [*keys, held.private_bytes_raw()] for file in left_of(key, profile)}
    assert bool(while_it_lasts) == bool(after) == bool(also), (while_it_lasts, after)


@pytest.mark.parametrize(
    "lacks",
    [
        "delete globalThis.SharedWorker",
        "const Real = SharedWorker; SharedWorker = function (at) { return new Real(at); }",
    ],
    ids=["no such worker", "no worker that lasts"],
)
async def test_a_browser_without_memory_that_lasts_is_told_so_before_a_passkey_is_touched(
    browser: Browser, console: Console, lacks: str
) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.context.add_init_script(lacks)
        assert "version 148 or later" in await at.refused()
        assert {path for path, _ in console.relayed} == {"/creation", "/enrol"}


@pytest.mark.long
async def test_the_private_halves_cannot_be_extracted_and_last_in_the_browser(
    browser: Browser, console: Console
) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        found = await at.page.evaluate(
            """async () => {
              ASK_KEEPER
              const { signing, sealing } = await askKeeper({});
              const tried = [];
              for (const key of [signing, sealing.privateKey])
                for (const form of ["jwk", "pkcs8", "raw"])
                  tried.push(await crypto.subtle.exportKey(form, key).then(() => "extracted", (error) => error.name));
              return [signing.extractable, sealing.privateKey.extractable, ...new Set(tried)];
            }""".replace("ASK_KEEPER", ASK_KEEPER)
        )
        assert found == [False, False, "InvalidAccessError"]
        other = await at.context.new_page()
        await other.goto(f"{console.address}/")
        assert await other.locator("h1").inner_text() == "lanes"


@pytest.mark.long
async def test_what_the_browser_signs_is_spelt_as_the_gate_demands(browser: Browser, console: Console) -> None:
    vectors = json.loads((ROOT / "core/tests/vectors/officers_orders.json").read_text())
    async with workstation(browser, console) as at:
        await at.go("/enrol")
        for kind in ("certificate", "order"):
            text = vectors[kind]["text"]
            assert await at.keys("return keys.canonical(JSON.parse(given[0]))", text) == text
            shuffled = json.dumps(dict(reversed(json.loads(text).items())), indent=2)
            assert await at.keys("return keys.canonical(JSON.parse(given[0]))", shuffled) == text
        for wrong in ("1.5", "1e30", '{"a":"\\ud800"}'):
            assert await at.keys("return keys.canonical(JSON.parse(given[0]))", wrong) == "no: malformed"
        await at.enrol()
        await at.sign_in()
        for reason in ('Zoë says “yes” \\ "no" 😀 👩‍👧 ﷽ \u2028 \x7f', "x" * 200, "\t"):
            await at.order("release", reason=reason)
            assert console.orders[-1].order.reason.isprintable()
        assert await at.order("admit", reason="x" * 201) == "no: long_reason"
        await at.order("release", reason="😀" * 201)
        assert console.orders[-1].order.reason == "😀" * 200


@pytest.mark.long
async def test_an_order_of_the_vectors_comes_out_byte_for_byte(browser: Browser, console: Console) -> None:
    vectors = json.loads((ROOT / "core/tests/vectors/officers_orders.json").read_text())
    order = json.loads(vectors["order"]["text"])
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vectors["shift"]["seed"]))
    block = b64encode(bytes.fromhex(vectors["certificate"]["bytes"])).decode()
    label = "PORTCULLIS SHIFT CERTIFICATE"
    file = f"{key_text(key).decode()}-----BEGIN {label}-----\n{block}\n-----END {label}-----\n"
    console.ahead_s = json.loads(vectors["certificate"]["text"])["not_before"] + 60 - time.time()
    console.looks = order["challenge"]
    async with workstation(browser, console) as at:
        await at.go("/sign-in")
        assert (await at.keys("return await keys.importKeyFile(given[0])", file))["officer"] == "anna"
        wanted = {name: order[name] for name in ("verb", "crossing", "reason", "seen")}
        assert (await at.order(**wanted))["outcome"] == "done"
        assert console.raw[-1].hex() == vectors["order"]["bytes"]


@pytest.mark.long
async def test_a_picture_that_a_gate_sealed_opens_for_its_crossing_only(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        await at.order()
        sealing = console.orders[-1].by.sealing
        assert sealing is not None
        info = f"portcullis-view/1\n{GATE}\n5f0c2a\nface".encode()
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        to = X25519PublicKey.from_public_bytes(b64decode(sealing))
        sealed = suite.encrypt(json.dumps({"live": "é" * 100_000, "chip": None}).encode(), to, info)
        script = "return await keys.open(...given)"
        assert await at.keys(script, GATE, "5f0c2a", "face", b64encode(sealed).decode()) == {
            "live": "é" * 100_000,
            "chip": None,
        }
        changed = sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:]
        for gate, crossing, part, raw in (
            ("south-1", "5f0c2a", "face", sealed),
            (GATE, "other", "face", sealed),
            (GATE, "5f0c2a", "document", sealed),
            (GATE, "5f0c2a", "face", changed),
            (GATE, "5f0c2a", "face", bytes(32) + sealed[32:]),
            (GATE, "5f0c2a", "face", b""),
        ):
            assert await at.keys(script, gate, crossing, part, b64encode(raw).decode()) == "no: not_opened"


async def test_a_passkey_that_can_be_copied_is_refused_at_once_and_later(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.plug_in(defaultBackupEligibility=True)
        await at.go("/enrol")
        await at.page.fill("#officer", "anna")
        await at.page.fill("#code", console.desk.invite())
        await at.page.click("form button")
        await at.page.wait_for_selector("#told.bad:visible")
        assert "can be copied to other devices" in await at.says()
        await at.plug_in()
        await at.enrol()
        await at.sign_in()
        await at.says_it_can_be_copied()
        assert "can be copied to other devices" in await at.refused()


@pytest.mark.long
async def test_an_unknown_passkey_and_an_unverified_user_get_nothing(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.verifies(False)
        assert "did not answer" in await at.refused()
        await at.verifies(True)
        await at.sign_in()
        await at.keys("await keys.signOut()")
        remove(ActLog(console.desk.path), "anna", now_s=console.desk.now_s)
        assert "not enrolled" in await at.refused()
        await at.plug_in()
        assert "did not answer" in await at.refused()
        assert await at.order() == "no: signed_out"


@pytest.mark.long
async def test_a_second_use_of_an_answer_and_one_for_another_key_get_nothing(
    browser: Browser, console: Console
) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        question = json.loads(next(body for path, body in console.relayed if path == "/certify"))
        post = """return await (await fetch("/sign-in/certify", {method: "POST", body: JSON.stringify(given[0])})).json()"""
        assert (await at.keys(post, question))["error"] == "stale"
        nonce = (await at.keys('return await (await fetch("/sign-in/request", {method: "POST", body: "{}"})).json()'))[
            "nonce"
        ]
        stolen = {**question, "nonce": nonce, "signing": b64encode(key_of(9).public_key().public_bytes_raw()).decode()}
        assert (await at.keys(post, stolen))["error"] == "no_proof"
        acts = [json.loads(line)["act"] for line in console.desk.path.read_bytes().splitlines()]
        assert acts == ["invited", "enrolled", "certified"]


async def test_a_page_at_another_address_cannot_use_the_passkey(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.go("/sign-in", f"http://127.0.0.1:{console.port}")
        await at.page.click("#passkey")
        await at.page.wait_for_selector("#passkey:enabled")
        assert "this address" in await at.says()


@pytest.mark.long
async def test_a_shift_that_is_over_ends_the_session_and_the_keys(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        console.ahead_s += SHIFT_S
        console.passed_s += PROOF_LATE_S + 1
        assert await at.order() == "no: signed_out"
        await at.go("/sign-in")
        assert "shift is over" in await at.says()
        assert await at.keys("return await keys.holder()") is None


@pytest.mark.long
async def test_a_console_whose_clock_is_wrong_signs_in_by_the_authoritys_and_says_so(
    browser: Browser, console: Console
) -> None:
    console.ahead_s = 3 * 24 * 3600.0
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        assert (await at.order())["outcome"] == "done"
        await at.go("/sign-in")
        assert "clock is wrong" in await at.page.locator("#clock").inner_text()


@pytest.mark.long
async def test_a_cookie_on_another_machine_orders_nothing_and_ends_with_the_next_proof(
    browser: Browser, console: Console
) -> None:
    async with workstation(browser, console) as at, workstation(browser, console) as thief:
        await at.enrol()
        await at.sign_in()
        [cookie] = await at.context.cookies()
        await thief.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": console.address}])
        await thief.page.goto(f"{console.address}/")
        assert await thief.page.locator("h1").inner_text() == "lanes"
        assert await thief.order() == "no: signed_out"
        await at.go("/sign-in")  # proves again, and has another cookie
        await at.page.goto(f"{console.address}/")
        console.passed_s += 10
        await thief.page.goto(f"{console.address}/")
        assert thief.page.url == f"{console.address}/sign-in"
        assert (await at.order())["outcome"] == "done"


@pytest.mark.long
async def test_a_session_without_proofs_or_deeds_ends(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        console.passed_s += PROOF_LATE_S + 1
        await at.page.goto(f"{console.address}/")
        assert at.page.url == f"{console.address}/sign-in"
        await at.page.wait_for_selector("#signed-in:visible")  # the keys are still there
        console.passed_s += IDLE_S + 1
        await at.go("/sign-in")
        assert "half an hour" in await at.says()
        assert await at.keys("return await keys.holder()") is None


async def test_a_gate_that_says_that_it_is_another_gets_no_order(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.enrol()
        await at.sign_in()
        console.looks = {"gate": "south-1"}
        assert await at.order() == "no: other_gate"
        assert console.orders == []


async def test_a_key_file_signs_in_without_an_authority_and_shows_no_pictures(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    console.away = True
    now_s = console.desk.now_s
    says = certificate(7, not_before=now_s - 60, until=now_s + 3600, officer="boris")
    file = tmp_path / "shift.key"
    file.write_bytes(shift_text(key_of(7), says, AUTHORITY))
    async with workstation(browser, console) as at:
        assert "does not answer" in await at.refused()
        await at.page.click("summary")
        await at.page.set_input_files("#file", str(file))
        await at.page.wait_for_url(f"{console.address}/")
        assert (await at.order())["outcome"] == "done"
        assert console.orders[-1].by == says
        assert await at.keys("return await keys.open('north-7', 'c', 'face', 'AAAA')") == "no: no_pictures"
        await at.page.goto(f"{console.address}/")  # another page of the same browser has it, too
        assert (await at.order())["outcome"] == "done"
        for wrong in (b"nothing", shift_text(key_of(8), says, AUTHORITY)):
            assert await at.keys("return await keys.importKeyFile(given[0])", wrong.decode()) in {
                "no: bad_file",
                "no: other_key",
            }


@pytest.mark.long
async def test_a_key_of_another_authority_is_nobodys(browser: Browser, console: Console) -> None:
    async with workstation(browser, console) as at:
        await at.go("/sign-in")
        now_s = console.desk.now_s
        says = certificate(7, not_before=now_s - 60, until=now_s + 3600)
        forged = shift_text(key_of(7), says, key_of(3)).decode()
        assert await at.keys("return await keys.importKeyFile(given[0])", forged) == "no: no_proof"
        await at.page.goto(f"{console.address}/")
        assert at.page.url == f"{console.address}/sign-in"


# ── the kiosk's policy ───────────────────────────────────────────────────────────────────────────────────────────────


UNDER_POLICY = """#!/bin/sh
exec unshare --mount -- sh -ec '
mount -t tmpfs tmpfs /etc/chromium; mkdir /etc/chromium/policies; ln -s "{policies}" /etc/chromium/policies/managed; exec {chromium} "$@"' sh "$@"
"""


def policies(console: Console, folder: Path) -> Path:
    """What the unit writes for this console, by its own words."""
    unit = (ROOT / "systemd/portcullis-console-kiosk.service").read_text()
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStartPre=+/bin/sh -ec '")]
    words = line.partition("'")[2].removesuffix("'").replace("$$", "$").replace("%t", str(folder))
    (folder / "portcullis-console-policy").mkdir()
    words = words.replace("/usr/share/portcullis", str(ROOT / "packaging/kiosk"))
    done = subprocess.run(
        ["sh", "-ec", words], env={"CONSOLE": console.address, "PATH": os.environ["PATH"]}, check=True
    )
    assert done.returncode == 0
    assert subprocess.run(["sh", "-ec", words], env={"PATH": os.environ["PATH"]}, check=False).returncode != 0
    return folder / "portcullis-console-policy"


def under(policies: Path, folder: Path) -> Path:
    """A browser that reads these policies, and none of this machine's others."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    browser = folder / "browser"
    browser.write_text(UNDER_POLICY.format(policies=policies, chromium=CHROMIUM))
    browser.chmod(0o700)
    return browser


@pytest.mark.long
async def test_under_the_kiosks_policy_the_console_works_and_nothing_else_is_shown_or_kept(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    wanted = policies(console, tmp_path)
    policy = json.loads((wanted / "portcullis.json").read_text())
    for forbids in ("DeveloperToolsAvailability", "RemoteDebuggingAllowed"):
        policy.pop(forbids)  # or no test could look
    (wanted / "portcullis.json").write_text(json.dumps(policy))
    kiosk, profile = under(wanted, tmp_path), tmp_path / "profile"

    async def blocked(page: Page, address: str) -> bool:
        try:
            await page.goto(address)
        except PlaywrightError as error:
            return "ERR_BLOCKED_BY_ADMINISTRATOR" in str(error)
        return False

    for number in (1, 2):
        context = await browser.browser_type.launch_persistent_context(profile, executable_path=kiosk, args=FLAGS)
        keys = await overhear(context)
        async with workstation_of(context, console) as at:
            await at.enrol(f"anna-{number}")
            await at.sign_in()
            assert await at.page.evaluate("localStorage.length") == 0, "nothing is left of the session before"
            await at.page.evaluate("localStorage.setItem('kept', 'until the end')")
            assert (await at.order())["outcome"] == "done"
            for other in (
                f"http://127.0.0.1:{console.port}/",
                f"http://sub.localhost:{console.port}/",
                f"http://localhost:{console.port + 1}/",
                "https://example.com/",
                "file:///etc/passwd",
                "chrome://version/",
                "chrome://settings/",
                "chrome://inspect/",
                "devtools://devtools/bundled/inspector.html",
                "data:text/html,x",
                f"view-source:{console.address}/",
            ):
                page = await context.new_page()
                assert await blocked(page, other), other
                await page.close()
        assert [left_of(key, tmp_path) for key in keys] == [[], []]


@pytest.mark.long
async def test_nobody_attaches_a_tool_to_the_kiosks_browser(browser: Browser, console: Console, tmp_path: Path) -> None:
    kiosk = under(policies(console, tmp_path), tmp_path)
    with pytest.raises(PlaywrightError):
        await browser.browser_type.launch(executable_path=kiosk, args=FLAGS, timeout=WAIT_MS)


MEASURE = measuring(
    """
  for (const one of document.querySelectorAll("button, input, summary, .button")) {
    if (visible(one) && one.getBoundingClientRect().height < 44) problems.push(`small: ${one.textContent || one.id}`);
    if (one.matches("input") && one.labels.length !== 1) problems.push(`no label: ${one.id}`);
  }
"""
)


@pytest.mark.long
@pytest.mark.parametrize("width", [390, 1280])
async def test_the_pages_are_whole_and_legible(browser: Browser, console: Console, width: int) -> None:
    async with workstation(browser, console, width=width) as at:
        problems = {}
        for path in ("/sign-in", "/enrol"):
            await at.go(path)
            problems[path] = await at.page.evaluate(MEASURE)
        console.away = True
        await at.refused()
        await at.page.click("summary")
        problems["refused"] = await at.page.evaluate(MEASURE)
        assert not any(problems.values()), problems
