"""The simulated sensor says who it is, measures in its own time, and does wrong what it is told to."""

from __future__ import annotations

import json

import pytest

from hardware_sim.pad.sensor import MEASURE_MS, Conversation, Fault, PadSensor, Stands

LOOK = b'{"ask":"look","crossing":"%s"}' % (b"ab" * 16)


def asked(sensor: PadSensor) -> Conversation:
    conversation = Conversation(sensor)
    conversation.greeting()
    conversation.ask(LOOK, 1000.0)
    return conversation


def test_it_measures_ten_times_a_second_once_it_is_asked() -> None:
    conversation = Conversation(PadSensor())
    assert json.loads(conversation.greeting())["name"] == "Simulated PAD"
    assert conversation.due(5000.0) == b""
    conversation.ask(LOOK, 6000.0)
    said = [json.loads(line) for at in range(6000, 7000, 10) if (line := conversation.due(float(at)))]
    assert [one["number"] for one in said] == list(range(1, 10))
    assert {(one["crossing"], one["result"]) for one in said} == {("ab" * 16, "live")}


@pytest.mark.parametrize("stands", list(Stands), ids=[one.value for one in Stands])
def test_its_verdict_has_the_score_of_its_side(stands: Stands) -> None:
    said = json.loads(asked(PadSensor(stands)).due(1000 + MEASURE_MS))
    assert (said["score"] is None) is (stands is Stands.NOBODY)


@pytest.mark.parametrize("fault", list(Fault), ids=[one.value for one in Fault])
def test_every_fault_shows_on_the_wire(fault: Fault) -> None:
    well = asked(PadSensor(Stands.PICTURE)).due(1000 + MEASURE_MS), Conversation(PadSensor()).greeting()
    sensor = PadSensor(Stands.PICTURE, fault)
    ill = asked(sensor).due(1000 + MEASURE_MS), Conversation(sensor).greeting()
    assert (ill == well) is (fault is Fault.NONE)


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"ask":"look"}'])
def test_what_is_no_question_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="what there is not"):
        Conversation(PadSensor()).ask(line, 0.0)
