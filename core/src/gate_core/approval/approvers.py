"""Who approves: three or more persons with an Ed25519 key each, and an authority whose offline key may name others (`approvers.toml`).

No name twice, no key twice, none of small order or in another spelling, since of such keys a signature says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from gate_core.approval.errors import ApprovalError
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Algorithm, Verifier
from gate_core.ordinary import read_ordinary
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import FileError, Problem, TomlFile, Wrong

SIGNERS_MIN: Final = 2
APPROVERS_MIN: Final = 3
APPROVERS_MAX: Final = 16
APPROVERS_BYTES_MAX: Final = 16 * 1024
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")
_FIELD: Final = 2**255 - 19
_SIGN: Final = 1 << 255
# The y of the eight points of small order of edwards25519 (RFC 7748 §6.1 tells why they prove nothing), each in its one spelling.
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})

VerifierKey = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of `approvers.toml`. Keys are written as note verifier keys, `name+id+base64`; no `authority`: two approvers alone name others."""

    schema: Literal[1]
    approvers: Annotated[tuple[VerifierKey, ...], msgspec.Meta(min_length=APPROVERS_MIN, max_length=APPROVERS_MAX)]
    authority: Annotated[str, msgspec.Meta(max_length=256)] = ""


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve."""

    keys: tuple[Verifier, ...]
    authority: Verifier | None = None

    @classmethod
    def of(cls, listed: Listed) -> Approvers:
        """Those of a list. Raises ApprovalError with all that is wrong in it."""
        if found := [f"{key}: {why}" for key, why in contradictions(listed)]:
            raise ApprovalError("; ".join(found))
        keys = tuple(Verifier.parse(one) for one in listed.approvers)
        return cls(keys, Verifier.parse(listed.authority) if listed.authority else None)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Approvers:
        """Read what `to_bytes` wrote. Raises ApprovalError."""
        try:
            return cls.of(msgspec.json.decode(raw, type=Listed))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApprovalError(f"no list of approvers: {error}") from error

    def to_bytes(self) -> bytes:
        """As JSON, for the log's own database."""
        listed = Listed(
            schema=1,
            approvers=tuple(key.vkey for key in self.keys),
            authority=self.authority.vkey if self.authority else "",
        )
        return msgspec.json.encode(listed)

    def are(self, others: Approvers) -> bool:
        """True when the same may approve, in whatever order they stand."""
        return (set(self.keys), self.authority) == (set(others.keys), others.authority)


def approvers_in(path: Path) -> Approvers:
    """Who may approve by this `approvers.toml`; what is wrong is said with file, key and line. Raises ConfigError."""
    try:
        text = read_ordinary(path, APPROVERS_BYTES_MAX).decode()
    except OSError as error:
        raise ConfigError(Problem("", f"cannot be read: {error.strerror}; it names who approves", str(path))) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem("", "is not UTF-8", str(path))) from error
    file = TomlFile(str(path), text)
    try:
        listed = file.fitted(file.table(), Listed)
    except FileError as error:
        raise ConfigError(*error.problems) from error
    if wrong := [file.problem(Wrong(key, why)) for key, why in contradictions(listed)]:
        raise ConfigError(*wrong)
    return Approvers.of(listed)


def contradictions(listed: Listed) -> Iterator[tuple[str, str]]:
    """What is wrong with a list that types alone do not see, each with its key."""
    named = [(f"approvers.{at}", vkey) for at, vkey in enumerate(listed.approvers)]
    names: dict[str, str] = {}
    keys: dict[int, str] = {}
    for key, vkey in [*named, *([("authority", listed.authority)] if listed.authority else [])]:
        try:
            verifier = key_of(vkey)
        except ApprovalError as error:
            yield key, str(error)
            continue
        # A point and its negative are one person's: who has the one secret has the other.
        if (other := names.setdefault(verifier.name, key)) != key:
            yield key, f"has the name of {other}: {verifier.name}"
        elif (other := keys.setdefault(int.from_bytes(verifier.public_key, "little") % _SIGN, key)) != key:
            yield key, f"has the key of {other}"


def key_of(vkey: str) -> Verifier:
    """The key that a text spells. Raises ApprovalError."""
    try:
        verifier = Verifier.parse(vkey)
    except BadFormatError as error:
        raise ApprovalError(f"is no verifier key (name+id+base64): {error}") from error
    if verifier.vkey != vkey or verifier.algorithm is not Algorithm.ED25519:
        raise ApprovalError("is no Ed25519 key of a signed note (name+id+base64)")
    require_name(verifier.name)
    if not is_sound(verifier.public_key):
        raise ApprovalError("is no key: it is of small order, or has another spelling")
    return verifier


def require_name(name: str) -> None:
    """Raise ApprovalError for what cannot name an approver: capitals and letters that look alike would make one name two."""
    if _NAME.fullmatch(name) is None:
        raise ApprovalError(f"{name!r} names nobody: small letters, digits and ._@- after the first, 63 at most")


def is_sound(key: bytes) -> bool:
    """False for 32 bytes that are no public key of a person: in two spellings, or of small order, where anybody's signature may hold."""
    y = int.from_bytes(key, "little") % _SIGN
    return y < _FIELD and y not in SMALL_ORDER
