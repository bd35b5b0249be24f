"""Loads drivers and adapters of other distributions, only as the configuration names them: by name, and by the hash of their files.

| state of a distribution's file       | what happens                                                                       |
| ------------------------------------ | ---------------------------------------------------------------------------------- |
| listed in RECORD, `.py` or data      | read once; hashed; a module is compiled from these bytes                           |
| entry_points.txt                     | read and hashed the same way; no other metadata is believed                        |
| `.pyc`                               | neither hashed nor read                                                            |
| compiled library, link, path outside | the distribution is refused                                                        |
| not listed in RECORD                 | not loaded: the folder is on no search path, and the finder below knows listed files |

Whoever can write the folder, but not the configuration, changes nothing that is loaded. A loaded module is ordinary Python in the
program's process: it can do whatever that program's sandbox lets it (docs/threat-model.md).
"""

from __future__ import annotations

import configparser
import contextlib
import csv
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from gate_core.errors import SetupError
from gate_core.ordinary import read_ordinary
from gate_core.ports.drivers import BarrierDriver, MrzReader, PictureSource, SensorDriver
from gate_core.ports.pad import PadCodec
from gate_core.ports.registers import Adapter
from gate_core.settings.outside import Code, DriverSettings
from gate_core.settings.toml_file import Wrong, misfits

FILES_MAX: Final = 2_000
BYTES_MAX: Final = 16 << 20  # of one distribution
_WORDS_MAX: Final = 300  # of a text of others in a message
_OURS: Final = frozenset({"gate", "drivers", "models", "hardware_sim"})  # and all that begin with gate_
_COMPILED: Final = (".so", ".pyd", ".dll", ".dylib", ".a")


GROUPS: Final[Mapping[type, str]] = {
    BarrierDriver: "portcullis.barriers",
    SensorDriver: "portcullis.sensors",
    MrzReader: "portcullis.mrz_readers",
    PictureSource: "portcullis.cameras",
    PadCodec: "portcullis.pad_sensors",
    Adapter: "portcullis.register_adapters",
}


class OutsideError(SetupError):
    """Foreign code is not loaded, or does not fit. `wrong` names the key within the table `code`."""

    def __init__(self, *wrong: Wrong) -> None:
        super().__init__("; ".join(f"code.{one.key}: {one.why}" for one in wrong))
        self.wrong = wrong


def opened(code: Code, port: type, *where: object) -> Any:  # noqa: ANN401 - it fills `port`
    """The driver that `code` names, made by its settings' `open(*where)`, not yet connected. Raises OutsideError.

    `port` is the protocol that it must fill, a key of GROUPS.
    """
    settings = settings_of(code, port)
    with foreign(code, "does not open"):
        driver = settings.open(*where)
        found = _misfit(driver, port)
    if found:
        raise OutsideError(Wrong("name", f"{code.name} gives no {port.__name__}: {found}"))
    return driver


def _misfit(driver: object, port: type) -> str:
    """In what the driver does not fill the port; empty if it does."""
    wanted = {name: one for name, one in vars(port).items() if not name.startswith("_")}
    if lacking := [name for name in wanted if not hasattr(driver, name)]:
        return f"it lacks {', '.join(lacking)}"
    for name, method in wanted.items():
        if not inspect.isfunction(method):
            continue
        own = getattr(driver, name)
        if inspect.iscoroutinefunction(method) and not inspect.iscoroutinefunction(own):
            return f"{name} is no async def"
        _, *asked = inspect.signature(method).parameters.values()  # without self
        named = {one.name: one for one in asked if one.kind is one.KEYWORD_ONLY}
        try:
            inspect.signature(own).bind(*(one for one in asked if one.name not in named), **named)
        except (TypeError, ValueError):
            return f"{name} does not take ({', '.join(one.name for one in asked)})"
    return ""


def settings_of(code: Code, port: type) -> Any:  # noqa: ANN401 - a subclass of DriverSettings that only its distribution knows
    """The driver's settings, checked by its own type. Loads its module. Raises OutsideError."""
    type_ = _settings_type(code, GROUPS[port])
    with foreign(code, "does not check its settings"):
        found = [Wrong(_line(one.key), _line(one.why)) for one in misfits(code.settings, type_, "settings")]
        settings = None if found else msgspec.convert(code.settings, type_, str_keys=True)
    if found:
        raise OutsideError(*found)
    return settings


