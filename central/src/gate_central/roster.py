"""Enrolled gates, their certificates, log keys and newest approvals, and the one-time tokens for enrolment.

A token is stored as its hash and used up in the transaction that registers the gate, so only one enrolment succeeds. A
gate's log key changes only by a handover that the old key signed. After a renewal the previous certificate stays valid
until the first use of the new one; a revoked gate can use neither.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import sqlalchemy as sa

from gate_central.database import reading
from gate_central.errors import BadRequestError, DamagedError, ForbiddenError, UnknownError, UnprovenError
from gate_central.schema import EMPTY_HEAD, approvals, gates, handovers, heads, renewals, retired, tokens, trusted
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import Approval, SignedApproval
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.merkle import SIZE_MAX
from gate_core.audit_format.note import Verifier
from gate_core.audit_format.statements import HANDOVERS_MAX, Handover, follow, in_force

TOKEN_BYTES = 16

Result = TypeVar("Result")
Act = Callable[[sa.Connection], tuple[Result, Mapping[str, object]]]


class Recorder(Protocol):
    """Central's own log (`gate_central.admin_log`)."""

    def do(self, kind: str, act: Act[Result]) -> Result:
        """Run `act` and record it, in one transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Gate:
    """An enrolled gate."""

    device: str
    origin: str
    log: Verifier
    certificate: str  # SHA-256, hex
    revoked: bool
    last_seen: str | None
    handovers: tuple[bytes, ...] = ()  # of its log key, from the enrolled one to the newest
    enrolled_at: str = ""
    software: str | None = None

    @property
    def last_word(self) -> str:
        """Time of its last request, or of its enrolment."""
        return self.last_seen or self.enrolled_at

    def log_at(self, size: int) -> Verifier:
        """Return the log key that signs for a log of this size."""
        chain = follow(self.log, self.handovers)
        return in_force(chain, chain[-1].new if chain else self.log, size)

    @property
    def log_newest(self) -> Verifier:
        """The current log key."""
        return self.log_at(SIZE_MAX)


class Roster:
    """The tables of gates and tokens."""

    def __init__(self, engine: sa.Engine, admin_log: Recorder | None = None) -> None:
        """`admin_log` is central's own log, which records each change; only tests make changes without it."""
        self._engine = engine
        self._reading = reading(engine)
        self._admin_log = admin_log

    def _do(self, kind: str, act: Act[Result]) -> Result:
        return recorded(self._engine, self._admin_log, kind, act)

    def new_token(self, device: str, expires_s: int) -> str:
        """Create a token for one gate; only its hash is stored. Raises ForbiddenError for a retired gate."""
        token = secrets.token_urlsafe(TOKEN_BYTES)

        def act(connection: sa.Connection) -> tuple[str, Mapping[str, object]]:
            _require_not_retired(connection, device)
            connection.execute(tokens.insert().values(hash=_hash(token), device=device, expires_s=expires_s))
            return token, {"gate": device, "expires_s": expires_s, "token": _hash(token)}

        return self._do("token_made", act)

    def token_allows(self, token: str, device: str, now_s: int) -> bool:
        """True if the token can enrol this gate now; does not use it up."""
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(tokens).where(tokens.c.hash == _hash(token))).one_or_none()
        return (
            row is not None
            and row.used_at is None
            and row.expires_s > now_s
            and hmac.compare_digest(row.device.encode(), device.encode())
        )

    def enrol(self, token: str, device: str, log: Verifier, *, certificate: str, now_s: int, at: str) -> None:
        """Use up the token and register the gate, or its new certificate. Raises ForbiddenError, without a change."""

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            _burn(connection, token, device, now_s, at)
            _require_not_retired(connection, device)
            known = connection.execute(sa.select(gates).where(gates.c.device == device)).one_or_none()
            fields = {"certificate": certificate, "revoked": False, "enrolled_at": at}
            if known is None:
                _insert(connection, device, log, fields)
            elif _gate(known, _words(connection, device)).log_newest != log:
                raise ForbiddenError(f"{device} has another log key; a new log needs a new gate id")
            elif known.revoked:  # certificates from before the revocation stay invalid
                connection.execute(renewals.delete().where(renewals.c.device == device))
                connection.execute(gates.update().where(gates.c.device == device).values(**fields))
            else:
                _supersede(connection, device, certificate, at)
            told = {"gate": device, "log": log.vkey, "certificate": certificate, "token": _hash(token)}
            return None, {**told, "again": known is not None}

        self._do("gate_enrolled", act)

    def renew(self, device: str, certificate: str, at: str) -> None:
        """Register a gate's renewed certificate. Raises ForbiddenError if the gate is revoked."""

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            known = connection.execute(sa.select(gates.c.revoked).where(gates.c.device == device)).one_or_none()
            if known is None or known.revoked:
                raise ForbiddenError(f"{device} is revoked; enrol it with a new token")
            _supersede(connection, device, certificate, at)
            return None, {"gate": device, "certificate": certificate}

        self._do("gate_renewed", act)

    def speaker(self, device: str, certificate: str) -> Gate | None:
        """Return the gate of a valid certificate, else None. The first use of a new one ends the previous one."""
        with self._reading.connect() as connection:
            rows = connection.execute(_SPEAKER, {"of": device}).all()
        if not rows or rows[0].revoked:
            return None
        gate = _gate(rows[0], tuple(row.note for row in rows if row.note is not None))
        if hmac.compare_digest(gate.certificate, certificate):
            return gate
        newer = rows[0].newer
        if newer is None or not hmac.compare_digest(newer, certificate):
            return None
        return replace(gate, certificate=certificate) if self._take_up(device, certificate) else None

    def _take_up(self, device: str, certificate: str) -> bool:
        """Make a renewed certificate the current one. False if it is no longer valid."""
        mine = (gates.c.device == device) & gates.c.revoked.is_(False)
        unused = (renewals.c.device == device) & (renewals.c.certificate == certificate)
        with self._engine.begin() as connection:
            if connection.execute(renewals.delete().where(unused)).rowcount == 1:
                connection.execute(gates.update().where(mine).values(certificate=certificate))
            taken = sa.select(gates.c.certificate).where(mine, gates.c.certificate == certificate)
            return connection.execute(taken).one_or_none() is not None

    def follow_log_key(self, device: str, note: bytes) -> None:
        """Store a handover to a gate's next log key; a known one changes nothing. Raises BadRequestError, and
        ForbiddenError if another key signed it, or the old key has already signed beyond it.
        """
        try:
            word = Handover.parse(note)
        except (BadFormatError, BadSignatureError) as error:
            raise BadRequestError(f"not a handover of keys: {error}") from error

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            row = connection.execute(sa.select(gates).where(gates.c.device == device)).one()
            known = _words(connection, device)
            if note in known:
                return None, {}
            pending = connection.execute(sa.select(heads.c.pending).where(heads.c.device == device)).scalar() or 0
            if word.old != _gate(row, known).log_newest or word.since < pending or len(known) >= HANDOVERS_MAX:
                raise ForbiddenError(f"the log key of {device} is another one, or has signed {pending} entries already")
            connection.execute(handovers.insert().values(device=device, since=word.since, note=note))
            return None, {"gate": device, "log": word.new.vkey, "since": word.since}

        self._do("log_key_followed", act)

    def trusts(self, device: str, authorities: frozenset[str]) -> None:
        """Replace the authorities that a gate trusts (SHA-256)."""
        with self._engine.begin() as connection:
            connection.execute(trusted.delete().where(trusted.c.device == device))
            connection.execute(trusted.insert(), [{"device": device, "authority": one} for one in sorted(authorities)])

    def who_lacks(self, authority: str) -> list[str]:
        """Return the unrevoked gates that have not reported to trust this authority."""
        having = sa.select(trusted.c.device).where(trusted.c.authority == authority)
        lacking = sa.select(gates.c.device).where(gates.c.revoked.is_(False), gates.c.device.not_in(having))
        with self._engine.begin() as connection:
            return list(connection.execute(lacking.order_by(gates.c.device)).scalars())

    def find(self, device: str) -> Gate | None:
        """Return a gate. Raises DamagedError."""
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(gates).where(gates.c.device == device)).one_or_none()
            return None if row is None else _gate(row, _words(connection, device))

    def get(self, device: str) -> Gate:
        """Return an enrolled gate. Raises UnknownError and DamagedError."""
        gate = self.find(device)
        if gate is None:
            raise UnknownError(f"no gate {device}")
        return gate

    def names(self) -> list[str]:
        """Return the ids of all gates, sorted."""
        with self._reading.connect() as connection:
            return list(connection.execute(sa.select(gates.c.device).order_by(gates.c.device)).scalars())

    def seen(self, device: str, at: str, software: str | None = None) -> None:
        """Store the time of a gate's last request, and its software's name."""
        with self._engine.begin() as connection:
            connection.execute(gates.update().where(gates.c.device == device).values(last_seen=at, software=software))

    def retire(self, device: str, at: str, by: Sequence[str] = ()) -> None:
        """Refuse a gate permanently, by order of `by`. Repeating it changes nothing. Raises UnknownError."""

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            _revoke(connection, device)
            if connection.execute(sa.select(retired).where(retired.c.device == device)).one_or_none() is not None:
                return None, {}
            connection.execute(retired.insert().values(device=device, at=at))
            return None, {"gate": device, "by": list(by)}

        self._do("gate_retired", act)

    def gone(self) -> frozenset[str]:
        """Return the ids of retired gates."""
        with self._engine.begin() as connection:
            return frozenset(connection.execute(sa.select(retired.c.device)).scalars())

    def approval(self, gate: Gate, shown: bytes) -> bytes:
        """Store the gate's approval if its serial is higher, and return the newest; empty means none. Raises UnprovenError.

        So a restored or reinstalled gate gets it. Only the gate verifies its signatures: it knows its approvers
        (docs/protocols/approval.md).
        """
        serial = _approved(gate, shown).serial if shown else 0
        of_gate = approvals.c.device == gate.device
        with self._engine.begin() as connection:
            known = connection.execute(sa.select(approvals).where(of_gate)).one_or_none()
            if known is None and shown:
                connection.execute(approvals.insert().values(device=gate.device, serial=serial, note=shown))
            elif known is not None and serial > known.serial:
                is_older = of_gate & (approvals.c.serial < serial)
                connection.execute(approvals.update().where(is_older).values(serial=serial, note=shown))
            else:
                return b"" if known is None else bytes(known.note)
        return shown

    def revoke(self, device: str, by: str | None = None) -> None:
        """Refuse a gate from its next request on; `by`: who asked, if not an operator. Raises UnknownError."""

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            _revoke(connection, device)
            return None, {"gate": device} if by is None else {"gate": device, "by": by}

        self._do("gate_revoked", act)


