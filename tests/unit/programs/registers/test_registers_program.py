"""The registers' program on its socket: what it answers the lane, and what it leaves for the owners of lists."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fakes.gate_status import CONFIG
from fakes.online_registers import Fault
from fakes.online_registers import Registers as Simulated
from fakes.signed_lists import Agency

from gate.channel import register_messages
from gate.channel.message import Status
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.lists.stored_list import Brought, StoredList
from gate.passage.names import Disposition
from gate.programs.registers import program
from gate.programs.registers.held import HeldLists
from gate.programs.registers.program import run
from gate.programs.shared.config import Config, OnlineRegister, Paths, Registers, SignedList, Suspended
from gate.programs.shared.devices.registers import ADAPTERS
from gate.programs.shared.program_status import Silence
from gate.programs.shared.status import hear
from gate_core.audit_format.note import Note
from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ports.registers import Answer
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError

STOLEN = register_messages.DocumentQuestion("P", "UTO", "L898902C3", "UTO")
CLEAN = register_messages.DocumentQuestion("P", "UTO", "C01X0006H", "UTO")
NUMBERS = ["L898902C3", "A1", "B2", "D4"]


@dataclass
class Site:
    """A gate's registers: one list, and whatever is online."""

    folder: Path
    agency: Agency = field(default_factory=Agency)
    online: dict[str, OnlineRegister] = field(default_factory=dict)
    secret: bool = True
    key: str = ""

    @property
    def incoming(self) -> Path:
        return self.folder / "incoming"

    def config(self) -> Config:
        keys = self.folder / "keys"
        keys.mkdir(exist_ok=True)
        if self.secret:
            (keys / "police-numbers").write_text(self.key or self.agency.secret.hex() + "\n")
        self.incoming.mkdir(exist_ok=True)
        signed = SignedList(agency=self.agency.name, keys=(self.agency.signer.verifier.vkey,), secret="police-numbers")
        registers = Registers(
            folder=str(self.folder / "state"),
            incoming=str(self.incoming),
            answer_ms=1000,
            check_every_ms=50,
            lists={self.agency.list_name: signed},
            online=self.online,
        )
        paths = Paths(run=str(self.folder / "run"), keys=str(keys))
        return msgspec.structs.replace(CONFIG, paths=paths, registers=registers)

    def publish(self, numbers: list[str], **other: Any) -> Path:
        """An edition of now, in the folder of downloads; its entries."""
        note, path = self.agency.edition(self.incoming, numbers, **{**times_of_now(), **other})
        path.with_suffix(".note").write_bytes(note)
        return path

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Config]:
        config, stop = self.config(), asyncio.Event()
        running = asyncio.ensure_future(run(config, stop=stop))
        try:
            async with asyncio.timeout(10):
                while isinstance(await hear(config, "registers"), Silence):
                    assert not running.done() or running.result() is None
                    await asyncio.sleep(0.01)
            yield config
        finally:
            stop.set()
            await asyncio.wait_for(running, 10)


def times_of_now() -> dict[str, Any]:
    """When an edition of now was issued, and holds."""
    now = clock.now().replace(microsecond=0)
    return {"issued": now - timedelta(hours=1), "first": now - timedelta(days=1), "last": now + timedelta(days=9)}


@pytest.fixture
def site(short_path: Path) -> Site:
    return Site(short_path)


async def said(
    config: Config, question: register_messages.DocumentQuestion, *names: str, deadline_ms: int = 1000
) -> list[register_messages.RegisterFound]:
    connection = await connect(CHANNELS.registers, config.socket("registers"))
    try:
        await connection.send(register_messages.AskRegisters(list(names), deadline_ms, entry=True, question=question))
        answer = await connection.receive()
    finally:
        connection.close()
    assert isinstance(answer, register_messages.RegistersSaid)
    return answer.found


