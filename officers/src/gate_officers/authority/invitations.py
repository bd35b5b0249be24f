"""Invites and removes officers: a supervisor's acts on the authority's own machine.

An invited officer gets a one-time code to enrol a passkey at a console. The log keeps only the code's SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from gate_officers.authority.act_log import ActLog
from gate_officers.authority.enrolment_history import Invitation, Invited, Person, Removed, Standing
from gate_officers.authority.errors import Refusal, RefusedError

INVITATION_S: Final = 24 * 3600
CODE_GROUPS: Final = 4
_CODE_LETTERS: Final = (
    "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's Base32, without look-alikes; 5 bits of each random byte
)


def invite(
    act_log: ActLog,
    officer: str,
    standing: Standing,
    *,
    now_s: int,
    random: Callable[[int], bytes],
    synced: bool = False,
) -> tuple[str, int]:
    """Invite an officer; return the one-time code and its expiry in seconds since 1970. `synced` also allows a passkey
    that can be copied to other devices. Raises RefusedError if the officer is already enrolled, and ActLogError.
    """
    code = "-".join("".join(_CODE_LETTERS[one % 32] for one in random(4)) for _ in range(CODE_GROUPS))
    until = now_s + INVITATION_S
    with act_log.adding() as people:
        if (person := people.known.get(officer)) is not None and person.passkey is not None:
            raise RefusedError(
                Refusal.TAKEN, f"{officer} is enrolled; remove them first, if they are to have another passkey"
            )
        act_log.add(
            Invited(at=now_s, officer=officer, code=_digest(code), standing=standing, synced=synced, until=until)
        )
    return code, until


def remove(act_log: ActLog, officer: str, *, now_s: int) -> None:
    """Remove an officer, who then gets no certificate. Raises RefusedError for an unknown officer, and ActLogError."""
    with act_log.adding() as people:
        if officer not in people.known:
            raise RefusedError(Refusal.NOT_ENROLLED, f"nobody is called {officer}")
        act_log.add(Removed(at=now_s, officer=officer))


def require_invitation(person: Person | None, code: str, now_s: int) -> Invitation:
    """Return the person's invitation if `code` matches and has not expired. Raises RefusedError."""
    invitation = person.invitation if person is not None else None
    offered = _digest(code)
    if invitation is None or not hmac.compare_digest(offered, invitation.code) or now_s >= invitation.until:
        raise RefusedError(
            Refusal.BAD_CODE, "no such invitation, or its code was used or has ended; have a new one made"
        )
    return invitation


def _digest(code: str) -> str:
    return hashlib.sha256(code.strip().lower().encode()).hexdigest()
