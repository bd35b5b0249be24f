"""The approvers: three or more persons with Ed25519 keys, and an optional authority whose offline key can name others.

`approvers.toml` lists them. Duplicate names or keys are refused, as are keys of small order or in non-canonical
encoding, for which anyone can make valid signatures.
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
# The canonical y of the eight points of small order of edwards25519 (see RFC 7748 §6.1).
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})

VerifierKey = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of `approvers.toml`. Keys are note verifier keys, `name+id+base64`. `authority` may be empty."""

    schema: Literal[1]
    approvers: Annotated[tuple[VerifierKey, ...], msgspec.Meta(min_length=APPROVERS_MIN, max_length=APPROVERS_MAX)]
    authority: Annotated[str, msgspec.Meta(max_length=256)] = ""


@dataclass(frozen=True, slots=True)
class Approvers:
    """The approvers' keys, and that of their authority, if any."""

    keys: tuple[Verifier, ...]
    authority: Verifier | None = None

    @classmethod
    def of(cls, listed: Listed) -> Approvers:
        """Build from a list. Raises ApprovalError with all errors of the list."""
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
        """Encode as JSON, for the log's database."""
        listed = Listed(
            schema=1,
            approvers=tuple(key.vkey for key in self.keys),
            authority=self.authority.vkey if self.authority else "",
        )
        return msgspec.json.encode(listed)

    def are(self, others: Approvers) -> bool:
        """True if both have the same keys, in any order."""
        return (set(self.keys), self.authority) == (set(others.keys), others.authority)


def approvers_in(path: Path) -> Approvers:
    """Read an `approvers.toml`. Raises ConfigError with file, key and line of each error."""
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
    """Yield key and message of each error in a list that the types do not detect."""
    named = [(f"approvers.{at}", vkey) for at, vkey in enumerate(listed.approvers)]
    names: dict[str, str] = {}
    keys: dict[int, str] = {}
    for key, vkey in [*named, *([("authority", listed.authority)] if listed.authority else [])]:
        try:
            verifier = key_of(vkey)
        except ApprovalError as error:
            yield key, str(error)
            continue
        # A point and its negative have the same owner: one secret gives the other.
        if (other := names.setdefault(verifier.name, key)) != key:
            yield key, f"has the name of {other}: {verifier.name}"
        elif (other := keys.setdefault(int.from_bytes(verifier.public_key, "little") % _SIGN, key)) != key:
            yield key, f"has the key of {other}"


def key_of(vkey: str) -> Verifier:
    """Parse a verifier key. Raises ApprovalError."""
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
    """Raise ApprovalError for an invalid name. Capitals and non-ASCII are not allowed, as they can look alike."""
    if _NAME.fullmatch(name) is None:
        raise ApprovalError(f"{name!r} names nobody: small letters, digits and ._@- after the first, 63 at most")


def is_sound(key: bytes) -> bool:
    """False for a key in non-canonical encoding, or of small order, for which anyone can make valid signatures."""
    y = int.from_bytes(key, "little") % _SIGN
    return y < _FIELD and y not in SMALL_ORDER