@contextlib.contextmanager
def foreign(code: Code, what: str) -> Iterator[None]:
    """Run foreign code in the block. Whatever it raises is an OutsideError; only the interrupt of a user passes."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise OutsideError(Wrong("name", f"{code.name} {what}: {_reason(error)}")) from error


def _reason(error: BaseException) -> str:
    try:
        said = _line(f"{type(error).__name__}: {error}")
        if type(error) is not ModuleNotFoundError:
            return said
        inside = f"{error.name}."
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - its words are foreign code, too
        return "an error whose text cannot be read"
    known = (module for one in sys.meta_path if isinstance(one, _Finder) for module in one.here.modules)
    if any(module.startswith(inside) for module in known):
        return f"{said}; that package has no __init__.py; ask its maker for one"
    return f"{said}; name what it needs in distributions, too"


def _line(text: str) -> str:
    """A text of others as one line that can be shown."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:_WORDS_MAX])


def _settings_type(code: Code, group: str) -> type[DriverSettings]:
    distributions = [_checked(code, name) for name in code.distributions]
    homes = [(one, points[code.name]) for one in distributions if code.name in (points := one.entry_points(group))]
    if len(homes) != 1:
        known = _line(", ".join(sorted({name for one in distributions for name in one.entry_points(group)}))) or "none"
        count = "none has" if not homes else "more than one have"
        raise OutsideError(
            Wrong("name", f"{count} {code.name} in the group {group}; their entry points there: {known}")
        )
    here, point = homes[0]
    module, _, name = point.partition(":")
    if module not in here.modules or not name.isidentifier():
        raise OutsideError(Wrong("name", f"{_line(point)} is no class in a module of {here.name}; ask its maker"))
    for one in distributions:
        _watch(one)
    with foreign(code, "does not load"):
        loaded: object = getattr(importlib.import_module(module), name)
        if isinstance(loaded, type) and issubclass(loaded, DriverSettings) and callable(getattr(loaded, "open", 0)):
            return loaded
    why = f"{_line(point)} of {here.name} is no DriverSettings with a method open; ask its maker"
    raise OutsideError(Wrong("name", why))


