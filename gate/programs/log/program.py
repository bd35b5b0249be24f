"""The log program's composition root: the only writer of the audit log. `Recorded` means that the record is durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gate.audit.inbox import Inbox, MirrorKeys
from gate.audit.key_days import KeyDays
from gate.audit.reserve import LAST_RESERVE_BYTES, Reserve
from gate.audit.store import Store
from gate.audit.writer import Writer
from gate.programs.log.context import LogContext, Now, OwnRecords, Publisher, Timing, Worker
from gate.programs.log.server import LogServer
from gate.programs.shared.config import Config
from gate_core.audit_format import keys
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.errors import BadFormatError, BadSignatureError, KeyFileError, SealError
from gate_core.audit_format.export import Outlet
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.audit_format.sealer import Sealer
from gate_core.audit_format.spool import Spool
from gate_core.audit_format.statements import Handover, follow, in_force
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError
from gate_core.settings.environment import credentials_folder
from gate_core.settings.toml_file import Problem

log = logging.getLogger("gate.log")


async def run(
    config: Config,
    *,
    stop: asyncio.Event,
    wall: Callable[[], datetime] = clock.now,
    monotonic_ms: Callable[[], int] = clock.monotonic_ms,
    boot: str | None = None,
    synchronised: Callable[[], bool] = clock.is_synchronised,
    timing: Timing = Timing(),  # noqa: B008 - frozen
) -> None:
    """Serve the channel `log` until `stop` is set. Raises ConfigError for invalid keys or recipients."""
    now = Now(wall=wall, monotonic_ms=monotonic_ms, boot=boot or clock.boot_id(), synchronised=synchronised)
    folder = Path(config.paths.state) / "audit"
    try:
        signer, successor, sealer = _log_key(config), _successor(config), Sealer(config.audit.recipients)
        mirror = None if config.sync is None else Verifier.parse(config.sync.mirror_vkey)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool, key_days = Spool(Path(config.paths.spool)), KeyDays(folder / "keys")
        published = _published(spool, signer.verifier, config)
        with Worker("store") as in_store, Worker("spool") as in_spool, Worker("inbox") as in_inbox:
            writer = await in_store(
                lambda: Writer(
                    opener=lambda: Store(folder / "log.sqlite"),
                    signer=signer,
                    sealer=sealer,
                    key_days=key_days,
                    last=Reserve(folder / "reserve-last", LAST_RESERVE_BYTES),
                    reserve=Reserve(folder / "reserve"),
                    published=published,
                    successor=successor,
                )
            )
            try:
                own, size = OwnRecords(writer, in_store, now), published.size if published else 0
                await _hand_over(own, successor)
                shared = LogContext(
                    origin=config.origin,
                    approvers=config.approvers_path,
                    now=now,
                    writer=writer,
                    publisher=Publisher(writer, spool, in_store, in_spool, published=size),
                    spool=spool,
                    inbox=Inbox(Path(config.paths.inbox), folder / "refused"),
                    mirror=None if mirror is None else MirrorKeys(mirror, folder / "mirror-keys"),
                    in_store=in_store,
                    in_spool=in_spool,
                    in_inbox=in_inbox,
                    say=own.say,
                    today=own.today,
                )
                await LogServer(config, shared, key_days, timing).run(stop)
            finally:
                await in_store(writer.close)
    except (KeyFileError, SealError, BadFormatError) as error:
        raise ConfigError(Problem("", f"log: {error}")) from error


async def _hand_over(own: OwnRecords, successor: Signer | None) -> None:
    """Sign with the next key from now on, if provisioning has made one."""
    writer = own.writer
    if not writer.awaits_handover:
        return
    change = own.wanted("log_key_changed", {"vkey": successor.verifier.vkey if successor else None})
    await own.in_store(writer.hand_over, change, own.now.monotonic_ms(), dated=own.today() is not None)
    if writer.awaits_handover:
        log.error("log_key_not_changed", extra={"reason": writer.standing.problem})
    else:
        log.warning("log_key_changed")


def _log_key(config: Config) -> Signer:
    """Return the log's key, from systemd's credential, else from the file. Raises KeyFileError."""
    folder = credentials_folder()
    if folder is not None and (folder / "log.key").is_file():
        return keys.load(folder / "log.key", config.origin, sealed=True)
    return keys.load(Path(config.paths.keys) / "log.key", config.origin)


def _successor(config: Config) -> Signer | None:
    """Return the next key, if provisioning has made one. Raises KeyFileError."""
    path = Path(config.paths.keys) / "log-next.key"
    return keys.load(path, config.origin) if path.exists() else None


def _published(spool: Spool, verifier: Verifier, config: Config) -> Checkpoint | None:
    """Return the published checkpoint; None if it is not signed by this log's keys: then it is written again."""
    try:
        note = spool.checkpoint()
        words = Outlet(Path(config.paths.spool)).handovers()
        chain = follow(Handover.parse(words[0]).old, words) if words else ()
        if not chain or verifier not in {chain[-1].old, chain[-1].new}:
            return None if note is None else read_checkpoint(note, verifier)
        size = 0 if note is None else Checkpoint.parse(Note.parse(note).text).size
        return None if note is None else read_checkpoint(note, in_force(chain, chain[-1].new, size))
    except (BadFormatError, BadSignatureError) as error:
        log.warning("spool_checkpoint_refused", extra={"reason": str(error)})
        return None
