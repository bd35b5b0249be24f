"""The registers program: answers the lane from lists held here and registers queried online: hit, none or unknown.

A failed register is unknown, never none. A hit is reported to its owner, without name, number or picture, in files:

    outbox/stolen-documents/6f1c….hit.json          {"register":…,"agency":…,"edition":…,"reference":…,"cause":…,"gate":…,"at":…}
    outbox/stolen-documents/6f1c….disposition.json  {"handle":…,"disposition":…,"at":…}
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import msgspec

from gate.channel import register_messages
from gate.channel.errors import ChannelError
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.lists.adapters.reuse import Reuse
from gate.lists.entries import SECRET_BYTES_MIN
from gate.lists.stored_list import StoredList
from gate.passage.names import Disposition
from gate.programs.registers.held import HeldLists, erase_others
from gate.programs.registers.inquiry import DayKey, Online, Registers
from gate.programs.shared.aligned_timer import beat
from gate.programs.shared.config import Config, OnlineRegister, SignedList
from gate.programs.shared.config import Registers as Settings
from gate.programs.shared.devices import registers as adapters
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.shared.status import serve_status
from gate_core import durable
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Verifier
from gate_core.evidence.registers import Register, RegisterAnswer, RegisterCause
from gate_core.ordinary import read_ordinary
from gate_core.ports.registers import Answer, Question
from gate_core.programs import clock
from gate_core.programs.task_groups import run_until_first_exits
from gate_core.settings.config_file import ConfigError, zone_of
from gate_core.settings.environment import credentials_folder
from gate_core.settings.toml_file import Problem

FILES_MAX: Final = 10_000  # per register


class OutboxFullError(Exception):
    """Too many files of one register have not been fetched."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit, without data of the traveller."""

    register: str
    agency: str
    edition: str
    reference: str
    cause: str
    gate: str
    at: str


class Outbox:
    """The outbox folder. Its functions block; only one thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tidy(self) -> None:
        """Delete drafts of a killed program. Raises OSError."""
        for draft in self._folder.glob(f"*/{durable.DRAFT}*"):
            draft.unlink(missing_ok=True)

    def count(self) -> int:
        """Return the number of waiting files, without drafts."""
        return sum(1 for _ in self._folder.glob("*/[!.]*.json"))

    def hit(self, handle: str, hit: Hit) -> None:
        """Store a hit. Raises OutboxFullError and OSError."""
        self._keep(hit.register, f"{handle}.hit.json", msgspec.json.encode(hit))

    def settled(self, register: str, handle: str, disposition: Disposition, at: str) -> None:
        """Store the disposition of a register's hit, which its owner may have fetched already. Raises as `hit`."""
        told = {"handle": handle, "disposition": disposition.value, "at": at}
        self._keep(register, f"{handle}.disposition.json", msgspec.json.encode(told))

    def _keep(self, register: str, name: str, content: bytes) -> None:
        folder = self._folder / register
        durable.make_folder(folder, mode=0o750)
        if sum(1 for _ in folder.glob("[!.]*.json")) >= FILES_MAX:
            raise OutboxFullError(f"{FILES_MAX} files wait in {folder} to be fetched")
        durable.write(folder / name, content + b"\n", mode=0o640)


CREDENTIAL_BYTES_MAX: Final = 64 * 1024
HITS_MAX: Final = 256  # waiting to be written; the oldest is dropped, the log has it
AGAIN_S: Final = 5.0
READY, SUSPENDED = "ready", "suspended"
WELL: Final = frozenset({READY, SUSPENDED})
log = logging.getLogger("registers")


async def run(config: Config, *, stop: asyncio.Event) -> None:
    """Answer the lane until `stop` is set. Raises ConfigError if a list or register can never work."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log each query, and so each traveller's time
    settings = config.registers
    if settings is None:
        raise ConfigError(Problem("registers", "there is no table [registers]: this gate asks none"))
    if found := tuple(adapters.problems(config)):
        raise ConfigError(*found)
    lists = HeldLists(
        {name: stored_list_of(config, settings, name, one) for name, one in settings.lists.items()},
        Path(settings.incoming),
    )
    async with contextlib.AsyncExitStack() as held:
        online = {
            name: await held.enter_async_context(_online(config, name, one)) for name, one in settings.online.items()
        }
        held.callback(lists.close)
        erase_others(Path(settings.folder) / "lists", settings.lists)
        lists.open()
        await lists.renew(clock.now())  # so that the first question uses editions already there
        day_key = _day_key(config, settings, online)
        service = RegisterService(config, lists, online, day_key)
        service.begin()
        await held.enter_async_context(serve_status(config, "registers", service.status))
        await held.enter_async_context(serve(CHANNELS.registers, config.socket("registers"), service.attend))
        try:
            keeping = [] if day_key is None else [day_key.keep()]
            await run_until_first_exits(
                _renew(lists, settings.check_every_ms / 1000), service.keep_hits(), *keeping, stop.wait()
            )
        finally:
            await service.last_words()


async def _renew(lists: HeldLists, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        await lists.renew(clock.now())


def stored_list_of(config: Config, settings: Settings, name: str, one: SignedList) -> StoredList:
    """Return a list as stored here. Raises ConfigError for invalid keys."""
    try:
        keys = [Verifier.parse(key) for key in one.keys]
    except BadFormatError as error:
        raise ConfigError(Problem(f"registers.lists.{name}.keys", str(error))) from error
    secret = None if not one.secret else _secret(config, one.secret)
    folder = Path(settings.folder) / "lists" / name
    return StoredList(folder, name=name, agency=one.agency, keys=keys, secret=secret, gate=config.gate_id)


def _credential(config: Config, name: str) -> Path:
    """Return a credential's path: systemd's, else in the folder of the gate's keys."""
    return (credentials_folder() or Path(config.paths.keys)) / name