# ── what is installed, and whether it was approved ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution: its files by their path from the folder, with their bytes."""

    name: str
    folder: Path
    files: Mapping[str, bytes]

    @property
    def sha256(self) -> str:
        """The hash of its files: of the lines that sha256sum prints of them, sorted by path."""
        lines = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(self.files.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def modules(self) -> dict[str, str]:
        """The file of each of its modules."""
        found = ((path.removesuffix(".py").removesuffix("/__init__").replace("/", "."), path) for path in self.files)
        return {module: path for module, path in found if path.endswith(".py")}

    def entry_points(self, group: str) -> dict[str, str]:
        """Its entry points of a group, `module:name` by their names. Raises OutsideError for a broken file."""
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            parser.read_string(
                "".join(
                    data.decode() for path, data in self.files.items() if path.endswith(".dist-info/entry_points.txt")
                )
            )
        except (configparser.Error, UnicodeDecodeError) as error:
            raise OutsideError(Wrong("distributions", f"{self.name} has a broken entry_points.txt")) from error
        return dict(parser[group]) if parser.has_section(group) else {}


def installed(name: str, folder: Path) -> Distribution:
    """Read the distribution with this name. Raises OutsideError when it is not here, or is none that a gate loads."""
    found = [one for one in folder.glob("*.dist-info") if _name_of(one) == name]
    if len(found) != 1:
        if found:
            raise _refused(name, f"is installed twice in {folder}", "empty the folder, then install one version")
        raise _refused(name, f"is not installed in {folder}", "install its wheel with pip --target")
    files: dict[str, bytes] = {}
    for path in sorted(_listed(name, found[0])):
        if path.endswith(".pyc") or (".dist-info/" in path and not path.endswith("/entry_points.txt")):
            continue
        if path.endswith(_COMPILED):
            raise _refused(
                name, f"has compiled code, {_line(path)}", "wrap it as a process of its own (docs/guides/driver.md)"
            )
        files[path] = _bytes_of(folder, path, name)
        if len(files) > FILES_MAX or sum(map(len, files.values())) > BYTES_MAX:
            raise _refused(
                name, f"is larger than {FILES_MAX} files or {BYTES_MAX >> 20} MiB", "leave out what it does not need"
            )
    return Distribution(name, folder, files)


def _checked(code: Code, name: str) -> Distribution:
    here, approved = installed(name, Path(code.folder)), code.distributions[name]
    if here.sha256 != approved:
        was = f"not {approved}" if approved else "which the configuration does not name yet"
        next_step = "compare it with its maker's, write it down, and have the configuration approved"
        next_step += ", or install the approved wheel again" if approved else ""
        raise _refused(name, f"has files with the hash {here.sha256}, {was}", next_step)
    return here


def _name_of(info: Path) -> str:
    return re.sub(r"[-_.]+", "-", info.name.removesuffix(".dist-info").rpartition("-")[0]).lower()


def _listed(name: str, info: Path) -> set[str]:
    try:
        lines = read_ordinary(info / "RECORD", BYTES_MAX).decode().splitlines()
        return {row[0] for row in csv.reader(lines) if row}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refused(
            name, "has no RECORD of its files that can be read", "install its wheel with pip --target"
        ) from error


def _bytes_of(folder: Path, path: str, name: str) -> bytes:
    file = folder / path
    try:
        parts = Path(path).parts
        if ".." in parts or Path(path).is_absolute() or file.resolve(strict=True) != folder.resolve() / path:
            next_step = "leave [project.scripts] out of its pyproject.toml"
            if "bin" not in parts:
                next_step = "install its wheel with pip --target"
            raise _refused(name, f"has a file outside its folder or behind a link, {_line(path)}", next_step)
        return read_ordinary(file, BYTES_MAX)
    except (OSError, ValueError, RuntimeError) as error:  # a NUL; a circle of links
        why = getattr(error, "strerror", None) or error
        raise _refused(
            name, f"lists {_line(path)}, which cannot be read: {_line(str(why))}", "install it again"
        ) from error


def _refused(name: str, why: str, next_step: str) -> OutsideError:
    return OutsideError(Wrong("distributions", f"{name} {why}; {next_step}"))


# ── modules from the bytes that were hashed ──────────────────────────────────────────────────────────────────────────


def _watch(here: Distribution) -> None:
    """Have this distribution's modules come from its hashed bytes from now on. Raises OutsideError when one would hide another module."""
    before = next((one.here for one in sys.meta_path if isinstance(one, _Finder) and one.here.name == here.name), None)
    if before is not None and before.sha256 == here.sha256:
        return
    if before is not None:
        next_step = "name one folder for all its devices, or start the program again"
        raise _refused(here.name, f"is loaded already, with other files, from {before.folder}", next_step)
    for top in sorted({module.partition(".")[0] for module in here.modules}):
        if top in _OURS or top.startswith("gate_") or top in sys.modules or importlib.util.find_spec(top) is not None:
            raise _refused(
                here.name,
                f"has a module {_line(top)}, and so has something that is already here",
                "ask its maker for another name",
            )
    sys.meta_path.append(_Finder(here))  # behind all others: it can hide nothing


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):  # type: ignore[misc]  # typeshed's two bases disagree
    """Finds and loads the modules of one distribution. SourceLoader caches nothing without a time of change, and there is none here."""

    def __init__(self, here: Distribution) -> None:
        self.here = here
        self._modules = here.modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname not in self._modules:
            if fullname.partition(".")[0] in self._modules:
                raise ModuleNotFoundError(f"{fullname} is not among the files of {self.here.name}", name=fullname)
            return None
        file = self.get_filename(fullname)
        # A package gets no folder: Python's own finder would look for submodules there, in files and caches that are not hashed.
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=file, is_package=file.endswith("/__init__.py"))
        spec.has_location = True
        return spec

    def get_filename(self, fullname: str) -> str:
        return str(self.here.folder / self._modules[fullname])

    def get_data(self, path: str) -> bytes:
        """The bytes of a file of this distribution, a module's or `pkgutil.get_data`'s. Raises OSError for any other."""
        try:
            return self.here.files[str(Path(path).relative_to(self.here.folder))]
        except (KeyError, ValueError) as error:
            raise FileNotFoundError(f"{path} is not among the files of {self.here.name}") from error
