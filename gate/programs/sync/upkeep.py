"""Renews the device certificate, the central server's authorities and the mirror's keys.

The old one stays in use until the new one is complete and checked; an authority, until a connection worked without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from gate.device_certificate.authorities import AuthorityError, Certificates, fingerprint, followed, read_bag
from gate.device_certificate.device import (
    AUTHORITIES,
    CACERTS,
    REENROL,
    Identity,
    IdentityError,
    Wanted,
    write_authorities,
)
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.sync import inbox
from gate_core.audit_format.note import Verifier
from gate_core.audit_format.record import time_text
from gate_core.audit_format.statements import Handover, follow
from gate_core.mirror_client.errors import BadAnswerError, RefusedError, SyncError
from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.wire import Request, Response, reason_of

LOOK_EVERY_S = 3600.0
AGAIN_AFTER_S = 60.0  # after an error
AUTHORITIES_NEXT = "authorities-next.pem"

log = logging.getLogger("gate.sync")
TAKEN_WITHIN_S = 10.0  # the log looks each second; if it does not run, receipts are only delayed
_LOOK_S = 0.1


class _Told(msgspec.Struct, frozen=True):
    handovers: list[str] = []


class MirrorKeys:
    """The mirror's keys, from the enrolled one to the newest; each signs the next. The log program verifies, too."""

    def __init__(self, anchor: Verifier, folder: Path) -> None:
        self._anchor = anchor
        self._inbox = folder
        self._chain: tuple[Handover, ...] = ()

    @property
    def newest(self) -> Verifier:
        """The key that signs receipts."""
        return self._chain[-1].new if self._chain else self._anchor

    @property
    def before(self) -> tuple[Verifier, ...]:
        """The earlier keys."""
        return tuple(one.old for one in self._chain)

    async def learn(self, courier: Courier) -> bool:
        """Request handovers; True if there is a newer key. Raises SyncError, or OSError if the inbox fails."""
        response = await courier.send(Request("GET", "/mirror-keys"))
        try:
            told = msgspec.json.decode(response.body, type=_Told) if response.status == 200 else _Told()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadAnswerError("the mirror's word about its keys is not as agreed") from error
        notes = [one.encode() for one in told.handovers]
        chain = follow(self._anchor, notes)
        if len(chain) <= len(self._chain):
            return False
        by_text = {one.partition("\n\n")[0] + "\n": one for one in told.handovers}
        left = [
            await asyncio.to_thread(inbox.drop, self._inbox, f"mirror-key-{number}", by_text[one.text].encode())
            for number, one in enumerate(chain)
        ]
        ends_s = loop_s() + TAKEN_WITHIN_S
        while any(one.exists() for one in left) and loop_s() < ends_s:  # noqa: ASYNC110 - another program takes them
            await asyncio.sleep(_LOOK_S)
        self._chain = chain
        return True


