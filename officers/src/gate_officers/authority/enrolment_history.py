"""What the officers' authority did, as its book has it, and who is enrolled by that. Pure.

The book is the list of its acts and nothing else: who is enrolled, with which passkey and which counter, follows from reading it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    """What somebody is: the part of a certificate that does not change from shift to shift. `gates` None: every gate. Raises ValueError for a
    role that is not of the party.
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
    """`at` is when, in seconds since 1970 by the authority's clock."""

    at: Moment
    officer: OfficerId


class Invited(_Act, frozen=True, kw_only=True, omit_defaults=True, tag="invited"):
    """A supervisor let somebody in at the authority's machine. `code` is the SHA-256 of the one-time code, good until `until`; `synced` allows them
    a passkey that can be copied to other devices.
    """

    code: Digest
    standing: Standing
    synced: bool = False
    until: Moment


class Enrolled(_Act, frozen=True, kw_only=True, omit_defaults=True, tag="enrolled"):
    """The passkey of whoever was invited came, through this console. `key` is its public half as COSE has it; `synced`: it can be copied."""

    console: str
    counter: Counter
    credential: bytes
    key: bytes
    synced: bool = False


class Certified(_Act, frozen=True, kw_only=True, tag="certified"):
    """A shift key was certified, through this console. Written before the certificate is handed out."""

    console: str
    counter: Counter
    key: Key
    not_before: Moment
    sealing: Key
    standing: Standing
    until: Moment


class Doubted(_Act, frozen=True, kw_only=True, tag="doubted"):
    """A passkey answered with a counter that is not above the last: somebody may have a second one. Nothing was certified."""

    console: str
    counter: Counter


class Removed(_Act, frozen=True, kw_only=True, tag="removed"):
    """Somebody is certified no more. A certificate that they have ends by itself."""


Act: TypeAlias = Invited | Enrolled | Certified | Doubted | Removed


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey's public half, and the highest counter that it was seen with (0: it has none). `synced`: it can be copied to other devices."""

    credential: bytes
    key: bytes
    counter: int
    synced: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time code that has not been used. `synced`: a passkey that can be copied will do."""

    code: str
    until: int
    synced: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the authority knows: invited, or enrolled with a passkey. `certified` is when last."""

    standing: Standing
    invitation: Invitation | None = None
    passkey: Passkey | None = None
    certified: int | None = None


@dataclass(slots=True)
class People:
    """Who is known, by name. Changes with each act that is read."""

    known: dict[str, Person] = field(default_factory=dict)
    _owners: dict[bytes, str] = field(default_factory=dict)

    def owner(self, credential: bytes) -> str | None:
        """Whose passkey this is."""
        return self._owners.get(credential)

    def take(self, act: Act) -> None:
        """Bring in one act. Raises ValueError for one that cannot follow those before."""
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


_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[Act] = msgspec.json.Decoder(Act)


def line(act: Act) -> bytes:
    """An act as its line of the book."""
    return _encoder.encode(act) + b"\n"


def read(text: bytes) -> Act:
    """The act in a line. Raises ValueError."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