async def settle(config: Config, handle: str, register: str = "stolen-documents") -> register_messages.FromRegisters:
    connection = await connect(CHANNELS.registers, config.socket("registers"))
    try:
        await connection.send(register_messages.HitSettled(register, handle, Disposition.TAKEN_OVER))
        async with asyncio.timeout(0.5):
            return await connection.receive()
    finally:
        connection.close()


async def until(config: Config, well: Callable[[dict[str, Any]], bool]) -> None:
    """Until the status shows it."""
    async with asyncio.timeout(10):
        while not well(await detail(config)):  # noqa: ASYNC110 - another task's work, as its status shows it
            await asyncio.sleep(0.02)


async def detail(config: Config) -> dict[str, Any]:
    status = await hear(config, "registers")
    assert isinstance(status, Status)
    return {"state": status.state, **status.detail}


async def test_a_hit_is_answered_with_a_handle_and_told_to_the_owner_with_the_disposition(site: Site) -> None:
    async with site.running() as config:
        site.publish(NUMBERS)
        await until(config, lambda told: told["registers"]["stolen-documents"]["state"] == "ready")
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert (found.answer, found.cause, found.edition) == (RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, "1")
        assert found.about == "Keep the document, and call the duty officer."
        folder = site.folder / "state" / "outbox" / "stolen-documents"
        await until(config, lambda told: told["outbox"] == 1)
        hit = folder / f"{found.handle}.hit.json"
        told = json.loads(hit.read_text())
        assert told["reference"] == site.agency.digests(["L898902C3"])[0].hex()
        assert (told["register"], told["agency"], told["edition"]) == ("stolen-documents", "police.example", "1")
        assert (told["cause"], told["gate"]) == ("number_listed", config.gate_id)
        assert "L898902C3" not in hit.read_text()
        assert await settle(config, found.handle) == register_messages.SettlementKept()
        settled = json.loads((folder / f"{found.handle}.disposition.json").read_text())
        assert (settled["handle"], settled["disposition"]) == (found.handle, "taken_over")
        assert (await detail(config))["outbox"] == 2
        (clean,) = await said(config, CLEAN, "stolen-documents")
        assert (clean.answer, clean.handle) == (RegisterAnswer.NONE, "")
        assert (await detail(config))["answers"] == {"hit": 1, "none": 1}


async def test_what_lies_there_at_the_start_answers_the_first_question(site: Site) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert found.answer is RegisterAnswer.HIT
        told = await detail(config)
        assert told["state"] == "ready"
        assert told["registers"] == {"stolen-documents": {"state": "ready", "edition": 1}}
    for path in site.incoming.iterdir():
        path.unlink()
    async with site.running() as config:  # and the one that is held, when the folder of downloads is empty
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert found.answer is RegisterAnswer.HIT


@pytest.mark.parametrize(
    ("secret", "key", "cause"),
    [(False, "", "no_key"), (True, "zz", "no_key"), (True, "00" * 31, "no_key")],
)
async def test_without_the_agency_s_key_nothing_is_known_and_the_status_says_so(
    secret: bool,  # noqa: FBT001 - a case
    key: str,
    cause: str,
    site: Site,
) -> None:
    site.secret, site.key = secret, key
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert (found.answer, found.cause) == (RegisterAnswer.UNKNOWN, RegisterCause(cause))
        told = await detail(config)
        assert (told["state"], told["registers"]["stolen-documents"]["state"]) == ("degraded", cause)


async def test_a_register_that_is_suspended_today_is_well_and_says_so(site: Site) -> None:
    today = clock.now().date()
    day = timedelta(days=1)
    days = (Suspended(title="Suspended here", basis="Order 3", first=today - day, last=today + day),)
    site.online = {"lost": OnlineRegister(adapter="lost_documents", suspended=days)}
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        told = await detail(config)
        assert told["registers"]["lost"] == {"state": "suspended", "edition": None}
        assert told["state"] == "ready"


