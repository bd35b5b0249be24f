"""Captured traces: they replay against the driver and profile that made them, and nothing that was changed since does; what a profile may say."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import msgspec
import pytest
from fakes.barrier import AT_REST
from fakes.recorded_boards import NAMES, head_of, profile_of, text_of, trace_of

from drivers.barrier.framed.frames import CheckKind
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.profiles import BarrierProfile, LineProfile, line_barrier, load_profile
from drivers.barrier.settings import Contacts, Framed, Modbus
from drivers.barrier.tracing.coverage import MINIMUM, REVOKE, Coverage, coverage, objections, shown_in
from drivers.barrier.tracing.recorder import Recorder
from drivers.barrier.tracing.replay import Replayed, replay
from drivers.barrier.tracing.trace import EVENTS_MAX, Event, Kind, Outcome, Trace, read_trace, spelt
from drivers.profile_file import ProfileFile
from gate.programs.shared.devices.barriers import is_verified
from gate_contract.virtual_time import run_virtual
from gate_core.errors import RefusedError, SetupError
from gate_core.ports.memory_link import memory_pair
from gate_core.ports.values import BarrierStatus, LeafPosition

FOLDER = resources.files("drivers.profiles") / "barrier"
SHIPPED = sorted(entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml"))


def replayed(trace: Trace, profile: LineProfile | None = None) -> tuple[Replayed, Coverage]:
    described = profile or profile_of(trace.head.profile)
    played = run_virtual(replay(trace, described))
    return played, coverage(played, described)


def changed(name: str, **changes: object) -> LineProfile:
    profile = profile_of(name)
    return msgspec.structs.replace(profile, **changes)


def site_profile(folder: Path, name: str, *, traces: str, verified: str = "hardware") -> str:
    """A site's copy of a profile that says so of itself."""
    path, text = folder / "hall-3.toml", (FOLDER / f"{name}.toml").read_text()
    said = text.split("verified = ")[1].split("\n")[0]
    path.write_text(text.replace(f"verified = {said}", f'verified = "{verified}"\ntraces = {traces}', 1))
    path.chmod(0o644)
    return str(path)


# ── what was captured replays ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_trace_replays_and_says_what_it_shows(name: str) -> None:
    played, shown = replayed(trace_of(name))
    assert played.deviation == ""
    assert played.health["bytes_passed_over"] == shown.silences == 0
    assert shown.minimum == dict.fromkeys(MINIMUM, True)
    assert shown.states["somebody in the zone"]
    assert shown.states["emergency"]
    assert not any(shown.faults[fault] for fault in shown.faults if fault != "passage_without_grant")


def test_what_a_trace_does_not_show_is_listed() -> None:
    _, framed = replayed(trace_of("italdis"))
    assert framed.requests == dict.fromkeys(
        ("status", "open_left", "open_right", "close", "end_emergency", "clear_alarms"), True
    )
    assert [state for state, seen in framed.states.items() if not seen] == ["stopped"]
    _, modbus = replayed(trace_of("relay-8"))
    assert [key for key, seen in modbus.requests.items() if not seen] == ["watchdog.proof"]
    assert {"reads 1", "reads 4", "grant.coil", "watchdog.holding", "lamp.coil"} <= set(modbus.requests)


def test_a_request_that_was_not_made_is_not_seen() -> None:
    trace = trace_of("ds205a")
    first = next(at for at, event in enumerate(trace.events) if event.what == "release")
    _, shown = replayed(replace(trace, events=trace.events[:first]))
    assert not shown.requests["open_right"]
    assert not shown.requests["end_emergency"], "its bytes are those of close"
    assert shown.requests["close"]


# ── what was changed since does not ──────────────────────────────────────────────────────────────────────────────────


def with_positions(places: dict[int, LeafPosition]) -> LineProfile:
    profile = profile_of("ds205a")
    assert isinstance(profile, FramedProfile)
    position = msgspec.structs.replace(profile.status.position, values=places)
    return changed("ds205a", status=msgspec.structs.replace(profile.status, position=position))