@dataclass(eq=False, repr=False, slots=True)
class Upkeep:
    """Upkeep of a gate's certificate and authorities. `connect`: returns a courier that trusts a file's authorities.
    New keys are encrypted with `passphrase`, if any.
    """

    folder: Path
    gate_id: str
    connect: Callable[[Path], Courier] = field(kw_only=True)
    now: Callable[[], datetime] = field(kw_only=True)
    mirror_keys: MirrorKeys = field(kw_only=True)
    every_s: float = field(default=LOOK_EVERY_S, kw_only=True)
    passphrase: bytes | None = field(default=None, kw_only=True)
    _looked_s: float = field(default=float("-inf"), init=False)
    _next_s: float = field(default=float("-inf"), init=False)
    _told: Certificates = field(default=(), init=False)
    _identity: Identity | None = field(default=None, init=False)
    _trouble: FaultLatch = field(
        default_factory=lambda: FaultLatch(log, begins="identity_problem", ends="identity_well_again", each=False),
        init=False,
    )

    def courier(self) -> Courier:
        """Return a connection with the present certificate. Raises OSError, ssl.SSLError and IdentityError."""
        self._identity = Identity.load(self.folder)
        return self.connect(self.folder / AUTHORITIES)

    @property
    def expired(self) -> str | None:
        """What to do if the certificate has expired, else None."""
        if self._identity is None or self.now() < self._identity.expires:
            return None
        return (
            f"the device certificate expired at {time_text(self._identity.expires)}: "
            "have a token made and run gate provision enrol --again"
        )

    def detail(self) -> dict[str, object] | None:
        """Return status fields."""
        if self._identity is None:
            return None
        return {
            "expires": time_text(self._identity.expires),
            "days_to_go": round(self._identity.days_to_go(self.now()), 1),
            "problem": self.expired or self._trouble.words or None,
        }

    def hasten(self) -> None:
        """Look soon, after an error that a new key may explain."""
        self._next_s = min(self._next_s, self._looked_s + AGAIN_AFTER_S)

    async def look(self, courier: Courier) -> bool:
        """Do what is due; True if the connection must be reopened with a new certificate or new authorities."""
        moment_s = loop_s()
        if moment_s < self._next_s:
            return False
        self._looked_s, self._next_s = moment_s, moment_s + self.every_s
        try:
            await self.mirror_keys.learn(courier)
            changed = await self._follow(courier) or await self._renew(courier)
        except (SyncError, IdentityError, AuthorityError, OSError) as error:
            self._next_s = moment_s + min(self.every_s, AGAIN_AFTER_S)
            self._trouble.is_now(error)
            return False
        self._trouble.is_now("")
        if changed:
            self._next_s = moment_s  # look again at once for the rest
        return changed

    async def _follow(self, courier: Courier) -> bool:
        """Trust what the server's authorities certify and report it; remove authorities that are no longer shown."""
        identity = self._loaded()
        shown = await _asked(courier, Request("GET", CACERTS))
        whom = followed(identity.authorities, read_bag(shown.body), self.now())
        if set(whom) != set(identity.authorities):
            await self._try(whom)
            await asyncio.to_thread(identity.trust, whom)
            log.info("authorities_changed", extra={"authorities": [fingerprint(one) for one in whom]})
            return True
        if self._told != whom:
            lines = "".join(f"{fingerprint(one)}\n" for one in whom)
            await _asked(courier, Request("POST", "/authorities", lines.encode(), "text/plain"))
            self._told = whom
        return False

    async def _try(self, whom: Certificates) -> None:
        """Connect to the server with only these authorities. Raises SyncError and OSError."""
        draft = self.folder / AUTHORITIES_NEXT
        await asyncio.to_thread(write_authorities, draft, whom)
        try:
            async with self.connect(draft) as trial:
                await _asked(trial, Request("GET", CACERTS))
        finally:
            draft.unlink(missing_ok=True)

    async def _renew(self, courier: Courier) -> bool:
        """Get a new key certified when due. If interrupted, the old certificate stays valid until the new one's use."""
        identity, now = self._loaded(), self.now()
        if now < identity.renewed_from:
            return False
        wanted = await asyncio.to_thread(Wanted.new, self.gate_id, self.passphrase)
        answer = await _asked(courier, Request("POST", REENROL, wanted.signing_request, "application/pkcs10"))
        device = wanted.accept(answer.body, identity.authorities, self.now())
        await asyncio.to_thread(identity.renew, device)
        log.info("identity_renewed", extra={"was_good_for_days": round(identity.days_to_go(now), 1)})
        return True

    def _loaded(self) -> Identity:
        if self._identity is None:
            raise IdentityError("no identity is in force")
        return self._identity


async def _asked(courier: Courier, request: Request) -> Response:
    response = await courier.send(request)
    if response.status in {200, 204}:
        return response
    kind = BadAnswerError if response.status == 404 else RefusedError
    raise kind(f"the central server refuses {request.path} ({response.status}: {reason_of(response)})")
