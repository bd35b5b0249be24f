"""Carries out erasure orders signed by two approvers: deletes the named keys, and never stores them again.

`judge` verifies each order; keys of held days are refused. Deletion, the mark as erased, and the record in central's
own log are one transaction; the answer is a receipt signed by the mirror. The order is saved as a file first, and
repeated at each start, also if the approvers changed since: a restored database loses the keys again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gate_central.database import dialect_of, insert
from gate_central.errors import FolderError, ForbiddenError, UnknownError
from gate_central.ledger import lock
from gate_central.schema import age_keys, awaited, erased, gates
from gate_core import durable
from gate_core.approval.approvers import Approvers, approvers_in
from gate_core.approval.erasure import SignedErasure
from gate_core.approval.errors import ApprovalError
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Note
from gate_core.audit_format.record import time_text
from gate_core.settings.config_file import ConfigError

if TYPE_CHECKING:
    from gate_central.admin_log import AdminLog
    from gate_central.settings import Settings
    from gate_core.audit_format.note import Signer

ORDERS, APPROVERS = "erasures", "approvers.toml"
RECEIPT = "portcullis erasure receipt/1"


@dataclass(frozen=True, slots=True)
class Order:
    """The keys of a log to erase, and the approvers who signed."""

    origin: str
    keys: tuple[str, ...]
    signers: tuple[str, ...]


Judge = Callable[[bytes], Order]
"""Reads an order and verifies its signatures. Raises ForbiddenError if it is invalid."""


def approvers_of(folder: Path) -> Approvers:
    """Read the approvers from the server's folder. Raises FolderError."""
    try:
        return approvers_in(folder / APPROVERS)
    except ConfigError as error:
        raise FolderError(str(error)) from error


def judge_in(folder: Path) -> Judge | None:
    """What holds orders against the approvers that the folder names; None where it names none. Raises FolderError."""
    if not (folder / APPROVERS).exists():
        return None
    approvers = approvers_of(folder)

    def judge(note: bytes) -> Order:
        try:
            signed = SignedErasure.parse(note)
            order = signed.erasure
            return Order(order.origin, order.keys, signed.require(origin=order.origin, approvers=approvers))
        except ApprovalError as error:
            raise ForbiddenError(f"the erasure {error}") from error

    return judge


def kept(note: bytes, name: str = "a note") -> Order:
    """Read a saved order without verifying it again; the signers are those in its note. Raises ForbiddenError."""
    try:
        found = Note.parse(note)
        _, origin, *keys = found.text.splitlines()
    except (BadFormatError, ValueError) as error:
        raise ForbiddenError(f"{name} is no order") from error
    return Order(origin, tuple(keys), tuple(one.name for one in found.signatures))


class Erasures:
    """Carries out erasure orders. Its methods block."""

    def __init__(
        self,
        folder: Path,
        admin_log: AdminLog,
        judge: Judge,
        *,
        mirror: Signer,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._folder = folder / ORDERS
        self._admin_log = admin_log
        self._judge = judge
        self._mirror = mirror
        self._settings = settings
        self._now = now

    def carry_out(self, note: bytes, *, origin: str | None = None) -> bytes:
        """Carry out an order, also again; return the receipt. `origin`: required log, if any. Raises CentralError."""
        order = self._judge(note)
        if origin is not None and order.origin != origin:
            raise ForbiddenError(f"the erasure is for another gate, {order.origin}")
        digest = hashlib.sha256(note).hexdigest()
        self._admin_log.do("keys_erased", lambda connection: (None, self._allowed(connection, order)))
        try:
            durable.make_folder(self._folder, mode=0o700)
            durable.write(self._folder / f"{digest}.note", note, mode=0o600)
        except OSError as error:
            raise FolderError(f"cannot keep an order in {self._folder}: {error.strerror}") from error
        self._admin_log.do("keys_erased", lambda connection: (None, self._erase(connection, order, digest)))
        self._admin_log.sweep()
        return receipt(self._mirror, order.origin, digest, int(self._now().timestamp()))

    def tell_again(self) -> int:
        """Repeat all saved orders, except for held days; return the number of keys. Raises OSError and CentralError."""
        found = 0
        for path in sorted(self._folder.glob("*.note")) if self._folder.is_dir() else ():
            note = path.read_bytes()
            order, digest = kept(note, path.name), hashlib.sha256(note).hexdigest()

            def again(
                connection: sa.Connection, order: Order = order, digest: str = digest
            ) -> tuple[int, Mapping[str, object]]:
                held = self._held(connection, order)
                left = replace(order, keys=tuple(one for one in order.keys if one not in held))
                fields = self._erase(connection, left, digest)
                return (len(left.keys) if fields else 0), fields

            with suppress(UnknownError):  # the database is older than this gate
                found += self._admin_log.do("keys_erased_again", again)
        return found

    def _allowed(self, connection: sa.Connection, order: Order) -> Mapping[str, object]:
        """Return an empty record if the order is allowed. Raises UnknownError, and ForbiddenError for a held day."""
        if held := self._held(connection, order):
            raise ForbiddenError(f"the day {min(held.values())} of {_device(connection, order.origin)} is held")
        return {}

    def _held(self, connection: sa.Connection, order: Order) -> dict[str, date]:
        """Return the order's stored keys of held days, with the day. Raises UnknownError."""
        device = _device(connection, order.origin)
        mine = (age_keys.c.device == device) & age_keys.c.id.in_(order.keys)
        rows = connection.execute(sa.select(age_keys.c.id, age_keys.c.day).where(mine))
        days = {key: date.fromisoformat(day) for key, day in rows}
        return {key: day for key, day in days.items() if self._settings.is_held(device, day)}

    def _erase(self, connection: sa.Connection, order: Order, digest: str) -> Mapping[str, object]:
        """Erase, and return the fields to record; empty if every key was erased before."""
        device = _device(connection, order.origin)
        lock(connection, device)  # an upload of these keys ends before this, or sees the erasure
        mine = (erased.c.device == device) & erased.c.id.in_(order.keys)
        known = set(connection.execute(sa.select(erased.c.id).where(mine)).scalars())
        gone = 0
        for table in (age_keys, awaited):
            those = (table.c.device == device) & table.c.id.in_(order.keys)
            gone += connection.execute(table.delete().where(those)).rowcount
        new = [one for one in order.keys if one not in known]
        if not new and not gone:
            return {}
        if new:
            at = time_text(self._now())
            rows = [{"device": device, "id": one, "at": at, "order": digest} for one in new]
            connection.execute(insert(dialect_of(connection), erased).on_conflict_do_nothing(), rows)
        return {"gate": device, "keys": list(order.keys), "were_here": gone, "note": digest, "by": list(order.signers)}


def receipt(mirror: Signer, origin: str, order: str, at_s: int) -> bytes:
    """Return the mirror's cosigned note that an order's keys are erased. `order` is the SHA-256 of the order's note."""
    text = f"{RECEIPT}\n{origin}\n{order}\n"
    return Note(text, (mirror.cosign(text, at_s),)).to_bytes()


def _device(connection: sa.Connection, origin: str) -> str:
    found: str | None = connection.execute(sa.select(gates.c.device).where(gates.c.origin == origin)).scalar()
    if found is None:
        raise UnknownError(f"no gate has the log {origin}")
    return found
