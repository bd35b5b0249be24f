"""The update program's stored state, written by root and readable by all: installed, seen, journal and outcome.

An update whose id is in `installed.json` is done; any other in `journal.json` is undone at the next start.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from gate.updates.download import read_seen
from gate.updates.trust import Seen
from gate_core import durable

# Not from gate.toml, which an update replaces: the next start must find the journal. The systemd units contain it, too.
FOLDER: Final = Path("/var/lib/portcullis/update")
FILE_BYTES_MAX: Final = 1 << 20


class Install(msgspec.Struct, frozen=True, kw_only=True):
    """A target that is, or was to be, installed. `at`: RFC 3339."""

    number: int
    name: str
    at: str


class SoftwareChange(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the version folders before and after."""

    before: str
    after: str


class ModelsChange(msgspec.Struct, frozen=True, kw_only=True):
    """Exchange of the folder of models and `spare`. `inode`: of the new folder."""

    spare: str
    inode: int


class ConfigurationChange(msgspec.Struct, frozen=True, kw_only=True):
    """`names`: new files; `fresh`: those without an earlier file. `gone`: files to delete."""

    names: tuple[str, ...]
    fresh: tuple[str, ...]
    gone: tuple[str, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of an update."""

    software: SoftwareChange | None = None
    models: ModelsChange | None = None
    configuration: ConfigurationChange | None = None


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """A running update: step, changes with their places, units that ran, and their programs' states."""

    id: str
    verb: str
    step: str
    file: str
    models: str
    installs: dict[str, Install] = {}
    changes: Changes = Changes()
    ran: tuple[str, ...] = ()
    states: dict[str, str] = {}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A target that was not kept, and why."""

    install: Install
    why: str


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """Installed targets by kind. `tried`: highest number by kind, kept or not. `before`: what `back` restores.

    `id`: of the last completed update.
    """

    id: str = ""
    current: dict[str, Install] = {}
    tried: dict[str, int] = {}
    refused: dict[str, Refusal] = {}
    lists: tuple[str, ...] = ()
    before: Changes = Changes()
    before_installs: dict[str, Install | None] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The program's last outcome: exit code, text and time."""

    verb: str
    code: int
    words: str
    at: str
    expires: str | None = None


Kept = TypeVar("Kept", bound=msgspec.Struct)
_FILES: Final[dict[type[msgspec.Struct], str]] = {
    Seen: "seen.json", Installed: "installed.json", Journal: "journal.json", Outcome: "outcome.json",
}  # fmt: skip


class Ledger:
    """The folder of these files. Every method raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory = folder / "memory"  # python-tuf's
        self.staging = folder / "staging"  # of archives while they are unpacked

    @property
    def seen(self) -> Seen:
        """The metadata that was trusted before."""
        return read_seen(self._file(Seen))

    @property
    def installed(self) -> Installed:
        """The installed targets."""
        return self._read(Installed) or Installed()

    @property
    def journal(self) -> Journal | None:
        """The running update, or None."""
        return self._read(Journal)

    def over(self) -> None:
        """Delete the journal: the update has ended."""
        self._file(Journal).unlink(missing_ok=True)
        durable.sync(self.folder)

    @property
    def outcome(self) -> Outcome | None:
        """The program's last outcome, or None."""
        return self._read(Outcome)

    def keep(self, content: Seen | Installed | Journal | Outcome) -> None:
        """Store it, in place of what was there of its kind."""
        durable.write(self._file(type(content)), msgspec.json.encode(content), mode=0o644)

    def _read(self, kind: type[Kept]) -> Kept | None:
        path = self._file(kind)
        try:
            return msgspec.json.decode(path.read_bytes()[:FILE_BYTES_MAX], type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise OSError(errno.EINVAL, "is not what this program wrote; restore it from a copy", str(path)) from error

    def _file(self, kind: type[msgspec.Struct]) -> Path:
        return self.folder / _FILES[kind]
