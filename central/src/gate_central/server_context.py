"""Builds the parts that central's commands and servers share, from the server's folder and database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.exc import SQLAlchemyError

from gate_central import folder as folders
from gate_central import settings
from gate_central.admin_log import DEVICE, AdminLog
from gate_central.authority import fingerprint, issue_person
from gate_central.database import dialect_of, first_line, insert
from gate_central.errors import CentralError, FolderError, ForbiddenError, NotYetError
from gate_central.evidence import BY_MAX, Answer, Evidence, Kind
from gate_central.key_erasure import Erasures, Judge, approvers_of, kept
from gate_central.ledger import Ledger
from gate_central.retention import Retention
from gate_central.retirement import SignedRetirement
from gate_central.rights import Role
from gate_central.roster import Gate, Roster
from gate_central.schema import told
from gate_central.tenants import Tenants
from gate_core import durable, pinned_certificates
from gate_core.audit_format.errors import BadFormatError, SealError
from gate_core.audit_format.record import time_text
from gate_core.audit_format.sealer import Sealer

LOOK_EVERY_S: Final = 60.0  # interval of maintenance; a new database connection also starts it
LOOK_AGAIN_S: Final = 1.0  # minimum interval

log = logging.getLogger("gate_central")


class ServerContext:
    """The shared parts of a server or command. Only `erasures` needs the approvers."""

    def __init__(self, path: Path, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        """Read the folder and open all parts. Raises CentralError."""
        self.folder, self.settings, self.engine, self.now = folders.load(path), settings.load(path), engine, now
        signer, recipient = folders.acts_keys(path, self.folder.mirror.verifier)
        try:
            sealer = Sealer((recipient, *self.settings.acts.recipients))
        except SealError as error:
            raise FolderError(f"{path / settings.NAME}: acts.recipients: {error}") from error
        kept = path / folders.ACTS_NOTE
        self.admin_log = AdminLog(engine, signer, self.folder.mirror, sealer, now, kept=kept)
        self.roster = Roster(engine, self.admin_log)
        self.ledger = Ledger(engine)
        self.evidence = Evidence(engine, self.admin_log)
        self.tenants = Tenants(engine, self.admin_log)
        self.retention = Retention(engine, self.admin_log, self.settings, now)

    def erasures(self, judge: Judge) -> Erasures:
        """Return the handler of erasure orders, with `judge` to verify them."""
        path, mirror = self.folder.path, self.folder.mirror
        return Erasures(path, self.admin_log, judge, mirror=mirror, settings=self.settings, now=self.now)

    def retire(self, gate: Gate, order: bytes) -> None:
        """Permanently refuse a gate, by an order signed by two approvers, and answer its open LEFT alarms. Raises
        ApprovalError and CentralError.
        """
        approvers, at = approvers_of(self.folder.path), time_text(self.now())
        by = SignedRetirement.parse(order).require(origin=gate.origin, approvers=approvers)
        self.roster.retire(gate.device, at, by)
        for one in self.evidence.alarms(gate.device):
            if one.kind == Kind.LEFT.value and one.answer is None:
                self.evidence.answer(gate.device, one.id, Answer(at, ", ".join(by)[:BY_MAX], "retired by order"))

    def certificate_of(self, name: str, request: bytes) -> x509.Certificate:
        """Certify a person's key from their signing request. Raises BadRequestError."""
        return issue_person(self.folder.authority, name, request, self.now())

    def admit_person(self, name: str, role: Role, party: str | None, made: x509.Certificate, out: Path) -> str:
        """Write the certificate into a new file, then let the person in by it; return the SHA-256 of their public key.

        Until then their earlier certificate counts. If they are not admitted, the file is removed. Raises OSError and CentralError.
        """
        durable.write(out, made.public_bytes(Encoding.PEM), mode=0o644, new_only=True)
        try:
            self.tenants.admit(name, role, party, fingerprint(made))
        except BaseException:
            out.unlink()
            raise
        return pinned_certificates.fingerprint(made.public_bytes(Encoding.DER))

    def tell_settings(self) -> None:
        """Record the settings in central's own log, if they differ from those recorded last."""
        digest, fields = self.settings.digest, msgspec.to_builtins(self.settings)

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            if connection.execute(sa.select(told.c.digest)).scalar_one_or_none() == digest:
                return None, {}
            new = insert(dialect_of(connection), told).values(one=1, digest=digest)
            connection.execute(new.on_conflict_do_update(index_elements=[told.c.one], set_={"digest": digest}))
            return None, {"sha256": digest, "settings": fields}

        self.admin_log.do("settings_changed", act)

    def look_back(self) -> None:
        """Detect a database that went back (restored backup, or a lagging stand-by): if it lacks the kept checkpoint of
        central's own log, raise an alarm and erase all erased keys again. An unreadable checkpoint file is ignored, so
        that it does not stop the server. Raises CentralError and SQLAlchemyError; the next call then tries again.
        """
        with suppress(OSError, BadFormatError):
            if not (found := self.admin_log.gone_back()):
                return
            had, here = found
            log.critical("database_went_back")
            self.evidence.keep(DEVICE, Kind.MIRROR_WENT_BACK, had, against=here, at=time_text(self.now()))
            self._tell_again()
            self.admin_log.go_on()
            self.admin_log.record("database_went_back", {"had": had.decode(errors="replace")})

    def require_current(self) -> None:
        """Raise NotYetError if the database went back: it may hold erased keys, so nothing may be exported."""
        with suppress(OSError, BadFormatError):
            if self.admin_log.gone_back():
                raise NotYetError(
                    "the database went back: gate central serve erases again what was erased, then try again"
                )

    def _tell_again(self) -> None:
        try:
            again = self.erasures(kept).tell_again()
        except (OSError, ForbiddenError) as error:
            raise FolderError(f"an order to erase cannot be read, and what it erased may be here: {error}") from error
        if again:
            log.critical("keys_erased_again", extra={"keys": again})

    @contextmanager
    def kept_in_order(self) -> Iterator[None]:
        """Record the settings and erase erased keys again. During the block, a thread deletes expired keys every
        LOOK_EVERY_S, and erases again if the database went back. Raises CentralError.
        """
        self.look_back()
        self.tell_settings()
        self._tell_again()
        stop, wake = threading.Event(), threading.Event()
        sa.event.listen(self.engine, "connect", lambda *_: wake.set())  # may be a connection to another server
        thread = threading.Thread(target=self._keep, args=(stop, wake), name="retention", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            wake.set()
            thread.join()

    def _keep(self, stop: threading.Event, wake: threading.Event) -> None:
        is_told = has_waited = False
        while True:
            wake.clear()
            try:
                self.look_back()
                gone = self.retention.look(stop.is_set)
                waits = self.retention.is_waiting()
            except (CentralError, SQLAlchemyError) as error:
                if not is_told:
                    log.error("keys_not_kept_in_order", extra={"reason": first_line(error)})  # noqa: TRY400 - its words say it
                is_told = True
            else:
                is_told = False
                if waits and not has_waited:
                    log.warning("keys_wait_for_a_gate")  # only this machine's clock states that they expired
                has_waited = waits
                if gone:
                    log.info("keys_expired", extra={"keys": gone})
            if stop.wait(LOOK_AGAIN_S) or (wake.wait(LOOK_EVERY_S) and stop.is_set()):
                return
