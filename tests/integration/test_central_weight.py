"""What central is measured with weighs what a lane's travellers weigh, and docs/scaling.md reckons with that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog
from fakes.audited_days import ENTRIES_A_TRAVELLER, Day
from fakes.simulated_nation import SimulatedLog

from gate.passage.names import RecordKind
from gate.passage.records import Decided
from gate_core.audit_format.note import Signer
from gate_core.audit_format.sealer import PLAIN_BYTES
from gate_core.mirror_client.spool import SpoolLog

SCALING = (Path(__file__).parents[2] / "docs/scaling.md").read_text()


def weight_kb(tmp_path: Path, what: str) -> float:
    """Entries, bodies and age files of one crossing, as sync carries them."""
    (tmp_path / what).mkdir()
    log = SmallLog(tmp_path / what)
    day = Day()
    log.write(getattr(day, what)())
    return content_kb(SpoolLog(log.spool))


def content_kb(log: SpoolLog | SimulatedLog) -> float:
    head = log.head()
    assert head is not None
    size = head[0].size
    leaves, lines = log.leaves(0, size), log.sealed_lines(0, size, 1_000_000)
    files = [log.key(key) for key in {one.split(b'"key":"')[1][:64].decode() for one in leaves}]
    return (sum(map(len, leaves)) + len(lines) + sum(len(one) for one in files if one is not None)) / 1000


def test_the_benchs_travellers_weigh_what_a_lanes_do_and_the_doc_says_it(tmp_path: Path) -> None:
    admitted, overruled = weight_kb(tmp_path, "admitted"), weight_kb(tmp_path, "overruled")
    nation = SimulatedLog(Signer.generate("border.example/gate-0001/demo"))
    nation.travel()
    assert content_kb(nation) == pytest.approx(admitted, rel=0.02)
    told = re.search(r"an admission (\d+\.\d) KB, an overruled crossing (\d+\.\d) KB", SCALING)
    assert told is not None
    assert [float(one) for one in told.groups()] == pytest.approx([admitted, overruled], abs=0.5)


def test_a_decision_is_padded_to_the_length_that_the_product_asks_for() -> None:
    """The lengths come from the product: of an admission five records are of the first length, the decision is of the second."""
    records = Day().admitted()
    assert len(records) == ENTRIES_A_TRAVELLER
    assert Decided.bytes_min > PLAIN_BYTES[0]
    lengths = {one.happening.kind: len(one.plain) for one in records}
    assert lengths.pop(RecordKind.DECIDED.value) == PLAIN_BYTES[1]
    assert set(lengths.values()) == {PLAIN_BYTES[0]}
