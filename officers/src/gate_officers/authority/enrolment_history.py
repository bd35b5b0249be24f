"""The acts in the authority's log, and the enrolment state that follows from them. Pure.

The log holds only acts. Enrolled officers, their passkeys and counters are computed by reading it from the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias

import msgspec

from gate_core.evidence.names import Role
from gate_core.orders.certificate import OfficerId
from gate_core.orders.signed_text import GateId, Key, Moment
from gate_core.orders.verbs import ROLES, Party

GATES_MAX: Final = 16
ACT_BYTES_MAX: Final = 8 * 1024

Gates: TypeAlias = Annotated[tuple[GateId, ...], msgspec.Meta(min_length=1, max_length=GATES_MAX)] | None
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Counter = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class Standing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of a certificate that stays the same for each shift. `gates` None: every gate. Raises ValueError for a
    role that the party does not have.
    """

    gates: Gates
    party: Party
    role: Role
    trained: bool

    def __post_init__(self) -> None:
        if self.role not in ROLES[self.party]:
            some = ", ".join(sorted(role.value for role in ROLES[self.party]))
            raise ValueError(f"people of the {self.party.value} are {some}")


class _Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="act"):
    """Base of the acts. `at` is in seconds since 1970 by the authority's clock."""

    at: Moment
    officer: OfficerId


class Invited(_Act, frozen=True, kw_only=True, omit_defaults=True, tag="invited"):
    """A supervisor invited an officer. `code`: SHA-256 of the one-time code; `until`: its expiry. `synced` allows a
    passkey that can be copied to other devices.
    """

    code: Digest
    standing: Standing
    synced: bool = False
    until: Moment


class Enrolled(_Act, frozen=True, kw_only=True, omit_defaults=True, tag="enrolled"):
    """An invited officer enrolled a passkey at `console`. `key` is its COSE public key; `synced`: it can be copied."""

    console: str
    counter: Counter
    credential: bytes
    key: bytes
    synced: bool = False


class Certified(_Act, frozen=True, kw_only=True, tag="certified"):
    """A shift key was certified for a sign-in at `console`. Written before the certificate is returned."""

    console: str
    counter: Counter
    key: Key
    not_before: Moment
    sealing: Key
    standing: Standing
    until: Moment


class Doubted(_Act, frozen=True, kw_only=True, tag="doubted"):
    """A passkey's counter did not grow: the passkey may have been cloned. No certificate was issued."""

    console: str
    counter: Counter


class Removed(_Act, frozen=True, kw_only=True, tag="removed"):
    """An officer was removed and gets no new certificate. Certificates already issued stay valid until they expire."""


Act: TypeAlias = Invited | Enrolled | Certified | Doubted | Removed


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey: credential ID, COSE public key, and highest counter seen (0: not used). `synced`: it can be copied."""

    credential: bytes
    key: bytes
    counter: int
    synced: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """An unused one-time code (SHA-256). `synced`: a passkey that can be copied is allowed."""

    code: str
    until: int
    synced: bool


@dataclass(frozen=True, slots=True)
class Person:
    """An invited or enrolled officer. `certified`: time of the last certificate, in seconds since 1970."""

    standing: Standing
    invitation: Invitation | None = None
    passkey: Passkey | None = None
    certified: int | None = None

    @property
    def is_synced(self) -> bool:
        """True if the person's passkey can be copied to other devices."""
        return self.passkey is not None and self.passkey.synced

    def state(self, now_s: int) -> str:
        """Return enrolled, invited, or lapsed (the invitation expired unused); `now_s` is in seconds since 1970."""
        if self.passkey is not None:
            return "enrolled"
        return "invited" if self.invitation is not None and now_s < self.invitation.until else "lapsed"

    def fields(self, officer: str, now_s: int) -> dict[str, object]:
        """Return the person for JSON."""
        certified = None if self.certified is None else moment_text(self.certified)
        standing = msgspec.to_builtins(self.standing)
        state = self.state(now_s)
        return {"officer": officer, **standing, "state": state, "synced": self.is_synced, "certified": certified}

    def line(self, officer: str, now_s: int) -> str:
        """Return the person's line of the printed list."""
        has = self.standing
        gates = "every gate" if has.gates is None else " ".join(has.gates)
        last = "never certified" if self.certified is None else f"certified {moment_text(self.certified)}"
        synced = "; synced" if self.is_synced else ""
        return f"{officer:24} {has.role.value:10} {has.party.value:10} {self.state(now_s):8} {gates}; {last}{synced}"


@dataclass(slots=True)
class People:
    """The known officers by name, updated by each act."""

    known: dict[str, Person] = field(default_factory=dict)
    _owners: dict[bytes, str] = field(default_factory=dict)

    def owner(self, credential: bytes) -> str | None:
        """Return the officer who enrolled this passkey, or None."""
        return self._owners.get(credential)

    def take(self, act: Act) -> None:
        """Apply one act. Raises ValueError if it contradicts the acts before it."""
        match act:
            case Invited():
                self._forget(act.officer)
                self.known[act.officer] = Person(act.standing, Invitation(act.code, act.until, act.synced))
            case Enrolled():
                if act.credential in self._owners:
                    raise ValueError("a passkey that somebody has already")
                passkey = Passkey(act.credential, act.key, act.counter, act.synced)
                self.known[act.officer] = replace(self._person(act.officer), invitation=None, passkey=passkey)
                self._owners[act.credential] = act.officer
            case Certified():
                person = self._person(act.officer)
                if person.passkey is None:
                    raise ValueError("a certificate for somebody without a passkey")
                passkey = replace(person.passkey, counter=max(person.passkey.counter, act.counter))
                self.known[act.officer] = replace(person, passkey=passkey, certified=act.at)
            case Doubted():
                self._person(act.officer)
            case Removed():
                self._person(act.officer)
                self._forget(act.officer)

    def _person(self, officer: str) -> Person:
        if (person := self.known.get(officer)) is None:
            raise ValueError(f"nobody is called {officer}")
        return person

    def _forget(self, officer: str) -> None:
        person = self.known.pop(officer, None)
        if person is not None and person.passkey is not None:
            del self._owners[person.passkey.credential]


def moment_text(at_s: int) -> str:
    """Format seconds since 1970 as RFC 3339, UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[Act] = msgspec.json.Decoder(Act)


def line(act: Act) -> bytes:
    """Encode an act as a line of the log."""
    return _encoder.encode(act) + b"\n"


def read(text: bytes) -> Act:
    """Decode a line of the log. Raises ValueError."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