def with_open_left(command: int) -> LineProfile:
    profile = profile_of("ds205a")
    assert isinstance(profile, FramedProfile)
    told = {**profile.commands.open_left, "command": command}
    return changed("ds205a", commands=msgspec.structs.replace(profile.commands, open_left=told))


@pytest.mark.parametrize(
    ("profile", "difference"),
    [
        (with_open_left(0x81), "the driver sends 7E 00 01 81 01 00 00 FE; captured was 7E 00 01 80 01 00 00 FF"),
        (
            with_positions({1: LeafPosition.CLOSED, 2: LeafPosition.OPENING, 3: LeafPosition.OPEN}),
            "the outcome is: unknown, bodies",
        ),
        (changed("ds205a", check=CheckKind.SUM), "the driver sends"),
    ],
    ids=["a command", "a value", "the check"],
)
def test_a_profile_that_was_changed_does_not_replay(profile: LineProfile, difference: str) -> None:
    trace = trace_of("ds205a")
    played, _ = replayed(trace, profile)
    where, _, said = played.deviation.partition(": ")
    assert where.startswith("ds205a.trace:")
    assert difference in said
    line = text_of("ds205a").splitlines()[int(where.split(":")[1]) - 1]
    assert line[line.index(" ") + 1] in "=>"


def first_of(trace: Trace, kind: Kind, *, after: int = 0) -> int:
    return next(at for at, event in enumerate(trace.events) if event.kind is kind and at > after)


def without(trace: Trace, at: int) -> Trace:
    return replace(trace, events=(*trace.events[:at], *trace.events[at + 1 :]))


def other(trace: Trace, at: int, *, what: str) -> Trace:
    return replace(trace, events=(*trace.events[:at], replace(trace.events[at], what=what), *trace.events[at + 1 :]))


@pytest.mark.parametrize(
    ("tamper", "difference"),
    [
        (lambda trace: without(trace, first_of(trace, Kind.TO_BOARD, after=50)), "which was not captured"),
        (lambda trace: without(trace, first_of(trace, Kind.FROM_BOARD, after=50)), "which was not captured"),
        (lambda trace: without(trace, first_of(trace, Kind.OUTCOME, after=50)), "a call before the outcome"),
        (lambda trace: without(trace, first_of(trace, Kind.CALL, after=50)), "the driver does not send"),
        (lambda trace: without(trace, 0), "the driver does not send"),
        (lambda trace: other(trace, 0, what="dance"), "'dance' is none of"),
        (lambda trace: other(trace, 0, what="grant entry 1"), "the driver does not send"),
        (lambda trace: other(trace, first_of(trace, Kind.FROM_BOARD, after=50), what="7F 00"), "which was not captured"),
        (lambda trace: other(trace, first_of(trace, Kind.OUTCOME, after=50), what="done"), "captured was: done"),
        (lambda trace: replace(trace, events=trace.events[:-1]), ""),
        (lambda trace: replace(trace, events=()), ""),
    ],
    ids=[
        "no request", "no answer", "no outcome", "no call", "no connect", "no such call", "no such time", "a bad answer", "another outcome",
        "ends early", "empty",
    ],
)  # fmt: skip
def test_a_trace_that_was_changed_does_not_replay_but_one_that_ends_early_does(
    tamper: Callable[[Trace], Trace], difference: str
) -> None:
    played, _ = replayed(tamper(trace_of("ds205a")))
    assert difference in played.deviation
    assert bool(difference) is bool(played.deviation)


def test_an_answer_that_the_profile_does_not_understand_counts_against_it() -> None:
    """It is silence to the driver, which may go on all the same: the trace must not pass for that."""
    trace = trace_of("lot")
    at = first_of(trace, Kind.FROM_BOARD, after=50)
    played, _ = replayed(trace)
    once = replace(played, health={**played.health, "silences": 1})
    (objection,) = coverage(once, profile_of("lot")).objections
    assert objection == "lot.trace: 1 answers are none that the profile understands"
    silent = replace(once, trace=without(trace, at))
    assert coverage(silent, profile_of("lot")).objections == (), "a request that nothing came after was not answered"


