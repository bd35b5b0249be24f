"""What the update program remembers, in files that only root writes and everybody may read: installed, seen, step, outcome.

An update whose id `installed.json` names is done; any other that `journal.json` tells of is undone at the next start.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from gate.updates.download import read_seen
from gate.updates.trust import Seen
from gate_core import durable

# Not of gate.toml, which an update replaces: whoever starts next must find the journal. The units of systemd have it built in.
FOLDER: Final = Path("/var/lib/portcullis/update")
FILE_BYTES_MAX: Final = 1 << 20


class Install(msgspec.Struct, frozen=True, kw_only=True):
    """A target that is, or was to be, installed. `at` is RFC 3339."""

    number: int
    name: str
    at: str


class SoftwareChange(msgspec.Struct, frozen=True, kw_only=True):
    """From one versions' folder to another."""

    before: str
    after: str


class ModelsChange(msgspec.Struct, frozen=True, kw_only=True):
    """`spare` and the folder of models change places; `inode` is that of the one that comes."""

    spare: str
    inode: int


class ConfigurationChange(msgspec.Struct, frozen=True, kw_only=True):
    """These files come, and those of `gone` go; `fresh` are those that come and were not there."""

    names: tuple[str, ...]
    fresh: tuple[str, ...]
    gone: tuple[str, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What an update changes."""

    software: SoftwareChange | None = None
    models: ModelsChange | None = None
    configuration: ConfigurationChange | None = None


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """An update under way: its step, what it changes where, which units ran, and how their programs were."""

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
    """What was not kept, and why."""

    install: Install
    why: str


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What is installed by kind; `tried` is the highest number that was kept or not, a kind; `before` is what `back` goes to.

    `id` is the newest update that was done.
    """

    id: str = ""
    current: dict[str, Install] = {}
    tried: dict[str, int] = {}
    refused: dict[str, Refusal] = {}
    lists: tuple[str, ...] = ()
    before: Changes = Changes()
    before_installs: dict[str, Install | None] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the program ended last: its exit code, in words, when."""

    verb: str
    code: int
    words: str
    at: str
    expires: str | None = None


Kept = TypeVar("Kept", bound=msgspec.Struct)


class Ledger:
    """The folder of these files. Every method raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one. Raises BlockingIOError while another is."""
        durable.make_folder(self.folder, mode=0o755)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(descriptor)

    @property
    def memory(self) -> Path:
        """python-tuf's own."""
        return self.folder / "memory"

    @property
    def staging(self) -> Path:
        """Copies of archives while they are unpacked."""
        return self.folder / "staging"

    @property
    def seen(self) -> Seen:
        """What was believed before."""
        return read_seen(self.folder / "seen.json")

    def saw(self, seen: Seen) -> None:
        """Remember it."""
        self._write("seen.json", seen)

    @property
    def installed(self) -> Installed:
        """What is installed."""
        return self._read("installed.json", Installed) or Installed()

    def install(self, installed: Installed) -> None:
        """Write what is installed."""
        self._write("installed.json", installed)

    @property
    def journal(self) -> Journal | None:
        """The update under way, if one is."""
        return self._read("journal.json", Journal)

    def at(self, journal: Journal) -> None:
        """Write where an update is."""
        self._write("journal.json", journal)

    def over(self) -> None:
        """The update under way is over."""
        (self.folder / "journal.json").unlink(missing_ok=True)
        durable.sync(self.folder)

    @property
    def outcome(self) -> Outcome | None:
        """How the program ended last."""
        return self._read("outcome.json", Outcome)

    def ended(self, outcome: Outcome) -> None:
        """Write how it ended."""
        self._write("outcome.json", outcome)

    def _read(self, name: str, kind: type[Kept]) -> Kept | None:
        path = self.folder / name
        try:
            return msgspec.json.decode(path.read_bytes()[:FILE_BYTES_MAX], type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise OSError(errno.EINVAL, "is not what this program wrote; restore it from a copy", str(path)) from error

    def _write(self, name: str, content: msgspec.Struct) -> None:
        durable.write(self.folder / name, msgspec.json.encode(content), mode=0o644)