async def test_without_a_list_and_for_a_register_that_is_not_there_nothing_is_known(site: Site) -> None:
    async with site.running() as config:
        found = await said(config, STOLEN, "stolen-documents", "another")
        assert [(one.answer, one.cause) for one in found] == [(RegisterAnswer.UNKNOWN, RegisterCause.NO_LIST)] * 2


async def test_a_register_online_is_asked_and_whoever_it_is_not_about_is_not(site: Site) -> None:
    simulated = Simulated(lost={("UTO", "L898902C3"): "A-17"})
    async with simulated.serving():
        online = {"lost": OnlineRegister(adapter="lost_documents", address=simulated.address, not_for=("D",))}
        site.online = online
        async with site.running() as config:
            (hit,) = await said(config, STOLEN, "lost")
            assert (hit.answer, hit.cause) == (RegisterAnswer.HIT, RegisterCause.REPORTED_LOST)
            (free,) = await said(config, register_messages.DocumentQuestion("P", "D", "C01", "D"), "lost")
            assert (free.answer, free.cause) == (RegisterAnswer.NONE, RegisterCause.NOT_CONCERNED)
            assert len(simulated.asked) == 1


@pytest.mark.parametrize("fault", [one for one in Fault if one is not Fault.NONE], ids=lambda fault: fault.value)
async def test_a_register_that_is_slow_wrong_or_hostile_is_not_known_in_time_and_holds_up_no_other(
    fault: Fault, site: Site
) -> None:
    bad, good = Simulated(fault=fault), Simulated()
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with bad.serving(), good.serving():
        site.online = {
            "bad": OnlineRegister(adapter="lost_documents", address=bad.address),
            "good": OnlineRegister(adapter="lost_documents", address=good.address),
        }
        async with site.running() as config, asyncio.timeout(20):
            found = {
                one.register: one
                for one in await said(config, CLEAN, "bad", "good", "stolen-documents", deadline_ms=1500)
            }
            assert found["bad"].answer is RegisterAnswer.UNKNOWN
            assert found["bad"].cause in {RegisterCause.NO_ANSWER, RegisterCause.WRONG_ANSWER}
            assert found["good"].answer is RegisterAnswer.NONE
            assert found["stolen-documents"].answer is RegisterAnswer.NONE
            told = await detail(config)
            assert told["registers"]["bad"]["state"] == "silent"
            bad.fault = Fault.NONE
            (again,) = await said(config, CLEAN, "bad")
            assert again.answer is RegisterAnswer.NONE
            assert (await detail(config))["registers"]["bad"]["state"] == "ready"


async def test_a_caller_that_hangs_up_is_asked_about_nowhere_any_more(site: Site) -> None:
    simulated = Simulated(fault=Fault.SILENT)
    async with simulated.serving():
        site.online = {"lost": OnlineRegister(adapter="lost_documents", address=simulated.address)}
        async with site.running() as config, asyncio.timeout(5):
            connection = await connect(CHANNELS.registers, config.socket("registers"))
            await connection.send(register_messages.AskRegisters(["lost"], 10_000, entry=True, question=CLEAN))
            while not simulated.asked:  # noqa: ASYNC110 - until the question is there
                await asyncio.sleep(0.01)
            assert simulated._serving
            connection.close()
            while simulated._serving:  # noqa: ASYNC110 - the connection to the register ends with it
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("register", "cause"),
    [
        (OnlineRegister(adapter="lost_documents"), RegisterCause.NO_ADDRESS),
        (OnlineRegister(adapter="lost_documents", address="https://register.example"), RegisterCause.NO_KEY),
        (
            OnlineRegister(adapter="lost_documents", address="https://register.example", certificate="absent"),
            RegisterCause.NO_KEY,
        ),
        (
            OnlineRegister(adapter="lost_documents", address="https://register.example", certificate="police-numbers"),
            RegisterCause.NO_KEY,
        ),
    ],
)
async def test_without_an_address_or_a_certificate_nothing_is_known(
    register: OnlineRegister, cause: RegisterCause, site: Site
) -> None:
    site.online = {"lost": register}
    async with site.running() as config:
        (found,) = await said(config, CLEAN, "lost")
        assert (found.answer, found.cause) == (RegisterAnswer.UNKNOWN, cause)
        assert (await detail(config))["registers"]["lost"]["state"] == cause.value


