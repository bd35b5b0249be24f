"""Files of settings in TOML, read strictly into types. Every problem is said at once, where msgspec stops at the first. Pure."""

from __future__ import annotations

import enum
import re
import tomllib
import types
import typing
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import msgspec

from gate_core.errors import SetupError

_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=")
_AT = re.compile(r" - at `[^`]*`$")
_TOML_LINE = re.compile(r"^(?P<why>.*) \((?:at line (?P<line>\d+), column \d+|at end of document)\)$", re.DOTALL)

AnyType: TypeAlias = Any  # as annotations spell it: a union, a tuple of so many, with its limits
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a file, at the key that is to be changed (`status.position`); empty: the whole of it."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Problem:
    """The same with the place: `file` is empty where only the caller knows which one it was, `line` None where lines say nothing.

    `unreadable`: the file could not be read at all.
    """

    key: str
    problem: str
    file: str = ""
    line: int | None = None
    unreadable: bool = False

    def __str__(self) -> str:
        """Return the problem as one line."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.problem) if part)


class FileError(SetupError):
    """A settings file is invalid; has all its problems."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class Contradictions(ValueError):  # noqa: N818 - raised in a struct's __post_init__, and never seen as an error of its own
    """What a struct's values are together that none of them is alone; its keys are the struct's own."""

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__("; ".join(f"{each.key}: {each.why}" if each.key else each.why for each in wrong))
        self.wrong = tuple(wrong)


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A settings file: its text, and its name for messages."""

    name: str
    text: str

    def table(self) -> dict[str, object]:
        """Parse the file as TOML. Raises FileError."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = _TOML_LINE.match(str(error))
            line = int((found and found["line"]) or max(1, len(self.text.splitlines())))
            raise FileError(Problem("", found["why"] if found else str(error), self.name, line)) from error
        except RecursionError as error:
            raise FileError(Problem("", "is nested too deeply", self.name)) from error

    def fitted(self, table: dict[str, object], type_: type[Read] | types.UnionType) -> Read:
        """Convert the file's table to this type. Raises FileError."""
        try:
            return typing.cast("Read", msgspec.convert(table, type_, str_keys=True))
        except msgspec.ValidationError as error:
            raise self.error(*misfits(table, type_)) from error

    def error(self, *wrong: Wrong) -> FileError:
        """Return one error with all problems and their lines."""
        return FileError(*(self.problem(each) for each in wrong))

    def problem(self, wrong: Wrong) -> Problem:
        """Return the problem with its file and line."""
        return Problem(wrong.key, wrong.why, self.name, line_of(self.text, wrong.key))


def line_of(text: str, key: str) -> int:
    """Return the line of a key such as `status.position` or `reads.2.count`, or of its nearest table in the file."""
    steps = key.split(".")
    best, best_depth = 1, 0
    table: list[str] = []
    tables: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            name = header[1].split(".")
            table = [*name, str(tables[header[1]])] if line.lstrip().startswith("[[") else name
            tables[header[1]] += 1
            places = [name, table]
        elif named := _KEY.match(line):
            places = [[*table, *named[1].split(".")]]
        else:
            continue
        for here in places:
            if len(here) > best_depth and steps[: len(here)] == here:
                best, best_depth = number, len(here)
    return best


# ── what does not fit ────────────────────────────────────────────────────────────────────────────────────────────────


def misfits(value: object, type_: AnyType, key: str = "") -> list[Wrong]:
    """Return every error of a TOML value against a type, with its key; empty if it fits."""
    try:
        msgspec.convert(value, type_, str_keys=True)
    except msgspec.ValidationError as error:
        return list(_within(value, type_, key)) or _at(error, value, type_, key)
    return []


def alternatives(type_: AnyType) -> tuple[Any, ...]:
    """Return the members of a union type, without annotations and None."""
    if hasattr(type_, "__metadata__"):  # Annotated
        return alternatives(typing.get_args(type_)[0])
    if typing.get_origin(type_) in {typing.Union, types.UnionType}:
        return tuple(one for part in typing.get_args(type_) for one in alternatives(part))
    return () if type_ is types.NoneType else (type_,)


def choices(type_: AnyType) -> tuple[str, ...]:
    """Return the allowed values of a type that lists them."""
    found: list[str] = []
    for one in alternatives(type_):
        if isinstance(one, type) and issubclass(one, enum.Enum):
            found += [str(member.value) for member in one]
        elif typing.get_origin(one) is typing.Literal:
            found += map(str, typing.get_args(one))
        else:
            return ()
    return tuple(found)


def structs_of(type_: AnyType) -> tuple[type[msgspec.Struct], ...]:
    """Return the struct types that a value of this type can be."""
    return tuple(one for one in alternatives(type_) if isinstance(one, type) and issubclass(one, msgspec.Struct))


def _within(value: object, type_: AnyType, key: str) -> Iterator[Wrong]:
    if isinstance(value, list):
        for one in alternatives(type_):
            if typing.get_origin(one) in {tuple, list}:
                for at, item in enumerate(value):
                    yield from misfits(item, typing.get_args(one)[0], _joined(key, str(at)))
    elif isinstance(value, dict):
        if structs := structs_of(type_):
            yield from _within_struct(value, structs, key)
        for one in alternatives(type_):
            if typing.get_origin(one) is dict:
                key_type, item_type = typing.get_args(one)
                for name, item in value.items():
                    yield from misfits(name, key_type, _joined(key, name))
                    yield from misfits(item, item_type, _joined(key, name))


def _within_struct(value: dict[str, object], structs: tuple[type[msgspec.Struct], ...], key: str) -> Iterator[Wrong]:
    tag_field = structs[0].__struct_config__.tag_field
    tags = {str(struct.__struct_config__.tag): struct for struct in structs}
    tag = "None" if tag_field is None else str(value.get(tag_field))
    if tag_field is not None and tag not in tags:
        said = f"{value[tag_field]!r} is none of " if tag_field in value else "is missing: one of "
        yield Wrong(_joined(key, tag_field), said + ", ".join(tags))
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(tags[tag])}
    for name, field in fields.items():
        if name in value:
            yield from misfits(value[name], field.type, _joined(key, name))
        elif field.required:
            yield Wrong(_joined(key, name), "is missing")
    for name in sorted(value.keys() - fields.keys() - {tag_field}):
        import difflib  # noqa: PLC0415 - only for a word that is wrong

        near = difflib.get_close_matches(name, fields, n=1)
        yield Wrong(_joined(key, name), f"unknown setting; is {near[0]} meant?" if near else "unknown setting")


def _at(error: msgspec.ValidationError, value: object, type_: AnyType, key: str) -> list[Wrong]:
    match error.__cause__:
        case Contradictions(wrong=wrong):
            return [Wrong(_joined(key, each.key), each.why) for each in wrong]
        case ValueError() as cause:
            return [Wrong(key, str(cause))]
        case _:
            pass
    if known := choices(type_):
        return [Wrong(key, f"{value!r} is none of {', '.join(known)}")]
    said = _AT.sub("", str(error))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return [Wrong(key, f"{said}, not {value!r}" if is_number else said)]


def _joined(key: str, name: str) -> str:
    return ".".join(part for part in (key, name) if part)