# ── what a profile may say ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_no_trace_of_a_simulated_board_makes_a_profile_tried_on_hardware(name: str) -> None:
    assert f"{name}.trace: is of a simulated board" in objections(profile_of(name), [replayed(trace_of(name))])


def test_a_profile_whose_traces_show_the_least_and_that_assumes_nothing_may_say_hardware() -> None:
    assert objections(profile_of("lot"), [replayed(trace_of("lot", simulated=False))]) == []
    found = objections(profile_of("ds205a"), [replayed(trace_of("ds205a", simulated=False))])
    assert len(found) == 1
    assert "still assumes" in found[0]


@pytest.mark.parametrize(
    ("ends_at", "missing"),
    [
        ("grant", ["a grant that opens", "a passage", "a grant that is revoked", "a release", "a power-up"]),
        ("revoke", ["a grant that is revoked", "a release", "a power-up"]),
        ("release", ["a release", "a power-up"]),
        ("clear-alarms", ["a power-up"]),
    ],
)
def test_what_is_missing_is_said(ends_at: str, missing: list[str]) -> None:
    trace = trace_of("lot", simulated=False)
    at = next(at for at, event in enumerate(trace.events) if event.kind is Kind.CALL and event.what.startswith(ends_at))
    (found,) = objections(profile_of("lot"), [replayed(replace(trace, events=trace.events[:at]))])
    assert found.startswith("no trace of 1 shows: ")
    assert [name for name in missing if name not in found] == []
    assert len(found.split(": ")[1].replace("counted, and", "").replace("power-up, or", "").split(", ")) == len(missing)


def test_a_passage_whose_leaf_was_not_seen_to_close_is_none() -> None:
    trace = trace_of("ds205a", simulated=False)
    passed = [
        at for at, event in enumerate(trace.events) if event.kind is Kind.OUTCOME and "counted 1 in" in event.what
    ]
    shut = next(at for at in passed if trace.events[at].what.startswith("closed"))
    assert passed[0] < shut
    for at, shown in ((shut, False), (shut + 1, True)):
        _, covered = replayed(replace(trace, events=trace.events[:at]))
        assert covered.minimum["a passage that is counted, and the leaf closed behind it"] is shown


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        (AT_REST, True),
        (replace(AT_REST, count_entry=1), False),
        (replace(AT_REST, grants_left_entry=1), False),
        (replace(AT_REST, position=LeafPosition.OPEN), False),
    ],
    ids=["nobody", "somebody passed", "the grant stands", "the leaf stays open"],
)
def test_a_revocation_is_shown_by_what_came_of_it(after: BarrierStatus, shown: bool) -> None:  # noqa: FBT001
    granted = replace(AT_REST, position=LeafPosition.OPENING, grants_left_entry=1)
    outcomes = [
        Outcome("status", AT_REST), Outcome("grant entry 5000"), Outcome("status", granted), Outcome("revoke"),
        Outcome("status", after),
    ]  # fmt: skip
    assert (REVOKE in shown_in(outcomes)) is shown
    refused = [*outcomes[:1], Outcome("grant entry 5000", error=RefusedError("no")), *outcomes[2:]]
    assert REVOKE not in shown_in(refused)


def test_a_place_of_the_leaf_that_the_profile_does_not_name_counts_against_it() -> None:
    played, _ = replayed(trace_of("ds205a"))
    lost = Outcome("status", replace(AT_REST, position=LeafPosition.UNKNOWN))
    (objection,) = coverage(replace(played, outcomes=(lost,)), profile_of("ds205a")).objections
    assert "values of status.position do not say" in objection