def _secret(config: Config, name: str) -> bytes | None:
    """Return the key of an agency's numbers (hexadecimal file); None if unreadable: its lists then answer unknown."""
    try:
        secret = bytes.fromhex(read_ordinary(_credential(config, name), CREDENTIAL_BYTES_MAX).decode("ascii").strip())
    except OSError as error:
        log.log(logging.ERROR, "credential_missing", extra={"credential": name, "reason": error.strerror or ""})
        return None
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES_MIN:
        log.error("credential_unfit", extra={"credential": name, "reason": "it is no key of 32 bytes in hexadecimal"})
        return None
    return secret


@contextlib.asynccontextmanager
async def _online(config: Config, name: str, one: OnlineRegister) -> AsyncIterator[Online]:
    """Yield an online register; without adapter if its address or a credential is missing."""
    not_for = frozenset(one.not_for)
    if not one.address:
        yield Online(name, None, RegisterCause.NO_ADDRESS, not_for)
        return
    from gate.lists.adapters.https import Courier, Place  # noqa: PLC0415 - a gate that asks nobody online loads no HTTP client

    place = Place(one.address)
    if not one.address.startswith("http:"):
        context = _context(config, name, one)
        if context is None:
            yield Online(name, None, RegisterCause.NO_KEY, not_for)
            return
        place = Place(one.address, context)
    async with Courier(place) as courier:
        yield Online(name, adapters.adapter(one, courier), None, not_for)


def _day_key(config: Config, settings: Settings, online: Mapping[str, Online]) -> DayKey | None:
    """Return the key of the site's exchange; None without an exchange, or if it cannot be queried."""
    name = "" if settings.reuse is None else settings.reuse[0]
    adapter = online[name].adapter if name else None
    if not isinstance(adapter, Reuse):
        return None
    zone = zone_of(config.time_zone)
    register = next(one for one in settings.required if one.name == name)

    def today() -> date | None:
        local = clock.now().astimezone(zone)
        return local.date() if register.is_asked(local) else None

    return DayKey(adapter, online[name].trouble, today=today, deadline_s=settings.answer_ms / 1000)


