"""What a lane tells officers' consoles has its words there: the console shares no code with the lane."""

from __future__ import annotations

from typing import get_args

from gate.passage import states
from gate.passage.names import Concern, Outcome
from gate.programs.lane import health_counters
from gate_officers.console.app import TEXTS


def test_every_state_outcome_and_flag_of_a_lane_has_its_words() -> None:
    wanted = {
        *(f"state-{state.__name__.lower()}" for state in get_args(states.State)),
        *(f"outcome-{outcome.value}" for outcome in Outcome),
        *(f"flag-{concern.value}" for concern in Concern),
    }
    assert wanted - set(TEXTS.text_ids("en")) == set()


def test_the_stages_that_lanes_tell_are_those_that_a_tile_says() -> None:
    """officers/tests/unit/console/test_console_view.py has them by their names."""
    assert health_counters.STAGES == ("chip_read", "face_compared", "decided", "passed")