def recorded(engine: sa.Engine, admin_log: Recorder | None, kind: str, act: Act[Result]) -> Result:
    """Run `act` in a transaction, and record it there if `admin_log` is given."""
    if admin_log is not None:
        return admin_log.do(kind, act)
    with engine.begin() as connection:
        return act(connection)[0]


def _require_not_retired(connection: sa.Connection, device: str) -> None:
    if connection.execute(sa.select(retired).where(retired.c.device == device)).one_or_none() is not None:
        raise ForbiddenError(f"{device} is retired; a new gate needs a new gate id")


def _revoke(connection: sa.Connection, device: str) -> None:
    changed = connection.execute(gates.update().where(gates.c.device == device).values(revoked=True))
    if changed.rowcount != 1:
        raise UnknownError(f"no gate {device}")


def _burn(connection: sa.Connection, token: str, device: str, now_s: int, at: str) -> None:
    mine = (tokens.c.hash == _hash(token)) & (tokens.c.device == device)
    unused = tokens.c.used_at.is_(None) & (tokens.c.expires_s > now_s)
    if connection.execute(tokens.update().where(mine, unused).values(used_at=at)).rowcount != 1:
        raise ForbiddenError("the token is unknown, used, expired or another gate's")


_SPEAKER = (
    sa.select(gates, renewals.c.certificate.label("newer"), handovers.c.note)
    .select_from(
        gates.outerjoin(renewals, renewals.c.device == gates.c.device).outerjoin(
            handovers, handovers.c.device == gates.c.device
        )
    )
    .where(gates.c.device == sa.bindparam("of"))
    .order_by(handovers.c.since)
)