def _context(config: Config, name: str, one: OnlineRegister) -> ssl.SSLContext | None:
    """Return a TLS context with the gate's certificate for this register; None if a file is missing or invalid."""
    try:
        context = ssl.create_default_context(cafile=one.authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # Without a password OpenSSL would ask a terminal.
        context.load_cert_chain(_credential(config, one.certificate), password=b"")
    except (OSError, ssl.SSLError) as error:
        log.log(logging.ERROR, "register_unreachable", extra={"register": name, "reason": str(error)})
        return None
    return context


class RegisterService:
    """Serves the lane, and reports the program's status."""

    def __init__(self, config: Config, lists: HeldLists, online: Mapping[str, Online], day_key: DayKey | None) -> None:
        assert config.registers is not None, "the program ends without a table"
        self._settings = config.registers
        self._gate = config.gate_id
        self._zone = zone_of(config.time_zone)
        self._lists = lists
        self._online = online
        self._day_key = day_key
        self._exchange = "" if self._settings.reuse is None else self._settings.reuse[0]
        self._registers = Registers(lists, online)
        self._outbox = Outbox(Path(self._settings.folder) / "outbox")
        self._hits: deque[tuple[str, Hit]] = deque(maxlen=HITS_MAX)
        self._has_hit = asyncio.Event()
        self._writing = asyncio.Lock()
        self._said: Counter[str] = Counter()
        self._troubles = {
            one.name: FaultLatch(log, begins="outbox_failed", ends="outbox_well_again", about={"register": one.name})
            for one in self._settings.required
        }

    def begin(self) -> None:
        """Delete drafts of an earlier run in the outbox. Raises OSError."""
        self._outbox.tidy()

    async def attend(self, connection: Connection[register_messages.ToRegisters]) -> None:
        """Answer one caller."""
        async for message in connection:
            match message:
                case register_messages.AskRegisters():
                    # A caller that disconnects cancels its question.
                    await run_until_first_exits(self._answer(connection, message), _hung_up(connection))
                    return
                case register_messages.HitSettled(register, handle, disposition):
                    if await self._settle(register, handle, disposition):
                        await connection.send(register_messages.SettlementKept())
                case register_messages.DayKeyWanted():
                    await connection.send(
                        register_messages.DayKeyIs(b"" if self._day_key is None else self._day_key.now())
                    )
                case StatusRequest():
                    await connection.send(self.status())

    async def keep_hits(self) -> None:
        """Write hits for their owners after answering, so that a hit takes as long as none. Retries a failed one after
        the others.
        """
        while True:
            self._has_hit.clear()
            while self._hits:
                if not await self._keep_first():
                    await beat(AGAIN_S)
            await self._has_hit.wait()

    async def last_words(self) -> None:
        """Try once to write each waiting hit."""
        for _ in range(len(self._hits)):
            await self._keep_first()

    async def _keep_first(self) -> bool:
        """Write the first waiting hit; move it to the end if that fails."""
        handle, hit = first = self._hits[0]
        async with self._writing:
            kept = await self._kept(hit.register, asyncio.to_thread(self._outbox.hit, handle, hit))
        with contextlib.suppress(ValueError):  # it was dropped meanwhile
            self._hits.remove(first)
            if not kept:
                self._hits.append(first)
        return kept

    def status(self) -> Status:
        """Return the status of lists and registers."""
        now = clock.now()
        registers = {one.name: self._state_of(one, now) for one in self._settings.required}
        problem = self._lists.problem or "; ".join(one.words for one in self._troubles.values() if one.words)
        well = not problem and all(one["state"] in WELL for one in registers.values())
        return Status(
            program="registers",
            state="ready" if well else "degraded",
            detail={
                "registers": registers,
                "problem": problem or None,
                "answers": dict(sorted(self._said.items())),
                "outbox": self._outbox.count(),
            },
        )

    def _state_of(self, register: Register, now: datetime) -> dict[str, object]:
        """Return how a register would answer now, or that it is suspended today."""
        name = register.name
        header = self._lists.headers().get(name)
        edition = None if header is None else header.serial
        if not register.is_asked(now.astimezone(self._zone)):
            return {"state": SUSPENDED, "edition": edition}
        online = self._online.get(name)
        if online is not None:
            silent = "silent" if online.trouble.words else READY
            return {"state": silent if online.missing is None else online.missing.value, "edition": None}
        # Ask the list about a document that does not exist: unknown is a fault, none is normal.
        answer = self._lists.ask(name, Question("P", "XXX", "0", "XXX", "A", "A"), now)
        lacks = answer.cause if answer.answer is RegisterAnswer.UNKNOWN else None
        return {"state": READY if lacks is None else lacks.value, "edition": edition}

    async def _answer(
        self, connection: Connection[register_messages.ToRegisters], message: register_messages.AskRegisters
    ) -> None:
        now, question = clock.now(), Question(**msgspec.structs.asdict(message.question), entry=message.entry)
        today, deadline_s = now.astimezone(self._zone).date(), message.deadline_ms / 1000
        answers = await self._registers.ask(message.registers, question, deadline_s=deadline_s, now=now, today=today)
        found = []
        for name in self._by_priority(answers):
            answer = answers[name]
            # The exchange's hits have no owner to report to.
            is_told = answer.answer is RegisterAnswer.HIT and name != self._exchange
            handle = secrets.token_hex(16) if is_told else ""
            if name == self._exchange and answer.answer is RegisterAnswer.UNKNOWN and self._day_key is not None:
                self._day_key.doubt()
            # The owner's reference is not sent to the lane.
            said = (name, answer.answer, answer.cause, answer.edition, handle, answer.about)
            found.append(register_messages.RegisterFound(*said))
            self._said[answer.answer.value] += 1
            if handle:
                agency = self._settings.lists[name].agency if name in self._settings.lists else name
                cause = "" if answer.cause is None else answer.cause.value
                at = now.isoformat(timespec="seconds")
                hit = Hit(name, agency, answer.edition, answer.reference, cause, self._gate, at)
                self._hits.append((handle, hit))
                self._has_hit.set()
        await connection.send(register_messages.RegistersSaid(found))

    def _by_priority(self, answers: Mapping[str, Answer]) -> list[str]:
        """Return lists by their owners' priority, then registers online."""
        ranks = {name: header.priority for name, header in self._lists.headers().items() if header is not None}
        return sorted(answers, key=lambda name: ranks.get(name, 10))

    async def _settle(self, register: str, handle: str, disposition: Disposition) -> bool:
        """Store a hit's disposition; False if that failed, and the lane will repeat it."""
        if register not in self._troubles:
            return True  # no longer configured, so its owner fetches nothing
        async with self._writing:
            at = clock.now().isoformat(timespec="seconds")
            return await self._kept(
                register, asyncio.to_thread(self._outbox.settled, register, handle, disposition, at)
            )

    async def _kept(self, register: str, writing: Awaitable[None]) -> bool:
        try:
            await writing
        except (OutboxFullError, OSError) as error:
            self._troubles[register].is_now(str(error))
            return False
        self._troubles[register].is_now("")
        return True


async def _hung_up(connection: Connection[register_messages.ToRegisters]) -> None:
    """Return when the caller disconnects, or sends anything more."""
    with contextlib.suppress(ChannelError):
        await connection.receive()
