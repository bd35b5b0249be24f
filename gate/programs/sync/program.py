"""The sync program: carries the published log to the mirror, imports downloaded lists, and downloads updates.

It only reads the spool. It puts a receipt into the inbox if its cosignature is valid; the log program verifies again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import ssl
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.channel.message import Status
from gate.device_certificate.credentials import DEVICE_PASSPHRASE, CredentialError, device_passphrase
from gate.device_certificate.device import DEVICE, IdentityError, has_plain_key
from gate.programs.shared.config import Config, Sync
from gate.programs.shared.status import serve_status
from gate.programs.sync import inbox
from gate.programs.sync.upkeep import LOOK_EVERY_S, MirrorKeys, Upkeep
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Verifier
from gate_core.audit_format.record import time_text
from gate_core.audit_format.spool import ERASURES, EXPIRED
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import ExpiredError, MirrorAwayError, OtherHistoryError, RefusedError, SyncError
from gate_core.mirror_client.https import Courier, Line, tls
from gate_core.mirror_client.mirror_state import Conversation, Receipt
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog
from gate_core.ordinary import read_ordinary
from gate_core.programs import clock
from gate_core.programs.reconnect import Backoff
from gate_core.programs.task_groups import run_until_first_exits, wait_at_most
from gate_core.settings.config_file import ConfigError
from gate_core.settings.environment import credentials_folder
from gate_core.settings.toml_file import Problem

if TYPE_CHECKING:
    from gate.programs.sync.lists import Lists
    from gate.programs.sync.updates import Updates

BACKOFF_MIN_S = 0.5
HELD_EVERY_MS = 3_600_000
UNTOLD_AGAIN_MS = 60_000  # after a refusal by the central server
BACKOFF_MAX_S = 30.0
ERASURES_MAX = 16  # at once; the others follow
ERASURE_AGAIN_ROUNDS = 600  # until one without a recorded receipt is sent again

log = logging.getLogger("gate.sync")


async def run(
    config: Config, *, stop: asyncio.Event, now: Callable[[], datetime] = clock.now, look_every_s: float = LOOK_EVERY_S
) -> None:
    """Run all tasks until `stop` is set. Raises ConfigError for a configuration that can never work."""
    if config.sync is None and config.lists is None:
        _settings(config)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log each request
    outbox, lists, updates, upkeep = None, None, None, None
    if config.lists is not None:
        from gate.programs.sync.lists import Lists  # noqa: PLC0415 - with what it starts a child by

        lists = Lists(config, config.lists)
    carry: Callable[[], Coroutine[Any, Any, object]] = stop.wait
    if (sync := config.sync) is not None:
        keys, passphrase, line = _mirror_keys(config, sync), _passphrase_of_systemd(), Line(sync.kbit_s)
        outbox = Outbox(config, keys)
        upkeep = _upkeep(config, sync, keys, passphrase, now=now, every_s=look_every_s, line=line)
        courier = _courier(upkeep)  # fail now if the configuration can never work
        jitter = random.SystemRandom().uniform
        carry = partial(_keep_carrying, outbox, upkeep, courier, sync.interval_ms / 1000, stop, jitter=jitter)
        if config.updates is not None:
            from gate.programs.sync.updates import Updates  # noqa: PLC0415 - with the updates' metadata

            updates = Updates(config, sync, config.updates, line=line, passphrase=passphrase)
    async with serve_status(config, "sync", partial(_status, outbox, lists, updates, upkeep)):
        await run_until_first_exits(carry(), *(each.run() for each in (lists, updates) if each is not None))


async def push(config: Config) -> dict[str, object]:
    """Run one round now; return the status fields. Raises ConfigError, SyncError and OSError."""
    settings = _settings(config)
    keys = _mirror_keys(config, settings)
    outbox, upkeep = Outbox(config, keys), _upkeep(config, settings, keys, _opened_passphrase(config))
    async with _courier(upkeep) as courier:
        if upkeep.expired is not None:
            raise ExpiredError(upkeep.expired)
        await keys.learn(courier)
        await outbox.round(courier)
        outbox.problem = None
    return outbox.detail()


async def retire(config: Config) -> None:
    """Tell the central server that this gate is retired. Raises ConfigError and SyncError."""
    settings = _settings(config)
    upkeep = _upkeep(config, settings, _mirror_keys(config, settings), _opened_passphrase(config))
    async with _courier(upkeep) as courier:
        response = await courier.send(wire.Request("POST", "/retire"))
    if response.status != 204:
        raise RefusedError(f"the central server refuses ({response.status}: {wire.reason_of(response)})")


def _settings(config: Config) -> Sync:
    if config.sync is None:
        raise ConfigError(Problem("sync", "there is no table [sync]; enrol the gate with gate provision enrol"))
    return config.sync


def _mirror_keys(config: Config, settings: Sync) -> MirrorKeys:
    try:
        return MirrorKeys(Verifier.parse(settings.mirror_vkey), Path(config.paths.inbox))
    except BadFormatError as error:
        raise ConfigError(Problem("sync.mirror_vkey", str(error))) from error


def _passphrase_of_systemd() -> bytes | None:
    """Return the passphrase of the device's key from systemd's credential, or None. Raises ConfigError."""
    folder = credentials_folder()
    if folder is None or not (path := folder / DEVICE_PASSPHRASE.name).is_file():
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(Problem("", f"sync: cannot read {path}: {error.strerror}", unreadable=True)) from error


def _opened_passphrase(config: Config) -> bytes | None:
    """Return the same for root at a terminal, by unsealing it. Raises ConfigError."""
    try:
        return device_passphrase(Path(config.paths.keys))
    except CredentialError as error:
        raise ConfigError(Problem("sync.identity", f"its key is sealed: {error}", unreadable=True)) from error


def _upkeep(
    config: Config,
    settings: Sync,
    keys: MirrorKeys,
    passphrase: bytes | None,
    *,
    now: Callable[[], datetime] = clock.now,
    every_s: float = LOOK_EVERY_S,
    line: Line | None = None,
) -> Upkeep:
    """Build the upkeep of the device's certificate."""
    folder, shared = Path(settings.identity), line or Line(settings.kbit_s)

    def connect(authorities: Path) -> Courier:
        if passphrase is None and not has_plain_key(folder):
            raise IdentityError("the key is encrypted, and nobody gave a passphrase (gate provision seal mends that)")
        context = tls(ca=str(authorities), certificate=str(folder / DEVICE), passphrase=passphrase)
        return Courier(settings.address, context, line=shared)

    return Upkeep(
        folder, config.gate_id, connect=connect, now=now, mirror_keys=keys, every_s=every_s, passphrase=passphrase
    )


