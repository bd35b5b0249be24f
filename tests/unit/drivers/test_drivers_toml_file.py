"""Files of settings: every misfit at once, whatever a stranger wrote, and never anything but a line with its place."""

from __future__ import annotations

import contextlib
import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.barrier.profiles import BarrierProfile
from gate.programs.shared.config import Config, Lists, Paths, Rules
from gate_core.settings.toml_file import FileError, TomlFile, misfits

WORDS = sorted({name for table in (Config, Rules, Lists, Paths) for name in table.__struct_fields__})
KEYS = st.sampled_from([*WORDS, "driver", "port", "profile", "directions", "travellers", "eu", "calibration"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(string.printable, max_size=8)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5))
TABLES = st.dictionaries(KEYS, VALUES, max_size=6)


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    length: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    inner: tuple[Inner, ...]


def fits(table: dict[str, Any], type_: Any) -> bool:
    try:
        msgspec.convert(table, type_, str_keys=True)
    except msgspec.ValidationError:
        return False
    return True


@given(TABLES)
def test_whatever_is_written_there_it_fits_or_something_is_said(table: dict[str, Any]) -> None:
    for type_ in (Config, BarrierProfile):
        found = misfits(table, type_)
        assert bool(found) is not fits(table, type_)
        assert all(each.why for each in found)


@given(st.text(max_size=200))
def test_a_strangers_text_is_a_table_or_an_error(text: str) -> None:
    with contextlib.suppress(FileError):
        assert isinstance(TomlFile("gate.toml", text).table(), dict)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "a = " + "{b=" * 3000 + "1" + "}" * 3000])
def test_what_is_nested_too_deeply_is_one_line(text: str) -> None:
    with pytest.raises(FileError, match=r"^gate\.toml: is nested too deeply$"):
        TomlFile("gate.toml", text).table()


def test_all_that_is_wrong_is_said_each_at_its_line() -> None:
    file = TomlFile("f.toml", "nome = 1\n[[inner]]\nlength = 1\n[[inner]]\nlength = true\nwidth = 2\n")
    with pytest.raises(FileError) as raised:
        file.fitted(file.table(), Outer)
    assert [(one.line, one.key, one.problem) for one in raised.value.problems] == [
        (1, "name", "is missing"),
        (5, "inner.1.length", "Expected `int`, got `bool`"),
        (6, "inner.1.width", "unknown setting"),
        (1, "nome", "unknown setting; is name meant?"),
    ]