def test_two_traces_may_show_the_least_between_them() -> None:
    whole = trace_of("lot", simulated=False)
    at = next(at for at, event in enumerate(whole.events) if event.what == "release")
    half = replace(whole, events=whole.events[:at])
    assert objections(profile_of("lot"), [replayed(half)])
    assert objections(profile_of("lot"), [replayed(half), replayed(whole)]) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_profile_says_more_than_its_traces_show(name: str) -> None:
    protocol = load_profile(name).__struct_config__.tag
    settings = {"modbus-rtu": Modbus, "framed": Framed, "contacts": Contacts}[str(protocol)]
    says = load_profile(name).verified == "hardware"
    assert is_verified(settings(port="/dev/x", profile=name)) is says


def test_a_site_may_say_hardware_with_a_trace_beside_its_profile_that_shows_it(tmp_path: Path) -> None:
    profile = site_profile(tmp_path, "lot", traces='["hall-3.trace"]')
    settings, beside = Modbus(port="/dev/x", profile=profile), tmp_path / "hall-3.trace"
    with pytest.raises(SetupError, match=r"hall-3\.trace: cannot be read"):
        is_verified(settings)
    beside.write_text(text_of("lot"))
    beside.chmod(0o644)
    with pytest.raises(SetupError, match=r'says verified = "hardware", and its traces do not show it: .* simulated'):
        is_verified(settings)
    beside.write_text(text_of("lot").replace("simulated = true", "simulated = false"))
    assert is_verified(settings)
    beside.chmod(0o666)
    with pytest.raises(SetupError, match="written by others"):
        is_verified(settings)


@pytest.mark.parametrize(
    ("name", "traces", "why"),
    [
        ("lot", "[]", "hardware needs traces"),
        ("lot", '["../lot.trace"]', "traces"),
        ("perco-pulse", '["perco.trace"]', "they carry no bytes"),
    ],
)
def test_nobody_says_hardware_without_a_trace(tmp_path: Path, name: str, traces: str, why: str) -> None:
    with pytest.raises(SetupError, match=rf"hall-3.toml:\d+: .*{why}"):
        load_profile(site_profile(tmp_path, name, traces=traces))