def _courier(upkeep: Upkeep) -> Courier:
    """Return a connection with the device's certificate. Raises ConfigError if it is unusable."""
    try:
        return upkeep.courier()
    except (OSError, ssl.SSLError, IdentityError) as error:
        words = f"the certificate, its key or the authorities cannot be used: {error}; run gate provision enrol --again"
        raise ConfigError(Problem("sync.identity", words)) from error


async def _keep_carrying(
    outbox: Outbox,
    upkeep: Upkeep,
    courier: Courier,
    interval_s: float,
    stop: asyncio.Event,
    *,
    jitter: Callable[[float, float], float],
) -> None:
    backoff = Backoff(BACKOFF_MIN_S, BACKOFF_MAX_S)
    while not stop.is_set():
        async with courier:
            anew = False
            while not stop.is_set() and not anew:
                fine = await _interruptible(outbox.attempt(courier, upkeep.expired), stop)
                anew = outbox.is_reached and await _interruptible(upkeep.look(courier), stop)
                if anew:
                    continue
                if fine:
                    backoff.reset()
                    pause_s = interval_s
                else:
                    upkeep.hasten()
                    # Half of it is random, so that gates do not all return at once after an outage.
                    bound_s = backoff.next_s()
                    pause_s = jitter(bound_s / 2, bound_s)
                await wait_at_most(stop, pause_s)
        courier = _courier(upkeep)


