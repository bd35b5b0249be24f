"""Of whom officers are shown something: of a traveller who was referred, and of nobody else."""

from __future__ import annotations

from dataclasses import replace

from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    Run,
    granted_by_officer,
    said,
)

from gate.passage import states
from gate.passage.crossing_end import refer, revoke
from gate.passage.effects import Erase, Shown
from gate.passage.events import Part, PartLost
from gate.passage.states import Admission
from gate_core.evidence.reasons import Objection, Reason


def erased(run: Run) -> list[Shown]:
    return [effect.shown for effect in run.effects if isinstance(effect, Erase)]


def test_of_whom_a_gate_that_only_watches_would_admit_nothing_is_shown() -> None:
    def shown(*reasons: Reason) -> list[Shown]:
        _, effects = refer(states.Looking(CROSSING, 0), tuple(map(Objection, reasons)))
        return [effect.shown for effect in effects if isinstance(effect, Erase)]

    assert shown(Reason.SHADOW_MODE) == [Shown.NOTHING]
    assert shown(Reason.SHADOW_MODE, Reason.HELP_CALLED) == [Shown.PICTURES]
    assert shown(Reason.NOT_SERVED) == [Shown.PICTURES]
    assert shown(Reason.LIVENESS_NOT_RUN) == [Shown.PICTURES]
    assert shown(Reason.HELP_CALLED, Reason.CAMERA_TAMPERED) == [Shown.ALARM]


def test_what_was_sealed_at_the_referral_is_not_sealed_again_when_an_officers_admission_fails() -> None:
    run = granted_by_officer()
    assert erased(run) == [Shown.PICTURES]
    run.feed(PartLost(Part.LOG), replace(AT_REST, bodies=2, closed=False))
    assert isinstance(run.state, states.Referred)
    assert erased(run) == [Shown.PICTURES]
    admission = Admission(states.Referred(CROSSING, ()), said())
    _, effects = revoke(states.Granted(CROSSING, 0, officers=admission), (Objection(Reason.BODIES_SEVERAL),))
    assert not [effect for effect in effects if isinstance(effect, Erase)]