async def test_an_adapter_that_fails_by_itself_is_not_known_and_says_nothing_of_the_question(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        async def ask(self, question: Any, _: Any) -> Any:
            raise KeyError(question.number)

    monkeypatch.setattr("gate.programs.shared.devices.registers.ADAPTERS", {"lost_documents": lambda _: Broken()})
    site.online = {"lost": OnlineRegister(adapter="lost_documents", address="http://127.0.0.1:1")}
    async with site.running() as config:
        (found,) = await said(config, STOLEN, "lost")
        assert (found.answer, found.cause) == (RegisterAnswer.UNKNOWN, RegisterCause.WRONG_ANSWER)
        assert (await detail(config))["registers"]["lost"]["state"] == "silent"
    assert "the adapter failed" not in caplog.text
    assert "L898902C3" not in caplog.text + str([vars(one) for one in caplog.records])


FREED = threading.Event()


async def stubborn(_: Any, __: Any) -> Any:
    """Goes on when it is given up."""
    while not FREED.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)


async def cancelling_itself(_: Any, __: Any) -> Any:
    raise asyncio.CancelledError


async def saying_nothing(_: Any, __: Any) -> Any:
    return None


async def saying_too_much(_: Any, __: Any) -> Any:
    return Answer(RegisterAnswer.HIT, RegisterCause.REPORTED_LOST, about="x" * 301)


async def saying_what_has_no_letters(_: Any, __: Any) -> Any:
    return Answer(RegisterAnswer.HIT, RegisterCause.REPORTED_LOST, reference="\ud800")


async def contradicting_itself(_: Any, __: Any) -> Any:
    return Answer(RegisterAnswer.NONE, RegisterCause.NO_ANSWER)


