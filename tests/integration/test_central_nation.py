"""Simulated gates with lag, loss and re-enrolment at a real central server on PostgreSQL: whatever happened on the way, every log is there whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from central_fakes.postgresql import IS_HERE, NOT_HERE, running
from fakes.audited_days import ENTRIES_A_TRAVELLER
from fakes.mirrored_gate import Central
from fakes.simulated_nation import SimulatedNation, Weather

from gate_central.archive import is_intact
from gate_central.database import open_database
from gate_central.evidence import Evidence
from gate_central.folder import load
from gate_central.ledger import Ledger
from gate_central.roster import Roster


@pytest.mark.skipif(not IS_HERE, reason=NOT_HERE)
async def test_every_log_arrives_whole_through_lag_loss_and_new_certificates(tmp_path: Path) -> None:
    with running() as database:
        central = Central(tmp_path / "central", database.new_database("nation"))
        central.init()
        assert central.database is not None
        engine = open_database(central.database)
        weather = Weather(random.Random(15), lag_s=0.02, loss=0.3)
        (tmp_path / "gates").mkdir()
        nation = SimulatedNation(central, engine, tmp_path / "gates", weather)
        nation.enrol(12)
        with central.running():
            await nation.day(4, anew=3, at_once=12)
        ledger, roster, mirrors = Ledger(engine), Roster(engine), load(central.folder).mirrors
        for gate in nation.gates:
            known = roster.find(gate.name)
            assert known is not None
            head = ledger.head(gate.name)
            assert (head.size, head.bodies, head.lacks_keys) == (
                4 * ENTRIES_A_TRAVELLER,
                4 * ENTRIES_A_TRAVELLER,
                False,
            )
            assert is_intact(ledger, known, mirrors)
            assert Evidence(engine).alarms(gate.name) == ()
        assert sum(gate.tries for gate in nation.gates) > 4 * len(nation.gates), "something was lost"
        engine.dispose()
