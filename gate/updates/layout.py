"""The repository's layout: its four kinds of targets, each with its role, names and custom fields.

Metadata are in `metadata/`, targets in `targets/`, as in TUF with consistent snapshots. A kind has one target per gate, under a name that
the gate knows beforehand: `software/x86_64-cp313.zip`, `models/models.zip`, `lists/lists.zip`, `configuration/GATE-ID.zip`.
"""

from __future__ import annotations

import enum
import os
import re
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from gate.updates.errors import RefusedError

METADATA: Final = "metadata"
TARGETS: Final = "targets"
NAME_MAX: Final = 64
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Kind(enum.Enum):
    """What can be updated. The value is its delegated role, and the folder of its targets."""

    SOFTWARE = "software"
    MODELS = "models"
    LISTS = "lists"
    CONFIGURATION = "configuration"


# Of how many keys a role must ask for at least.
THRESHOLD_MIN: Final = {Kind.SOFTWARE: 1, Kind.MODELS: 1, Kind.LISTS: 1, Kind.CONFIGURATION: 2}
# The most that an archive may have: in bytes as it comes, in bytes unpacked, and in files.
ARCHIVE_BYTES_MAX: Final = {
    Kind.SOFTWARE: 1 << 30,
    Kind.MODELS: 512 << 20,
    Kind.LISTS: 256 << 20,
    Kind.CONFIGURATION: 1 << 20,
}
UNPACKED_BYTES_MAX: Final = {
    Kind.SOFTWARE: 3 << 30,
    Kind.MODELS: 1 << 30,
    Kind.LISTS: 512 << 20,
    Kind.CONFIGURATION: 4 << 20,
}
FILES_MAX: Final = {Kind.SOFTWARE: 50_000, Kind.MODELS: 200, Kind.LISTS: 2000, Kind.CONFIGURATION: 50}


@dataclass(frozen=True, slots=True)
class Here:
    """The requesting gate: its ID, its processor as in `uname -m`, and its Python, such as `3.13`."""

    gate_id: str
    machine: str
    python: str

    @classmethod
    def this_machine(cls, gate_id: str) -> Here:
        """Return this process's values."""
        return cls(gate_id, os.uname().machine, f"{sys.version_info.major}.{sys.version_info.minor}")

    def path_of(self, kind: Kind) -> str:
        """The name of this gate's target of a kind."""
        match kind:
            case Kind.SOFTWARE:
                return f"{kind.value}/{self.machine}-cp{self.python.replace('.', '')}.zip"
            case Kind.MODELS | Kind.LISTS:
                return f"{kind.value}/{kind.value}.zip"
            case Kind.CONFIGURATION:
                return f"{kind.value}/{self.gate_id}.zip"


class Custom(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target's `custom` fields. `number` only rises, one per target and publication; `name` is for people.

    Only software has `machine` and `python`, only a configuration `gate`.
    """

    number: Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MAX, pattern=r"^[ -~]+$")]
    machine: str = ""
    python: str = ""
    gate: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One target for this gate, verified."""

    kind: Kind
    path: str
    number: int
    name: str
    size_bytes: int
    sha256: str

    @property
    def file(self) -> str:
        """Path of its bytes in the repository."""
        folder, _, name = self.path.rpartition("/")
        return f"{TARGETS}/{folder}/{self.sha256}.{name}"


def offer_of(kind: Kind, here: Here, *, size_bytes: int, hashes: dict[str, str], custom: Any) -> Offer:  # noqa: ANN401 - a stranger's JSON
    """Parse a role's entry for this gate's target. Raises RefusedError."""
    path = here.path_of(kind)
    try:
        said = msgspec.convert(custom, Custom)
    except msgspec.ValidationError as error:
        raise RefusedError(f"{path}: its custom fields do not fit: {error}") from error
    sha256 = hashes.get("sha256", "")
    if set(hashes) != {"sha256"} or _SHA256.fullmatch(sha256) is None:
        raise RefusedError(f"{path}: a target has its SHA-256 and no other hash")
    if not 0 < size_bytes <= ARCHIVE_BYTES_MAX[kind]:
        raise RefusedError(f"{path}: {size_bytes} bytes, and {ARCHIVE_BYTES_MAX[kind]} are the most")
    wanted = {
        Kind.SOFTWARE: (here.machine, here.python, ""),
        Kind.CONFIGURATION: ("", "", here.gate_id),
    }.get(kind, ("", "", ""))
    if (said.machine, said.python, said.gate) != wanted:
        raise RefusedError(
            f"{path}: it is for machine {said.machine!r}, Python {said.python!r}, gate {said.gate!r}; wanted {wanted}"
        )
    return Offer(kind=kind, path=path, number=said.number, name=said.name, size_bytes=size_bytes, sha256=sha256)