async def _interruptible(attempt: Coroutine[Any, Any, bool], stop: asyncio.Event) -> bool:
    """Run an attempt until it or the program ends: an interrupted upload is resumed later."""
    trying, stopping = asyncio.ensure_future(attempt), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((trying, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (trying, stopping):
            task.cancel()
        done = await asyncio.gather(trying, stopping, return_exceptions=True)
    if isinstance(done[0], Exception):
        raise done[0]
    return done[0] is True


def _status(outbox: Outbox | None, lists: Lists | None, updates: Updates | None, upkeep: Upkeep | None) -> Status:
    """`away` without mirror, `degraded` if lists fail or the server keeps deleted keys, else `ready`."""
    is_degraded = (lists and lists.problem) or (outbox and outbox.untold)
    state = "away" if outbox and outbox.problem else "degraded" if is_degraded else "ready"
    detail = _NO_MIRROR if outbox is None else outbox.detail()
    identity = upkeep and upkeep.detail()
    days_left = identity and identity["days_to_go"]
    others = {"lists": lists and lists.detail(), "updates": updates and updates.detail()}
    return Status("sync", state, {**detail, "certificate_days_left": days_left, "identity": identity, **others})


_NO_MIRROR: dict[str, object] = {"head": None, "mirrored": None, "pending": None, "last_receipt": None, "problem": None}


class Outbox:
    """Runs rounds with the mirror, and keeps their results."""

    def __init__(self, config: Config, keys: MirrorKeys) -> None:
        self._inbox = Path(config.paths.inbox)
        self._identity = Path(_settings(config).identity)
        self._approval = config.approval_path
        self._shown: bytes | None = None
        self._spool = Path(config.paths.spool)
        self._log = SpoolLog(self._spool)
        self._rounds_to_wait: dict[str, int] = {}
        self._origin = config.origin
        self._keys = keys
        self._mirror, self._client = keys.newest, self._new_client()
        self._reported: type[Exception] | None = None
        self._head = 0
        self._mirrored: int | None = None
        self._last_receipt: str | None = None
        self._asked_ms: int | None = None
        self._forgotten, self._told_ms = b"", 0
        self.is_reached = False
        self.untold: str | None = None
        self.problem: str | None = "the mirror was not asked yet"

    def detail(self) -> dict[str, object]:
        """Return status fields."""
        mirrored = self._mirrored or 0
        return {
            "head": self._head,
            "mirrored": mirrored,
            "pending": max(0, self._head - mirrored),
            "last_receipt": self._last_receipt,
            "problem": self.problem or self.untold,
        }

    async def attempt(self, courier: Courier, expired: str | None = None) -> bool:
        """Run a round, unless our certificate has `expired`; False if it failed, which was reported."""
        try:
            if expired is not None:
                raise ExpiredError(expired)
            await self.round(courier)
        except (SyncError, OSError) as error:
            self._report(error)
            return False
        self._report(None)
        return True

    async def round(self, courier: Courier) -> None:
        """Run a round. Raises SyncError, or OSError if the inbox cannot be written."""
        try:
            receipt = await self._converse_with_mirror(courier)
        except OtherHistoryError as error:
            if error.evidence is not None:
                # The log program verifies it, and stops signing if it is valid.
                await asyncio.to_thread(inbox.drop, self._inbox, f"receipt-{error.size}", error.evidence)
            raise
        except RefusedError:
            await self._carry_the_rest(courier)  # erasure orders do not depend on a quota
            raise
        if receipt is not None:
            try:
                # Our copy first: a start gets a new receipt, but only this one shows a rollback of the mirror.
                await asyncio.to_thread(inbox.keep_receipt, self._identity, receipt.note)
                name = f"receipt-{receipt.checkpoint.size}"
                await asyncio.to_thread(inbox.drop, self._inbox, name, receipt.note)
            except OSError:
                self._client.forget()  # the next round gets a new receipt
                raise
            self._last_receipt = time_text(clock.now())
            log.info("mirrored", extra={"entries": receipt.checkpoint.size})
        self._mirrored = self._client.known.mirrored
        await self._carry_the_rest(courier)

    async def _carry_the_rest(self, courier: Courier) -> None:
        await self._exchange_approval(courier)
        await self._carry_erasures(courier)
        await self._tell_what_is_forgotten(courier)
        await self._ask_what_is_held(courier)

    async def _tell_what_is_forgotten(self, courier: Courier) -> None:
        """Send the log's signed list of expired keys if it changed, and regularly, as the server may be restored."""
        word, now_ms = await asyncio.to_thread(_note_in, self._spool / EXPIRED), clock.monotonic_ms()
        every_ms = HELD_EVERY_MS if self.untold is None else UNTOLD_AGAIN_MS
        if not word or (word == self._forgotten and now_ms - self._told_ms < every_ms):
            return
        response = await courier.send(wire.expired_request(word))
        self._forgotten, self._told_ms, self.untold = word, now_ms, None
        if response.status != 204:
            self.untold = (
                f"the centre keeps keys that are forgotten here ({response.status}: {wire.reason_of(response)})"
            )

    async def _ask_what_is_held(self, courier: Courier) -> None:
        """Request regularly what the central server holds, for the log program; older servers do not answer."""
        now_ms = clock.monotonic_ms()
        if self._asked_ms is not None and now_ms - self._asked_ms < HELD_EVERY_MS:
            return
        response = await courier.send(wire.held_request())
        if response.status == 200:
            await asyncio.to_thread(inbox.drop, self._inbox, "held", response.body)
        self._asked_ms = now_ms

    async def _exchange_approval(self, courier: Courier) -> None:
        """Send the installed approval once; pass a newer one that the central server knows to the log program."""
        own = await asyncio.to_thread(_note_in, self._approval)
        if own == self._shown:
            return
        newest = wire.parse_approval(await courier.send(wire.approval_request(own)))
        if newest and newest != own:
            await asyncio.to_thread(inbox.drop, self._inbox, "approval", newest)
        self._shown = own

    async def _carry_erasures(self, courier: Courier) -> None:
        """Send executed erasures; pass receipts to the log program. Retry a refused one after ERASURE_AGAIN_ROUNDS."""
        erasures = await asyncio.to_thread(_erasures_in, self._spool)
        self._rounds_to_wait = {digest: self._rounds_to_wait.get(digest, 0) - 1 for digest in erasures}
        for digest, order in erasures.items():
            if self._rounds_to_wait[digest] > 0:
                continue
            response = await courier.send(wire.erasure_request(order))
            self._rounds_to_wait[digest] = ERASURE_AGAIN_ROUNDS
            if response.status == 200 and len(response.body) <= wire.APPROVAL_BYTES_MAX:
                await asyncio.to_thread(inbox.drop, self._inbox, f"erasure-receipt-{digest}", response.body)

    def _new_client(self) -> Client:
        last = inbox.last_receipt(self._identity)
        return Client(self._log, self._origin, self._keys.newest, before=self._keys.before, last=last)

    async def _converse_with_mirror(self, courier: Courier) -> Receipt | None:
        if self._mirror != self._keys.newest:
            self._mirror, self._client = self._keys.newest, self._new_client()
        conversation = self._client.round()
        response = None
        try:
            while True:
                step = await _step_beside(conversation, response)
                self._head = self._client.head_size
                if not isinstance(step, wire.Request):
                    return step
                if step.path == wire.SHOW_RECEIPT:
                    log.critical("mirror_went_back", extra={"entries": self._client.lost})
                response = await courier.send(step)
        finally:
            conversation.close()

    def _report(self, error: Exception | None) -> None:
        """Log once when a kind of fault begins, and once when all faults have ended."""
        self.problem = None if error is None else str(error)
        self.is_reached = not isinstance(error, (MirrorAwayError, ExpiredError))
        if error is None and self._reported is not None:
            log.info("mirror_reached")
        elif error is not None and type(error) is not self._reported:
            grave = isinstance(error, OtherHistoryError)
            log.log(
                logging.CRITICAL if grave else logging.WARNING,
                "mirror_contradicts" if grave else "mirror_not_reached",
                extra={"kind": type(error).__name__, "reason": str(error)[:300]},
            )
        self._reported = None if error is None else type(error)


async def _step_beside(conversation: Conversation, response: wire.Response | None) -> wire.Request | Receipt | None:
    """Run `_step`, which reads and hashes the spool, in a thread; wait for its end, to close the conversation."""
    stepping = asyncio.ensure_future(asyncio.to_thread(_step, conversation, response))
    try:
        return await asyncio.shield(stepping)
    finally:
        await asyncio.gather(stepping, return_exceptions=True)


def _step(conversation: Conversation, response: wire.Response | None) -> wire.Request | Receipt | None:
    """Return the next request, or the result."""
    try:
        return next(conversation) if response is None else conversation.send(response)
    except StopIteration as end:
        receipt: Receipt | None = end.value
        return receipt


def _erasures_in(spool: Path) -> dict[str, bytes]:
    """Return the erasures to send, by the SHA-256 of their notes; empty if they cannot be read."""
    found = dict[str, bytes]()
    for path in sorted((spool / ERASURES).glob("*.note"))[:ERASURES_MAX]:
        with contextlib.suppress(OSError):
            order = read_ordinary(path, wire.APPROVAL_BYTES_MAX)
            if hashlib.sha256(order).hexdigest() == path.stem:
                found[path.stem] = order
    return found


def _note_in(path: Path) -> bytes:
    """Return the note in this file; empty in a demo, or if it cannot be read."""
    try:
        return read_ordinary(path, wire.APPROVAL_BYTES_MAX)
    except OSError:
        return b""
