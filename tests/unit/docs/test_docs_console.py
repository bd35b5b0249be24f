"""docs/protocols/console.md: its example is what is said, and its limits are those of the code."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec.structs import fields

from gate.programs.screens.console_api import (
    BODY_S,
    HEAD_BYTES_MAX,
    LIMITS,
    LOOK_S,
    ORDER_S,
    QUESTIONS_AT_ONCE,
    REQUEST_RATE,
)
from gate_core.console_link import (
    ANSWER_BYTES_MAX,
    BEAT_S,
    CONSOLES_MAX,
    EVENT_BYTES_MAX,
    ORDER_BYTES_MAX,
    SILENCE_S,
    LaneEvent,
    Waits,
    decode,
    encode,
)
from gate_core.rate_limit import HANDSHAKE_RATE
from gate_officers.console.gates import EVENT_RATE, HEAR_EVERY_S

PAGE = (Path(__file__).parents[3] / "docs/protocols/console.md").read_text()


def test_the_example_is_an_event_with_every_member_and_no_other() -> None:
    raw = PAGE.partition("```json\n")[2].partition("```")[0]
    said = json.loads(raw)
    assert set(said) == {field.name for field in fields(LaneEvent)}
    assert set(said["waiting"][0]) == {field.name for field in fields(Waits)}
    assert json.loads(encode(decode(raw.encode(), LaneEvent))) == said


def test_the_limits_are_those_of_the_code() -> None:
    rows = dict(row.strip("| ").split(" | ")[:2] for row in PAGE.splitlines() if row.count(" | ") == 2)
    assert rows["consoles of a gate"] == f"{CONSOLES_MAX} certificates"
    assert rows["handshakes in progress; one"] == f"{LIMITS.unsecured_max}; {LIMITS.handshake_s:g} s"
    shake = f"{HANDSHAKE_RATE.a_second:g} a second, {HANDSHAKE_RATE.burst} at once"
    assert rows["handshakes of an address (IPv6: a network of 64 bits)"] == shake
    assert rows["connections of a console"] == str(LIMITS.a_holder_max)
    silence = f"{LIMITS.first_s:g} s; {LIMITS.idle_s:g} s"
    assert rows["silence before a request's head is complete; between requests"] == silence
    assert HEAD_BYTES_MAX == ORDER_BYTES_MAX == 8 * 1024
    assert rows["a request's head; an order; its time"] == f"8 KiB; 8 KiB; {BODY_S:g} s"
    assert rows["requests of a console"] == f"{REQUEST_RATE.a_second:g} a second, {REQUEST_RATE.burst} at once"
    assert rows["requests of a console that the lane has not answered"] == str(QUESTIONS_AT_ONCE)
    assert rows["an answer of the lane to a poll; to an order"] == f"{LOOK_S:g} s; {ORDER_S:g} s"
    sizes = f"{EVENT_BYTES_MAX >> 10} KiB; {ANSWER_BYTES_MAX >> 20} MiB"
    assert rows["an event; an answer to an order, at a console"] == sizes
    assert rows["events of a gate, at a console"] == f"{EVENT_RATE.a_second:g} a second, {EVENT_RATE.burst} at once"
    assert rows["events of a gate that a console processes"] == f"one in {HEAR_EVERY_S:g} s"
    assert (BEAT_S, SILENCE_S) == (1.0, 2.0)