def _insert(connection: sa.Connection, device: str, log: Verifier, fields: dict[str, object]) -> None:
    taken = connection.execute(sa.select(gates.c.device).where(gates.c.origin == log.name)).one_or_none()
    if taken is not None:
        raise ForbiddenError(f"{log.name} is the log of another gate")
    connection.execute(gates.insert().values(device=device, origin=log.name, log_vkey=log.vkey, **fields))
    connection.execute(heads.insert().values(device=device, **EMPTY_HEAD))


def _supersede(connection: sa.Connection, device: str, certificate: str, at: str) -> None:
    connection.execute(renewals.delete().where(renewals.c.device == device))
    connection.execute(renewals.insert().values(device=device, certificate=certificate, issued_at=at))


def _words(connection: sa.Connection, device: str) -> tuple[bytes, ...]:
    found = sa.select(handovers.c.note).where(handovers.c.device == device).order_by(handovers.c.since)
    return tuple(connection.execute(found).scalars())


def _gate(row: sa.Row[tuple[object, ...]], words: tuple[bytes, ...]) -> Gate:
    """Raises DamagedError."""
    try:
        log = Verifier.parse(row.log_vkey)
    except BadFormatError as error:
        raise DamagedError(f"what is known of {row.device} is damaged: {error}") from error
    fields = row.certificate, row.revoked, row.last_seen, words, row.enrolled_at, row.software
    return Gate(row.device, row.origin, log, *fields)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _approved(gate: Gate, shown: bytes) -> Approval:
    try:
        found = SignedApproval.parse(shown).approval
    except ApprovalError as error:
        raise UnprovenError(f"this {error}") from error
    if found.origin != gate.origin:
        raise UnprovenError(f"this is no approval of {gate.origin}")
    return found
