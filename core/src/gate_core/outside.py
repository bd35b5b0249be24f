"""Drivers and adapters that other people wrote: found by their entry points, and loaded only as the approved configuration names them.

A distribution is named with the hash of its files. Its modules are compiled from the very bytes that were hashed, never from a cache
beside them; a file that is not among them is not loaded. They lie in a folder that no program searches for modules, so nothing of them runs by being there. Compiled libraries are refused: what needs one is a process of its own
(docs/guides/driver.md). Nothing here trusts a name: whoever can write a package's folder, but not the configuration, changes nothing.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import msgspec

from gate_core.errors import SetupError
from gate_core.settings.base import Settings, simulated_line
from gate_core.settings.config_file import Section

FILES_MAX = 2_000
BYTES_MAX = 16 << 20  # of one distribution
_OURS = frozenset({"gate", "drivers", "models", "hardware_sim"})
_COMPILED = (".so", ".pyd", ".dll", ".dylib")
_REQUIRED = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")

DistributionName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Code(Section, frozen=True, kw_only=True):
    """Which distributions of others may be loaded, each with the hash of its files, and the folder that they are installed in (`pip install --target`)."""

    folder: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] = "/usr/local/lib/portcullis/outside"
    distributions: Annotated[dict[DistributionName, Sha256], msgspec.Meta(min_length=1, max_length=32)]


class Outside(Settings, frozen=True, kw_only=True, tag="outside"):
    """A device that a driver of others drives. `name` is the driver's among its distribution's entry points, `settings` are its own keys, and `port` is
    the line or socket that it has to itself.
    """

    distribution: DistributionName
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    port: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    settings: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def line(self) -> str | None:
        """The device's own."""
        return self.port

    def simulated(self) -> list[str]:
        """Name a simulated line."""
        return simulated_line(self.port)


@dataclass(frozen=True, slots=True)
class Found:
    """A distribution that is installed here: its files by their path from the folder that it is installed in, with their bytes."""

    name: str
    folder: Path
    files: Mapping[str, bytes]
    entry_points: metadata.EntryPoints
    requires: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The hash of its files: of the lines that sha256sum writes of them, in the order of their paths."""
        lines = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(self.files.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def found(name: str, folder: str) -> Found:
    """The distribution with this name. Raises SetupError when it is not here, or is none that a gate can hold."""
    here = next(iter(metadata.distributions(name=name, path=[folder])), None)
    if here is None:
        raise SetupError(f"distribution {name} is not installed in {folder}")
    files: dict[str, bytes] = {}
    taken = 0
    for path in here.files or ():
        text = path.as_posix()
        is_ours_to_read = not text.endswith(".pyc") and (
            ".dist-info/" not in text or text.endswith("/entry_points.txt")
        )
        if not is_ours_to_read:
            continue
        if text.startswith("/") or ".." in text.split("/"):
            raise SetupError(f"distribution {name} has a file outside its folder: {text}")
        if text.endswith(_COMPILED):
            raise SetupError(
                f"distribution {name} has compiled code, {text}: no program of a gate loads that; make it a process of its own "
                "(docs/guides/driver.md)"
            )
        data = _bytes_of(Path(str(here.locate_file(path))), name)
        taken += len(data)
        if taken > BYTES_MAX or len(files) >= FILES_MAX:
            raise SetupError(f"distribution {name} is larger than {BYTES_MAX >> 20} MiB or {FILES_MAX} files")
        files[text] = data
    if not files:
        raise SetupError(f"distribution {name} lists no files: install it as a wheel, not editable")
    requires = tuple(one[1].lower() for line in here.requires or () if (one := _REQUIRED.match(line)))
    return Found(name, Path(str(here.locate_file(""))), files, here.entry_points, requires)


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SetupError(f"distribution {name}: {path.name} cannot be read: {error.strerror}") from error


def checked(code: Code | None, name: str) -> Found:
    """The distribution, of those that are named with their hashes. Raises SetupError when it is not, or is another than was approved."""
    if code is None or name not in code.distributions:
        raise SetupError(f"distribution {name} is not named in [outside.distributions]: write it there with its hash")
    here, approved = found(name, code.folder), code.distributions[name]
    if here.sha256 != approved:
        raise SetupError(
            f"distribution {name} has other files than were approved: their hash is {here.sha256}, not {approved}"
        )
    return here


def settings_type(code: Code | None, group: str, device: Outside) -> type[Settings]:
    """The settings of the driver that a device names, whose `open` gives the driver. Loads its module. Raises SetupError."""
    here = checked(code, device.distribution)
    points = {point.name: point for point in here.entry_points.select(group=group)}
    if device.name not in points:
        there = ", ".join(sorted(points)) or "none"
        raise SetupError(f"distribution {device.distribution} has no {device.name} among its {group}: {there}")
    _watch(code, here)
    try:
        loaded = points[device.name].load()
    except Exception as error:  # whatever the code of others raises while it loads
        raise SetupError(
            f"{device.name} of {device.distribution} does not load: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Settings)):
        raise SetupError(
            f"{device.name} of {device.distribution} is no settings type (gate_core.settings.base.Settings)"
        )
    return loaded


def _watch(code: Code | None, here: Found) -> None:
    """Have the modules of this distribution, and of those that it needs, come from their hashed bytes from now on. Raises SetupError."""
    if any(isinstance(finder, _Finder) and finder.name == here.name for finder in sys.meta_path):
        return
    finder = _Finder(here)
    for module in sorted(finder.modules):
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top in _OURS or top.startswith("gate_") or module in sys.modules:
            raise SetupError(f"distribution {here.name} would take the place of {module}")
    sys.meta_path.insert(0, finder)
    for needed in here.requires:
        if code is not None and needed in code.distributions:
            _watch(code, checked(code, needed))
        elif needed not in _already_here():
            raise SetupError(f"distribution {here.name} needs {needed}: name that, too, in [outside], with its hash")


@functools.cache
def _already_here() -> frozenset[str]:
    """The names of what our own distributions are, and need."""
    ours = [one for one in metadata.distributions() if one.name.startswith("portcullis")]
    needed = {match[1].lower() for one in ours for line in one.requires or () if (match := _REQUIRED.match(line))}
    return frozenset(needed | {one.name for one in ours})


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a module from the bytes that were hashed. Without a time of change nothing is cached beside it, and no cache is read."""

    def __init__(self, fullname: str, path: str, data: bytes) -> None:
        super().__init__(fullname, path)
        self._data = data

    def get_data(self, path: str) -> bytes:  # noqa: ARG002 - there is one
        return self._data

    def path_stats(self, path: str) -> Mapping[str, Any]:
        raise OSError(f"{path} has been read already")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of one distribution, and no module that it has not."""

    def __init__(self, here: Found) -> None:
        self.name = here.name
        self._found = {module: path for path in here.files for module in _module_of(path)}
        self._here = here
        self.modules = frozenset(self._found)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname not in self._found:
            if fullname.partition(".")[0] in self.modules:
                raise ModuleNotFoundError(f"{fullname} is not among the files of {self.name}", name=fullname)
            return None
        file = self._found[fullname]
        place = str(self._here.folder / file)
        is_package = file.endswith("/__init__.py")
        return importlib.util.spec_from_file_location(
            fullname,
            place,
            loader=_Loader(fullname, place, self._here.files[file]),
            submodule_search_locations=[str(Path(place).parent)] if is_package else None,
        )


def _module_of(path: str) -> Iterator[str]:
    if path.endswith(".py"):
        yield path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
