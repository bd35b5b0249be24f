"""docs/protocols/audit-log.md has a row for each kind of record, and says of it what its dataclass says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from gate.audit.writer import APPENDS_REMEMBERED
from gate.channel.log_messages import BODY_BYTES_MAX, RECORDS_MAX
from gate.passage.records import Decided, Record
from gate.programs.lane.record_outbox import OUTBOX_MAX
from gate.programs.lane.records import UNWRITTEN
from gate_core.audit_format.sealer import PLAIN_BYTES

PAGE = (Path(__file__).resolve().parents[3] / "docs/protocols/audit-log.md").read_text()
ROW = re.compile(r"^\| `([a-z_]+)` \|(.*)\|$", re.MULTILINE)
KINDS: tuple[type[Record], ...] = tuple(Record.__subclasses__())


def rows() -> dict[str, tuple[str, ...]]:
    section = PAGE.partition("## The kinds")[2].partition("\n## ")[0]
    found = [(match[1], tuple(cell.strip() for cell in match[2].split("|"))) for match in ROW.finditer(section)]
    assert len(found) == len(dict(found))
    return dict(found)


def test_every_kind_has_its_row_and_no_row_is_of_another() -> None:
    assert set(rows()) == {kind.kind.value for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind.value)
def test_a_row_says_what_the_record_says(kind: type[Record]) -> None:
    names = [one.name for one in dataclasses.fields(kind)]
    crossing = next((one for one in dataclasses.fields(kind) if one.name == "crossing"), None)
    always = crossing is not None and crossing.type == "str"
    about = "always a crossing's" if always else kind.about.value
    fields = " ".join(f"`{name}`" for name in names if name not in UNWRITTEN)
    leads, ends = ("yes" if flag else "" for flag in (kind.leads_to_admission, kind.ends_crossing))
    assert rows()[kind.kind.value] == (about, leads, ends, fields)


def test_the_page_names_what_is_urgent() -> None:
    names = PAGE.partition("only what is urgent is taken")[2].partition("Admissions go on")[0]
    assert set(re.findall("`([a-z_]+)`", names)) == {kind.kind.value for kind in KINDS if kind.urgent}


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert ", ".join(str(length) for length in PLAIN_BYTES[:2]) + f" or {PLAIN_BYTES[2]} bytes long" in PAGE
    assert f"asks for {Decided.bytes_min} bytes" in PAGE
    assert f"the log knows the ids of its latest {APPENDS_REMEMBERED:,} entries".lower() in PAGE.lower()
    assert f"up to {RECORDS_MAX} records in an append" in PAGE
    assert f"of the {OUTBOX_MAX:,} that it keeps" in PAGE
    assert Decided.bytes_min in PLAIN_BYTES
    assert PLAIN_BYTES[-1] == BODY_BYTES_MAX