@pytest.mark.parametrize(
    "ask",
    [
        stubborn,
        cancelling_itself,
        saying_nothing,
        saying_too_much,
        saying_what_has_no_letters,
        contradicting_itself,
    ],
)
async def test_an_adapter_that_behaves_as_none_may_costs_its_own_answer_and_no_other(
    ask: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Odd:
        async def ask(self, question: Any, today: Any) -> Any:
            asked.append(question)
            return await ask(question, today)

    adapters = {"lost_documents": lambda _: Odd(), "entry_exit": ADAPTERS["entry_exit"]}
    monkeypatch.setattr("gate.programs.shared.devices.registers.ADAPTERS", adapters)
    simulated = Simulated()
    async with simulated.serving():
        site.online = {
            "odd": OnlineRegister(adapter="lost_documents", address="http://127.0.0.1:1"),
            "good": OnlineRegister(adapter="entry_exit", address=simulated.address),
        }
        async with site.running() as config:
            FREED.clear()
            try:
                for _ in range(3):
                    async with asyncio.timeout(20):
                        found = await said(config, CLEAN, "odd", "good", deadline_ms=2000)
                    answers = {one.register: one.answer for one in found}
                    assert answers == {"odd": RegisterAnswer.UNKNOWN, "good": RegisterAnswer.NONE}
                assert len(asked) == (1 if ask is stubborn else 3), "who goes on is not asked again meanwhile"
            finally:
                FREED.set()
            async with asyncio.timeout(5):
                while len(asked) < 2:  # and is when it has ended
                    await said(config, CLEAN, "odd")


def test_what_all_registers_together_may_say_fits_one_message() -> None:
    names = [f"{number:x}".rjust(32, "n") for number in range(register_messages.REGISTERS_MAX)]
    longest = [
        register_messages.RegisterFound(name, RegisterAnswer.UNKNOWN, cause, "9" * 32, "ab" * 16, "\U0001f6c2" * 300)
        for name, cause in zip(names, itertools.cycle(RegisterCause), strict=False)
    ]
    assert len(msgspec.msgpack.encode(register_messages.RegistersSaid(longest))) <= CHANNELS.registers.bytes_max


async def test_a_header_that_reckons_beyond_the_calendar_ends_no_program(site: Site) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    text = (site.incoming / "stolen-documents-1.note").read_bytes().partition(b"\n\n")[0].decode() + "\n"
    issued = next(line for line in text.splitlines() if line.startswith("issued"))
    strange = text.replace(issued, 'issued = "9999-12-31T23:00:00Z"').replace("serial = 1", "serial = 2")
    note = Note(strange, ()).with_signatures([site.agency.signer.sign(strange)])
    (site.incoming / "strange.note").write_bytes(note.to_bytes())
    async with site.running() as config:
        assert "strange.note" in (await detail(config))["problem"]
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert (found.answer, found.edition) == (RegisterAnswer.HIT, "1")


def certified(folder: Path) -> tuple[Path, Path, Path]:
    """An authority, and two it vouches for: a register on this machine, and the gate. Files as PEM, the last two with their keys."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("authority", "register", "gate")}
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    paths = []
    for name, key in keys.items():
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(clock.now() - timedelta(hours=1))
            .not_valid_after(clock.now() + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys["authority"].public_key()), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if name == "authority":
            usage = dict.fromkeys(
                ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
                False,
            )
            usage |= {"key_cert_sign": True, "crl_sign": True, "encipher_only": False, "decipher_only": False}
            builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        pem = builder.sign(keys["authority"], hashes.SHA256()).public_bytes(Encoding.PEM)
        if name != "authority":
            pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        paths.append(folder / f"{name}.pem")
        paths[-1].write_bytes(pem)
    return paths[0], paths[1], paths[2]


async def test_a_register_is_asked_over_tls_with_the_gate_s_own_certificate_and_by_its_authorities_alone(
    site: Site,
) -> None:
    keys = site.folder / "keys"
    keys.mkdir()
    authority, register, gate = certified(keys)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    context.load_cert_chain(register)
    context.verify_mode = ssl.CERT_REQUIRED
    simulated = Simulated(lost={("UTO", "L898902C3"): "A-17"})
    async with simulated.serving(context):
        address = simulated.address.replace("http:", "https:")
        ours = OnlineRegister(
            adapter="lost_documents", address=address, certificate=gate.name, authorities=str(authority)
        )
        strangers = msgspec.structs.replace(ours, authorities=str(_stranger(site.folder)))
        site.online = {"lost": ours, "by-strangers": strangers}
        async with site.running() as config:
            found = {one.register: one for one in await said(config, STOLEN, "lost", "by-strangers")}
    assert found["lost"].cause is RegisterCause.REPORTED_LOST
    assert found["by-strangers"].cause is RegisterCause.NO_ANSWER
    assert len(simulated.asked) == 1


def _stranger(folder: Path) -> Path:
    """Another authority."""
    (folder / "strangers").mkdir()
    return certified(folder / "strangers")[0]


async def test_a_settlement_for_a_register_that_is_configured_no_more_is_answered_and_leaves_nothing(
    site: Site,
) -> None:
    async with site.running() as config:
        assert await settle(config, "0" * 32, "another") == register_messages.SettlementKept()
        assert (await detail(config))["outbox"] == 0


async def test_a_disposition_is_told_though_its_hit_was_fetched_long_before(site: Site) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        (found,) = await said(config, STOLEN, "stolen-documents")
        await until(config, lambda told: told["outbox"] == 1)
        folder = site.folder / "state" / "outbox" / "stolen-documents"
        (folder / f"{found.handle}.hit.json").unlink()
        await settle(config, found.handle)
        assert [path.name for path in folder.iterdir()] == [f"{found.handle}.disposition.json"]


def outbox_holds(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """From now on an owner's outbox is full with so many."""
    monkeypatch.setattr(program, "FILES_MAX", files)


async def test_a_hit_that_cannot_be_written_is_written_later_and_holds_up_no_other_owner(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.programs.registers.program.AGAIN_S", 0.02)
    outbox_holds(monkeypatch, 1)
    site.incoming.mkdir()
    site.publish(NUMBERS)
    simulated = Simulated(lost={("UTO", "L898902C3"): "A-17"})
    folder = site.folder / "state" / "outbox"
    async with simulated.serving():
        site.online = {"lost": OnlineRegister(adapter="lost_documents", address=simulated.address)}
        async with site.running() as config:
            await said(config, STOLEN, "stolen-documents")
            await until(config, lambda told: told["outbox"] == 1)
            first = next((folder / "stolen-documents").iterdir())
            await said(config, STOLEN, "stolen-documents")
            await said(config, STOLEN, "lost")
            await until(config, lambda told: told["outbox"] == 2)
            assert len(list((folder / "lost").iterdir())) == 1
            assert (await detail(config))["problem"] is not None
            first.unlink()
            await until(config, lambda told: told["outbox"] == 2 and told["problem"] is None)
            assert len(list((folder / "stolen-documents").iterdir())) == 1


async def test_what_is_not_written_yet_is_written_before_the_program_ends(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox_holds(monkeypatch, 0)
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        await said(config, STOLEN, "stolen-documents")
        await until(config, lambda told: told["problem"] is not None)
        outbox_holds(monkeypatch, 10)
    assert len(list((site.folder / "state" / "outbox" / "stolen-documents").iterdir())) == 1


async def test_a_full_outbox_is_said_and_the_settlement_is_wanted_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        (found,) = await said(config, STOLEN, "stolen-documents")
        await until(config, lambda told: told["outbox"] == 1)
        outbox_holds(monkeypatch, 1)
        with pytest.raises(TimeoutError):
            await settle(config, found.handle)
        told = await detail(config)
        assert told["state"] == "degraded"
        assert "1 files wait" in told["problem"]
        (again,) = await said(config, STOLEN, "stolen-documents")
        assert again.answer is RegisterAnswer.HIT, "the officer is told all the same"


async def test_lists_answer_by_their_owners_priority(site: Site) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS, priority=9)
    async with site.running() as config:
        found = await said(config, STOLEN, "nowhere", "stolen-documents")
        assert [one.register for one in found] == ["stolen-documents", "nowhere"]


async def test_what_lies_in_the_folder_and_cannot_be_used_is_said_once_and_the_edition_before_stays(
    site: Site,
) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        site.publish(["A1"], serial=2)  # half of it is gone overnight
        (site.incoming / "noise.note").write_bytes(b"\xff" * 100)
        await until(config, lambda told: told["problem"] is not None)
        await asyncio.sleep(0.2)
        problem = (await detail(config))["problem"]
        assert "has 1 numbers after 4" in problem
        assert "noise.note" in problem
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert (found.answer, found.edition) == (RegisterAnswer.HIT, "1")
        site.publish(["A1"], serial=3, shrinks=True)
        (site.incoming / "noise.note").unlink()
        await until(config, lambda told: told["registers"]["stolen-documents"]["edition"] == 3)
        await until(config, lambda told: told["problem"] is None)


async def test_what_was_refused_is_tried_again_when_its_file_is_another_or_another_edition_is_held(site: Site) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running() as config:
        entries = site.publish([*NUMBERS, "E5"], serial=2)
        whole = entries.read_bytes()
        header = site.agency.header(whole, 5, serial=2)
        entries.write_bytes(b"half of it")
        note, path = site.agency.delta(site.incoming, header, [*NUMBERS, "E5"], ["F6"], [], serial=3, **times_of_now())
        path.with_suffix(".note").write_bytes(note)
        await until(config, lambda told: "2, which is not held" in (told["problem"] or ""))
        entries.write_bytes(whole)
        await until(config, lambda told: told["registers"]["stolen-documents"]["edition"] == 3)
        site.publish([], serial=4, withdrawn=True).unlink()
        await until(config, lambda told: told["registers"]["stolen-documents"]["edition"] == 4)
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert (found.answer, found.cause) == (RegisterAnswer.NONE, RegisterCause.WITHDRAWN)
        assert (await detail(config))["state"] == "ready"


async def test_what_was_refused_is_not_read_again_while_nothing_is_another(site: Site) -> None:
    class Counted(StoredList):
        brought_for = 0

        def brought(self, note: bytes, entries: Path | None, now: datetime) -> Brought:
            self.brought_for += 1
            return super().brought(note, entries, now)

    agency = site.agency
    stored = Counted(
        site.folder / "held",
        name=agency.list_name,
        agency=agency.name,
        keys=[agency.signer.verifier],
        secret=agency.secret,
        gate="gate-7",
    )
    lists = HeldLists({agency.list_name: stored}, site.incoming)
    site.incoming.mkdir()
    site.publish(NUMBERS).write_bytes(b"half of it")
    for _ in range(3):
        await lists.renew(clock.now())
    assert (stored.brought_for, stored.header) == (1, None)
    assert "not those that its header names" in lists.problem
    lists.close()


async def test_a_strange_list_and_too_many_headers_are_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.programs.registers.held.NOTES_MAX", 1)
    site.incoming.mkdir()
    Site(site.folder, Agency(list_name="another")).publish(["A1"])
    site.publish(NUMBERS)
    async with site.running() as config:
        problem = (await detail(config))["problem"]
        assert "no list of this gate is called another" in problem
        assert "2 headers lie in" in problem


async def test_a_list_on_the_disk_that_was_changed_says_that_nothing_is_known(site: Site) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running():
        pass
    for path in site.incoming.iterdir():
        path.unlink()
    (held,) = (site.folder / "state" / "lists" / "stolen-documents").glob("*.entries")
    held.write_bytes(held.read_bytes()[:-1] + b"\0")
    async with site.running() as config:
        (found,) = await said(config, STOLEN, "stolen-documents")
        assert (found.answer, found.cause) == (RegisterAnswer.UNKNOWN, RegisterCause.NO_LIST)


async def test_a_copy_is_erased_by_the_program_when_its_time_is_over(site: Site) -> None:
    site.incoming.mkdir()
    now = clock.now().replace(microsecond=0)
    site.publish(NUMBERS, issued=now - timedelta(hours=1) + timedelta(seconds=2), copies_kept_hours=1)
    async with site.running() as config:
        await until(config, lambda told: told["registers"]["stolen-documents"]["state"] == "no_copy")
        held = site.folder / "state" / "lists" / "stolen-documents"
        await until(config, lambda _: not list(held.glob("*.entries")))


async def test_a_list_that_is_configured_no_more_is_erased(site: Site) -> None:
    site.incoming.mkdir()
    site.publish(NUMBERS)
    async with site.running():
        pass
    held = site.folder / "state" / "lists" / "stolen-documents"
    assert list(held.glob("*.entries"))
    site.agency = Agency(list_name="another")
    async with site.running():
        assert not held.exists()


async def test_a_gate_without_registers_does_not_run_the_program(site: Site) -> None:
    with pytest.raises(ConfigError, match="no table"):
        await run(msgspec.structs.replace(site.config(), registers=None), stop=asyncio.Event())
    assert "registers" not in CONFIG.programs
    assert "registers" in site.config().programs


async def test_a_key_that_is_none_can_never_work(site: Site) -> None:
    config = site.config()
    assert config.registers is not None
    broken = msgspec.structs.replace(config.registers.lists["stolen-documents"], keys=("no key",))
    registers = msgspec.structs.replace(config.registers, lists={"stolen-documents": broken})
    with pytest.raises(ConfigError, match=r"registers.lists.stolen-documents.keys"):
        await run(msgspec.structs.replace(config, registers=registers), stop=asyncio.Event())
