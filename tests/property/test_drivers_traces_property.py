"""Traces are strangers' files: whatever was done to one, it is read and replayed, or refused in one line."""

from __future__ import annotations

from dataclasses import replace

from fakes.recorded_boards import head_of, profile_of, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.barrier.tracing.coverage import coverage
from drivers.barrier.tracing.replay import replay
from drivers.barrier.tracing.trace import Event, Kind, Trace, read_trace, spelt
from drivers.profile_file import ProfileFile
from gate_contract.virtual_time import run_virtual
from gate_core.errors import SetupError

_words = st.text(st.characters(codec="ascii", exclude_categories=["C"], exclude_characters="#"), max_size=40).map(
    str.strip
)
_bytes = st.binary(min_size=1, max_size=40).map(lambda raw: raw.hex(" ").upper())
_events = st.one_of(
    st.builds(Event, st.just(0.0), st.sampled_from([Kind.TO_BOARD, Kind.FROM_BOARD]), _bytes, _words),
    st.builds(Event, st.just(0.0), st.sampled_from([Kind.CALL, Kind.OUTCOME, Kind.LOST]), _words, _words),
    st.builds(Event, st.just(0.0), st.just(Kind.REMARK), st.just(""), _words),
)


@given(events=st.lists(st.tuples(_events, st.integers(0, 5000)), max_size=20))
def test_what_is_written_is_read_back(events: list[tuple[Event, int]]) -> None:
    at_us, timed = 0, []
    for event, wait_us in events:
        at_us += wait_us
        timed.append(replace(event, at_ms=at_us / 1000))
    head = head_of("lot")
    text = spelt(head) + "".join(event.spelt() + "\n" for event in timed)
    found = read_trace(ProfileFile("x.trace", text))
    assert found == Trace("x.trace", head, tuple(timed), spelt(head).count("\n") + 1)


def read_or_refused(text: str) -> Trace | str:
    try:
        return read_trace(ProfileFile("x.trace", text))
    except SetupError as error:
        return str(error)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["ds205a", "relay-8"]),
    cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from("0F><!=|# \n.é\x00")), max_size=4),
    swap=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_a_trace_that_was_damaged_is_refused_or_differs_or_replays(
    name: str, cuts: list[tuple[int, int, str]], swap: tuple[int, int]
) -> None:
    lines = text_of(name).splitlines()[:75]
    one, other = swap
    lines[one], lines[other] = lines[other], lines[one]
    for line, at, letter in cuts:
        lines[line] = lines[line][:at] + letter + lines[line][at + 1 :]
    trace = read_or_refused("\n".join(lines) + "\n")
    if isinstance(trace, str):
        assert trace.startswith("x.trace:")
        assert "\n" not in trace
        return
    profile = profile_of(name)
    try:
        played = run_virtual(replay(trace, profile))
    except SetupError:
        return  # a number on the line that the board cannot have
    coverage(played, profile)
    assert played.deviation == "" or played.deviation.startswith("x.trace:")
