"""Entries in a file: numbers as digests under the agency's key, found where they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes.signed_lists import Agency
from hypothesis import given
from hypothesis import strategies as st

from gate.lists.entries import (
    DELTA_MAGIC,
    ENTRIES_MAGIC,
    FILE_BYTES_MAX,
    Entries,
    Named,
    changed,
    digest_of,
    written,
    written_delta,
)
from gate.lists.errors import BadListError

AGENCY = Agency()
ANNA = Named(reference="A-17", names=("ERIKSSON, ANNA MARIA",), born="1974-08-12")


def opened(folder: Path, content: bytes, numbers: int, names: int = 0) -> Entries:
    path = folder / "entries"
    path.write_bytes(content)
    return Entries.open(path, AGENCY.header(content, numbers, names))


@given(numbers=st.sets(st.from_regex(r"[0-9A-Z]{1,9}", fullmatch=True), max_size=40))
def test_every_number_that_was_written_is_found_and_no_other(
    numbers: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    entries = opened(tmp_path_factory.mktemp("lists"), written(AGENCY.digests(numbers)), len(numbers))
    assert all(entries.has(digest) for digest in AGENCY.digests(numbers))
    assert not any(entries.has(digest) for digest in AGENCY.digests(numbers, issuer="FRA"))
    assert entries.digests() == sorted(AGENCY.digests(numbers))
    entries.close()


def test_a_number_is_looked_up_as_the_mrz_spells_it() -> None:
    secret = b"k" * 32
    assert digest_of(secret, "D<<", "c01x0006h<<") == digest_of(secret, "D", "C01X0006H")
    assert digest_of(secret, "D", "C01X0006H") != digest_of(b"o" * 32, "D", "C01X0006H")
    assert digest_of(secret, "D", "C01X0006H") != digest_of(secret, "F", "C01X0006H")


@pytest.mark.parametrize(
    ("secret", "issuer", "number"),
    [
        (b"k" * 31, "UTO", "L898902C3"),
        (b"k" * 32, "UTOPIA", "L898902C3"),
        (b"k" * 32, "UTO", ""),
        (b"k" * 32, "UTO", "<<<<<<<<<"),
        (b"k" * 32, "UTO", "L898\n902"),
        (b"k" * 32, "", "L898902C3"),
    ],
)
def test_what_no_document_has_has_no_digest(secret: bytes, issuer: str, number: str) -> None:
    with pytest.raises(ValueError, match="no document"):
        digest_of(secret, issuer, number)


@pytest.mark.parametrize(
    ("taken", "refused"),
    [
        ({"names": ("A",)}, {"names": ("",)}),
        ({"names": ("A" * 120,)}, {"names": ("A" * 121,)}),
        ({"names": ("BO",) * 16}, {"names": ("BO",) * 17}),
        ({"names": ("BO",)}, {"names": ()}),
        ({"reference": "r"}, {"reference": ""}),
        ({"reference": "r" * 64}, {"reference": "r" * 65}),
        ({"born": "1974"}, {"born": "1974-08"}),
    ],
)
def test_a_person_is_read_to_the_limits_and_not_beyond(
    taken: dict[str, Any], refused: dict[str, Any], tmp_path: Path
) -> None:
    person = msgspec.structs.replace(ANNA, **taken)
    assert opened(tmp_path, written([], [person]), 0, 1).people == (person,)
    with pytest.raises(BadListError, match="cannot be read"):
        opened(tmp_path, written([], [msgspec.structs.replace(ANNA, **refused)]), 0, 1)


def test_a_number_has_up_to_22_characters() -> None:
    assert digest_of(b"k" * 32, "UTO", "9" * 22)
    with pytest.raises(ValueError, match="no document"):
        digest_of(b"k" * 32, "UTO", "9" * 23)


def test_names_are_read_and_show_nothing_of_themselves(tmp_path: Path) -> None:
    entries = opened(tmp_path, written([], [ANNA]), 0, 1)
    assert entries.people == (ANNA,)
    assert "ERIKSSON" not in repr(entries.people)


TWO = sorted(AGENCY.digests(["A1", "B2"]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (written(TWO)[:-1], "cut off"),
        (written(TWO) + b"x", "more behind"),
        (ENTRIES_MAGIC, "cut off"),
        (ENTRIES_MAGIC + b"\xff" * 8, "cut off, or too many"),
        (DELTA_MAGIC + b"\0" * 16, "written in another way"),
        (ENTRIES_MAGIC + b"\0\0\0\x02\0\0\0\0" + TWO[1] + TWO[0], "not in order"),
        (ENTRIES_MAGIC + b"\0\0\0\x02\0\0\0\0" + TWO[0] * 2, "not in order"),
        (ENTRIES_MAGIC + b"\0\0\0\0\0\0\0\x02{}", "cannot be read"),
        (written([], [ANNA]).replace(b"1974-08-12", b"1974-08-1x"), "cannot be read"),
        (written([], [ANNA]).replace(b"ANNA", b"ANN\xff"), "cannot be read"),
        (written([], [ANNA]), "not as many entries"),
    ],
)
def test_entries_that_are_none_are_one_clear_error(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadListError, match=said):
        opened(tmp_path, content, 2)


def test_other_entries_than_the_header_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "entries"
    path.write_bytes(written(TWO))
    with pytest.raises(BadListError, match="not those that its header names"):
        Entries.open(path, AGENCY.header(written([]), 2))


def test_an_empty_file_and_one_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadListError, match="none, or too many"):
        opened(tmp_path, b"", 0)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    with pytest.raises(BadListError, match="none, or too many"):
        Entries.open(large, AGENCY.header(b"", 0))


def test_a_delta_adds_and_takes_away(tmp_path: Path) -> None:
    held = opened(tmp_path, written(TWO, [ANNA]), 2, 1)
    bo = Named(reference="B-1", names=("BERG, BO",))
    change = written_delta(AGENCY.digests(["C3"]), AGENCY.digests(["A1"]), [bo], [ANNA])
    path = tmp_path / "delta"
    path.write_bytes(change)
    sha256 = hashlib.sha256(change).hexdigest()
    assert changed(held, path, sha256) == written(AGENCY.digests(["B2", "C3"]), [bo])
    with pytest.raises(BadListError, match="not the one that its header names"):
        changed(held, path, "0" * 64)


@pytest.mark.parametrize(
    "change", [written_delta(AGENCY.digests(["A1"]), []), written_delta([], AGENCY.digests(["Z9"]))]
)
def test_a_delta_of_something_else_is_refused(change: bytes, tmp_path: Path) -> None:
    held = opened(tmp_path, written(TWO), 2)
    path = tmp_path / "delta"
    path.write_bytes(change)
    with pytest.raises(BadListError, match="adds what is there, or takes away what is not"):
        changed(held, path, hashlib.sha256(change).hexdigest())


def test_more_names_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.lists.entries.NAMES_MAX", 0)
    with pytest.raises(BadListError, match="more than 0 names"):
        opened(tmp_path, written([], [ANNA]), 0, 1)