def test_a_profile_that_was_tried_on_less_may_keep_its_traces(tmp_path: Path) -> None:
    profile = site_profile(tmp_path, "lot", traces='["hall-3.trace"]', verified="simulator")
    assert not is_verified(Modbus(port="/dev/x", profile=profile))


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_trace_is_text_with_one_event_a_line() -> None:
    text = text_of("ds205a").splitlines()
    assert text[0] == "# portcullis barrier trace 1"
    assert text[text.index("--") + 1 : text.index("--") + 4] == [
        "0.000 ! connect",
        "3.646 > 7E 00 01 10 00 00 00 70",
        next(line for line in text if " < 7F" in line),
    ]
    assert any(line.endswith("# the exit button") for line in text)


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("# portcullis barrier trace 1", "# portcullis barrier trace 2", r"1: is no barrier trace"),
        ("\n--\n", "\n", r"\d+: the head has no end"),
        ('firmware = "none"\n', "", r"1: firmware: is missing"),
        ("baud = 9600", "baud = 12", r"6: baud: .*1200"),
        ("baud = 9600", "baud = 9600\nspeed = 1", r"7: speed: unknown setting"),
        ("simulated = true", "simulated = 1", r"9: simulated: "),
        ('captured_at = "2026-11-27T02:00:00Z"', 'captured_at = "yesterday"', r"11: captured_at: "),
        ("unit = 1", "unit = ", r"7: "),
        ("0.000 ! connect", "0.0 ! connect", r"13: is no event"),
        ("0.000 ! connect", "0.000 ? connect", r"13: is no event"),
        ("0.000 ! connect", "9.000 ! connect", r"14: is earlier"),
        ("> 7E 00 01 10", "> 7e 00 01 10", r"14: bytes are two"),
        ("> 7E 00 01 10", "> 7E00 01 10", r"14: bytes are two"),
        ("> 7E 00 01 10", f"> {'7E ' * 513}00 01 10", r"14: more than 512 bytes"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(was: str, becomes: str, complaint: str) -> None:
    text = text_of("ds205a")
    assert was in text
    with pytest.raises(SetupError, match=rf"^x.trace:{complaint}"):
        read_trace(ProfileFile("x.trace", text.replace(was, becomes, 1)))


def test_a_trace_has_a_length() -> None:
    events = "0.000 # x\n" * (EVENTS_MAX + 1)
    with pytest.raises(SetupError, match="events; 100000 are the most"):
        read_trace(ProfileFile("x.trace", spelt(head_of("lot")) + events))


# ── the recorder ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bytes_that_come_together_are_one_line_and_a_lost_line_is_in_the_trace_and_replays() -> None:
    out = io.StringIO(spelt(head_of("lot")))
    out.seek(0, io.SEEK_END)

    async def run() -> None:
        near, far = memory_pair()

        async def open_link() -> object:
            return near

        recorder = Recorder(out)
        barrier = line_barrier(
            profile_of("lot"), open_link=recorder.tapped(open_link), baud=9600, unit=1, entry_is_left=True  # type: ignore[arg-type]
        )  # fmt: skip

        async def board() -> None:
            await far.read(256)
            for byte in bytes.fromhex("0103120000"):
                await far.write(bytes((byte,)))
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            await far.write(b"\x00")
            far.close()

        answering = asyncio.ensure_future(board())
        await recorder.call(barrier, "connect")
        recorder.remark("the # cable\nwas pulled")
        await recorder.call(barrier, "status")
        with pytest.raises(ValueError, match="none of"):
            await recorder.call(barrier, "open")
        await answering

    run_virtual(run())
    trace = read_trace(ProfileFile("lot.trace", out.getvalue()))
    said = [(event.kind, event.what or event.note) for event in trace.events]
    assert said == [
        (Kind.CALL, "connect"),
        (Kind.TO_BOARD, "01 03 00 40 00 09 84 18"),
        (Kind.FROM_BOARD, "01"),
        (Kind.FROM_BOARD, "03 12 00 00"),  # read when the rest of a reply that has begun may be there
        (Kind.FROM_BOARD, "00"),
        (Kind.LOST, "the other end is gone"),
        (Kind.OUTCOME, "LinkLostError: the other end is gone"),
        (Kind.REMARK, "the   cable was pulled"),
        (Kind.CALL, "status"),
        (Kind.OUTCOME, "LinkLostError: the barrier is not connected"),
    ]
    assert replayed(trace)[0].deviation == ""


def test_a_line_that_does_not_open_replays_as_one() -> None:
    events = (
        Event(0.0, Kind.CALL, "connect"),
        Event(1.0, Kind.LOST, "no such port"),
        Event(1.0, Kind.OUTCOME, "LinkLostError: no such port"),
    )
    played, _ = replayed(Trace("x.trace", head_of("lot"), events, 1))
    assert played.deviation == ""
    assert ProfileFile.open("lot", room="barrier").profile(BarrierProfile) == profile_of("lot")


def test_an_answer_that_came_in_pieces_is_told_of_when_it_is_whole() -> None:
    """A driver acts on a whole frame. With the time of the first piece, half of the recordings of a board of relays did not replay."""
    out = io.StringIO(spelt(head_of("lot")))
    out.seek(0, io.SEEK_END)

    async def run() -> None:
        recorder = Recorder(out)
        recorder.note(Kind.CALL, "status")
        for byte in range(4):
            recorder.heard(bytes((byte,)))
            await asyncio.sleep(0.0025)
        recorder.note(Kind.OUTCOME, "done")

    run_virtual(run())
    trace = read_trace(ProfileFile("lot.trace", out.getvalue()))
    (heard,) = (event for event in trace.events if event.kind is Kind.FROM_BOARD)
    assert (heard.what, heard.at_ms) == ("00 01 02 03", pytest.approx(7.5))
