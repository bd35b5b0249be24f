"""`gate officer` on a terminal, and the officers' authority off the gate."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from core_fakes.shifts import AUTHORITY, GATE, certificate, key_of, shift
from fakes.officers_lane import Lane
from fakes.passage_examples import AT_REST, CROSSING, RULES
from fakes.passage_examples import said as said_by
from typer.testing import CliRunner, Result

from gate.channel import order_messages
from gate.channel.errors import ChannelClosedError
from gate.channel.message import Message
from gate.cli import officer
from gate.passage import two_officers
from gate.passage.events import Event, LampAnswered
from gate.passage.lane import FirstWord
from gate.passage.names import Outcome
from gate.programs.shared.lane_report import NOTICES
from gate.programs.shared.terminal import ATTEMPTS_MAX, Terminal, answers
from gate_core.command_line import key_files
from gate_core.command_line.output import Exit
from gate_core.command_line.tree import verbs
from gate_core.evidence.crossing import Alarm, Notice
from gate_core.evidence.names import Role
from gate_core.evidence.reasons import Reason
from gate_core.orders.keys import shift_text
from gate_core.orders.verbs import VERBS, Party, Verb
from gate_core.programs import clock


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(verbs("officer"), [str(argument) for argument in arguments])


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "authority.key"
    assert run("authority", "init", "--out", path).exit_code == Exit.OK
    return path


def shift_of(authority: Path, name: str = "shift.key", **changes: str) -> Path:
    out = authority.parent / name
    options = {"officer": "anna", "role": "officer", "gate": GATE, "hours": "8", **changes}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert run("authority", "certify", "--authority", authority, "--out", out, *words).exit_code == Exit.OK
    return out


# ── the authority ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_authority_is_made_once_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    path = tmp_path / "authority.key"
    made = document(run("authority", "init", "--out", path, "--json"))
    assert made["schema"] == "officer.authority-init/1"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b64decode(made["authority"]) == key_files.read_authority(path).public_key().public_bytes_raw()
    again = run("authority", "init", "--out", path)
    assert again.exit_code == Exit.IO_ERROR
    assert "exists" in again.stderr
    assert run("authority", "init", "--out", tmp_path / "no" / "where").exit_code == Exit.IO_ERROR


def test_a_shift_is_certified_for_a_person_a_role_gates_and_hours(authority: Path) -> None:
    shift = shift_of(authority, role="technician", party="integrator", hours="2")
    assert shift.stat().st_mode & 0o777 == 0o600
    _, says = key_files.read_shift(shift)
    assert (says.officer, says.role, says.party, says.gates) == ("anna", Role.TECHNICIAN, Party.INTEGRATOR, (GATE,))
    assert (says.sealing, says.trained) == (None, False)
    now_s = clock.now().timestamp()
    assert says.not_before < now_s < says.until <= now_s + 7200
    openssl = subprocess.run(["openssl", "pkey", "-in", str(shift), "-noout"], capture_output=True, check=False)
    assert openssl.returncode == 0


def test_a_shift_is_certified_for_no_role_that_the_party_has_not(authority: Path) -> None:
    out = authority.parent / "none.key"
    for role, party in (("officer", "airport"), ("supervisor", "integrator")):
        refused = run("authority", "certify", "--authority", authority, "--officer", "anna", "--out", out, "--every-gate",
                      "--role", role, "--party", party)  # fmt: skip
        assert (refused.exit_code, out.exists()) == (Exit.USAGE, False)
        assert "auditor" in refused.stderr


def test_a_shift_at_every_gate_is_said_so(authority: Path) -> None:
    out = authority.parent / "all.key"
    common = ("authority", "certify", "--authority", authority, "--officer", "bert", "--out", out)
    assert run(*common).exit_code == Exit.USAGE
    assert run(*common, "--gate", "a", "--every-gate").exit_code == Exit.USAGE
    told = document(run(*common, "--every-gate", "--trained", "--json"))
    assert (told["gates"], told["party"], told["trained"]) == (None, "police", True)
    _, says = key_files.read_shift(out)
    assert says.trained


@pytest.mark.parametrize("name", ["Anna Example", "", "a" * 65])
def test_an_officers_name_is_a_short_word(authority: Path, name: str) -> None:
    out = authority.parent / "x.key"
    done = run("authority", "certify", "--authority", authority, "--officer", name, "--gate", GATE, "--out", out)
    assert done.exit_code == Exit.USAGE
    assert "an officer's name is" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", Exit.BAD_DATA), (b"\xff" * 100, Exit.BAD_DATA), (None, Exit.IO_ERROR)],
)
def test_a_key_file_that_is_none_is_one_line(tmp_path: Path, content: bytes | None, code: Exit) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    done = run("authority", "certify", "--authority", path, "--officer", "a", "--gate", GATE, "--out", tmp_path / "o")
    assert done.exit_code == code
    assert done.stderr.count("\n") == 1


def test_a_key_that_others_may_read_is_not_used(authority: Path) -> None:
    shift = shift_of(authority)
    shift.chmod(0o640)
    with pytest.raises(key_files.KeyFileError, match="0640") as refused:
        key_files.read_shift(shift)
    assert refused.value.code is Exit.NOT_PERMITTED
    shift.chmod(0o600)
    key_files.read_shift(shift)


def test_a_fifo_a_link_and_another_kind_of_key_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    for name in ("fifo", "link"):
        with pytest.raises(key_files.KeyFileError):
            key_files.read_shift(tmp_path / name)
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed448", "-out", str(other)], check=True, capture_output=True)
    other.chmod(0o600)
    with pytest.raises(key_files.KeyFileError, match="another kind"):
        key_files.read_authority(other)


def test_a_shift_file_without_its_certificate_or_with_anothers_is_refused(authority: Path, tmp_path: Path) -> None:
    with pytest.raises(key_files.KeyFileError, match="no shift certificate"):
        key_files.read_shift(authority)
    whole = shift_text(key_of(7), certificate(7), AUTHORITY)
    key_files.write(tmp_path / "a", shift_text(key_of(7), certificate(8), AUTHORITY))
    with pytest.raises(key_files.KeyFileError, match="another key"):
        key_files.read_shift(tmp_path / "a")
    head, mark, _ = whole.partition(b"-----BEGIN PORTCULLIS")
    for name, block in (("b", b"eHh4eA=="), ("c", b"A"), ("d", b"x" * 4096)):
        text = b" SHIFT CERTIFICATE-----\n" + block + b"\n-----END PORTCULLIS SHIFT CERTIFICATE-----\n"
        key_files.write(tmp_path / name, head + mark + text)
        with pytest.raises(key_files.KeyFileError) as refused:
            key_files.read_shift(tmp_path / name)
        assert refused.value.code is Exit.BAD_DATA


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Gate:
    """A lane in a thread of its own, as a terminal's neighbour process has one; its configuration names our authority."""

    def __init__(self, folder: Path, authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.socket = folder / "orders.sock"
        self._public = key_files.read_authority(authority).public_key().public_bytes_raw()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.lane: Lane | None = None
        trusted = SimpleNamespace(authority=b64encode(self._public).decode())
        settings = SimpleNamespace(socket=lambda _: self.socket, gate_id=GATE, officers=trusted)
        monkeypatch.setattr(officer, "configured", lambda _: settings)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        lane = self.lane = Lane(wall_s=int(clock.now().timestamp()), authority=self._public)
        running = [asyncio.ensure_future(lane.engine.run()), asyncio.ensure_future(lane.poll())]
        async with lane.desk.serve(self.socket):
            await lane.refer()
            self._ready.set()
            await self._stop.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def post(self, event: Event) -> None:
        """Post an event to the lane, in its thread."""
        assert self._loop is not None
        assert self.lane is not None
        self._loop.call_soon_threadsafe(self.lane.engine.post, event)

    def close(self) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@pytest.fixture
def gate(tmp_path: Path, authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate(tmp_path, authority, monkeypatch)
    yield made
    made.close()


def test_an_officer_sees_what_waits_and_admits_it(gate: Gate, authority: Path) -> None:
    shift = shift_of(authority)
    waits = document(run("list", "--json", "--key", shift))
    assert waits["state"] == "referred"
    assert waits["officers"]
    (one,) = waits["referred"]
    assert "face_below_threshold" in one["objections"]
    assert one["findings"]["face_threshold"] == 0.411
    assert (one["sealed_for"], one["flags"], waits["present"]) == ([], [], [])
    assert re.search(r"waits for \d+ s: face_below_threshold", run("list", "--key", shift).stdout)
    done = run("admit", "--key", shift, "--reason", "visa checked", "--crossing", one["crossing"], "--json")
    assert done.exit_code == Exit.OK
    assert document(done) == {
        "schema": "officer.admit/1",
        "state": "granted",
        "referred": [],
        "done": True,
        "outcome": "done",
        "detail": "granted",
    }
    assert gate.lane is not None
    assert gate.lane.orders == ["grant 10000"]
    late = run("hand-over", "taken_over", "--key", shift, "--crossing", one["crossing"])
    assert late.exit_code == Exit.NO
    assert "already decided by anna" in late.stdout


def test_every_verb_is_a_command_and_says_what_came_of_it(gate: Gate, authority: Path) -> None:
    shift = shift_of(authority, role="supervisor")
    for words, code in (
        (("present",), Exit.OK),
        (("hand-over", "walked_back", "--reason", "changed his mind"), Exit.OK),
        (("admit", "--reason", "nobody waits any more"), Exit.NO),
        (("refer",), Exit.NO),
        (("flag", "child", "--reason", "alone"), Exit.OK),
        (("flag", "unwell", "--crossing", "another"), Exit.NO),
        (("flag", "rude"), Exit.USAGE),
        (("view",), Exit.USAGE),
        (("release", "--reason", "somebody is stuck"), Exit.OK),
        (("acknowledge",), Exit.NO),
        (("close",), Exit.OK),
        (("close",), Exit.NO),
        (("open",), Exit.OK),
        (("direction", "entry"), Exit.NO),
        (("direction", "exit"), Exit.NO),
        (("direction", "both"), Exit.USAGE),
        (("mode", "eu"), Exit.OK),
        (("mode", "all"), Exit.OK),
        (("mode", "normal"), Exit.NO),
        (("mode", "Everybody!"), Exit.USAGE),
        (("accept-head",), Exit.NO),
        (("open-emergency",), Exit.OK),
        (("end-emergency",), Exit.OK),
    ):
        done = run(*words, "--key", shift, "--gate", GATE)
        assert done.exit_code == code, (words, done.output)
        assert "Traceback" not in done.output
    assert gate.lane is not None


def test_who_is_present_and_what_was_flagged_is_listed(gate: Gate, authority: Path) -> None:
    shift = shift_of(authority, role="supervisor")
    assert run("present", "--key", shift).exit_code == Exit.OK
    assert run("flag", "trafficking", "--key", shift).exit_code == Exit.OK
    listed = document(run("list", "--json", "--key", shift))
    (present,), (flag,) = listed["present"], listed["flags"]
    assert present["officer"] == "anna"
    assert 0 <= present["seen_ms"] < 60_000
    assert (flag["concern"], flag["officer"], flag["crossing"]) == ("trafficking", "anna", None)
    (waits,) = listed["referred"]
    assert run("flag", "child", "--crossing", waits["crossing"], "--key", shift).exit_code == Exit.OK
    (waits,) = document(run("list", "--json", "--key", shift))["referred"]
    assert [flag["concern"] for flag in waits["flags"]] == ["child"]
    told = run("list", "--key", shift).stdout
    assert re.search(r"anna is present, seen \d+ s ago", told)
    assert re.search(rf"flag child over {waits['crossing']} by anna, \d+ s ago", told)
    assert re.search(r"flag trafficking by anna, \d+ s ago", told)
    assert gate.lane is not None


SIGHT = {
    "officer": (("--role", "officer"), {"state", "reasons", "pictures"}),
    "trained officer": (("--role", "officer", "--trained"), {"state", "reasons", "pictures", "flags"}),
    "supervisor": (("--role", "supervisor"), {"state", "reasons", "pictures", "flags"}),
    "technician": (("--role", "technician"), {"state"}),
    "auditor": (("--role", "auditor", "--trained"), {"state"}),
    "integrator": (("--role", "technician", "--party", "integrator"), {"state"}),
    "officer of another gate": (("--role", "supervisor", "--gate", "north-8"), set()),
    "shift that is over": ((), set()),
    "stranger": ((), set()),
    "nobody": ((), set()),
}


@pytest.mark.parametrize("who", SIGHT)
def test_the_list_and_an_answer_show_to_each_role_what_the_console_shows_it(
    gate: Gate, authority: Path, who: str
) -> None:
    words, sees = SIGHT[who]
    supervisor = shift_of(authority, "supervisor.key", officer="sara", role="supervisor")
    (waits,) = document(run("list", "--json", "--key", supervisor))["referred"]
    for flag in (("trafficking",), ("child", "--crossing", waits["crossing"])):
        assert run("flag", *flag, "--key", supervisor).exit_code == Exit.OK
    by, own = authority.parent / ("other.key" if who == "stranger" else authority.name), authority.parent / "own.key"
    if by != authority:
        assert run("authority", "init", "--out", by).exit_code == Exit.OK
    at = () if "--gate" in words else ("--gate", GATE)
    made = run("authority", "certify", "--authority", by, "--officer", "eva", "--out", own, *at, *words)
    assert made.exit_code == Exit.OK
    if who == "shift that is over":
        now_s = int(clock.now().timestamp())
        over = certificate(7, not_before=now_s - 7200, until=now_s - 1, role=Role.SUPERVISOR)
        own.write_bytes(shift_text(key_of(7), over, key_files.read_authority(authority)))
    key = () if who == "nobody" else ("--key", own)
    told = run("list", *key)
    listed = document(run("list", "--json", *key))
    answered = document(run("close", "--key", own, "--json")) if key else listed
    assert set(listed["sees"]) == sees
    assert listed["state"] == "referred"
    assert re.search(rf"{waits['crossing']}  waits for \d+ s", told.stdout)
    assert ("shown to officers" in told.stderr) is ("reasons" not in sees)
    assert [flag["concern"] for flag in listed["flags"]] == (["child", "trafficking"] if "flags" in sees else [])
    for (one,) in (listed["referred"], answered["referred"]):
        assert [flag["concern"] for flag in one["flags"]] == (["child"] if "flags" in sees else [])
        assert one["objections"] == (waits["objections"] if "reasons" in sees else [])
        assert one["findings"] == (waits["findings"] if "reasons" in sees else None)
    for shown, sight in (("face_below_threshold", "reasons"), ("child", "flags"), ("trafficking", "flags")):
        assert (shown in told.stdout) is (sight in sees)
    assert gate.lane is not None


def test_a_key_of_ones_own_that_cannot_be_used_hides_no_alarm_and_one_that_was_named_is_said(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = tmp_path / ".portcullis/shift.key"
    loose.parent.mkdir()
    loose.write_bytes(b"x")
    loose.chmod(0o644)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "waits for" in run("list").stdout
    assert run("list", "--key", loose).exit_code == Exit.NOT_PERMITTED
    assert gate.lane is not None


def test_a_supervisor_says_whom_the_lane_serves_and_list_shows_it(gate: Gate, authority: Path) -> None:
    supervisor = shift_of(authority, role="supervisor")
    while_somebody_waits = run("mode", "eu", "--key", supervisor)
    assert while_somebody_waits.exit_code == Exit.NO
    assert "somebody is in the lane, or waits for an officer" in while_somebody_waits.stdout
    assert "  serves entry, all" in run("list").stdout
    assert run("hand-over", "walked_back", "--key", supervisor).exit_code == Exit.OK
    assert run("mode", "eu", "--key", shift_of(authority, "officer.key")).exit_code == Exit.NOT_PERMITTED
    done = run("mode", "eu", "--key", supervisor, "--json")
    assert (done.exit_code, document(done)["schema"]) == (Exit.OK, "officer.mode/1")
    listed = document(run("list", "--json"))
    assert (listed["direction"], listed["travellers"]) == ("entry", "eu")
    assert "  serves entry, eu" in run("list").stdout
    assert gate.lane is not None


def test_what_is_not_permitted_ends_with_its_own_code(gate: Gate, authority: Path, tmp_path: Path) -> None:
    technician = shift_of(authority, role="technician")
    done = run("admit", "--key", technician, "--reason", "r")
    assert done.exit_code == Exit.NOT_PERMITTED
    assert "role" in done.stdout
    assert run("release", "--key", technician, "--gate", "north-8").exit_code == Exit.NOT_PERMITTED
    stranger = tmp_path / "stranger.key"
    key_files.write(stranger, shift_text(key_of(7), certificate(7), AUTHORITY))
    refused = run("release", "--key", stranger)
    assert refused.exit_code == Exit.NOT_PERMITTED
    assert "open by hand" in refused.stderr
    assert "freeing_refused: somebody's order to release" in run("list").stdout
    assert gate.lane is not None
    assert gate.lane.orders == []


def test_when_nobody_waits_it_says_so(gate: Gate, authority: Path) -> None:
    shift = shift_of(authority)
    assert run("hand-over", "taken_over", "--key", shift).exit_code == Exit.OK
    for words, detail in (
        (("admit", "--reason", "r"), "nobody waits for an officer"),
        (("hand-over", "taken_over"), "nobody waits for an officer"),
        (("refer",), "no crossing runs"),
    ):
        done = run(*words, "--key", shift, "--json")
        assert done.exit_code == Exit.NO
        told = document(done)
        assert (told["done"], told["outcome"], told["detail"]) == (False, "impossible", detail)
        assert told["referred"] == []
    assert gate.lane is not None
    assert gate.lane.orders == []


def test_nobody_stays_inside_for_the_length_of_a_reason(gate: Gate, authority: Path) -> None:
    shift = shift_of(authority)
    assert run("close", "--key", shift, "--reason", "x" * 201).exit_code == Exit.USAGE
    assert run("release", "--key", shift, "--reason", "stuck\n" + "x" * 300).exit_code == Exit.OK
    assert gate.lane is not None
    assert gate.lane.orders == ["release"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("close", "--gate", "No One"), "a gate's id is"),
        (("close", "--reason", "x" * 201), "200 characters"),
        (("refer", "--crossing", "no such thing"), "gate officer list"),
        (("mode", "Crew!"), "small letters"),
    ],
)
def test_what_no_order_could_hold_is_refused_in_words_for_people(
    authority: Path, words: tuple[str, ...], said: str
) -> None:
    done = run(*words, "--key", shift_of(authority))
    assert done.exit_code == Exit.USAGE
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_terminal_shows_no_pictures_and_says_so_in_one_line(authority: Path) -> None:
    done = run("view", "--key", shift_of(authority))
    assert (done.exit_code, done.stdout) == (Exit.USAGE, "")
    assert done.stderr.count("\n") == 1
    assert "the console" in done.stderr


def test_a_shift_key_certifies_nobody(authority: Path) -> None:
    out = authority.parent / "x.key"
    shift = shift_of(authority)
    done = run("authority", "certify", "--authority", shift, "--officer", "bert", "--gate", GATE, "--out", out)
    assert done.exit_code == Exit.BAD_DATA
    assert "no authority's" in done.stderr
    assert not out.exists()


def test_an_admission_without_a_reason_is_not_even_signed(gate: Gate, authority: Path) -> None:
    done = run("admit", "--key", shift_of(authority))
    assert done.exit_code == Exit.USAGE
    assert "needs a reason" in done.stderr
    assert gate.lane is not None
    assert gate.lane.orders == []


def test_without_a_lane_or_a_key_it_is_one_line(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = SimpleNamespace(socket=lambda _: tmp_path / "nowhere.sock")
    monkeypatch.setattr(officer, "configured", lambda _: nowhere)
    assert run("list").exit_code == Exit.UNREACHABLE
    assert run("present", "--key", shift_of(authority)).exit_code == Exit.UNREACHABLE
    assert run("present", "--key", tmp_path / "none.key").exit_code == Exit.IO_ERROR
    monkeypatch.undo()
    assert run("list", "--config", tmp_path / "none.toml").exit_code == Exit.IO_ERROR


async def test_whoever_stays_outlasts_a_lane_that_starts_anew_and_hears_a_no(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(outcome: Outcome) -> order_messages.OrderAnswer:
        return order_messages.OrderAnswer(outcome, "", "idle", [])

    story: list[order_messages.OrderAnswer | Exception] = [
        answer(Outcome.DONE),
        ChannelClosedError("away"),
        answer(Outcome.DONE),
        answer(Outcome.FORBIDDEN),
    ]

    async def order() -> order_messages.OrderAnswer:
        told = story.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    told = answers(order, 0.01, officer._away)
    nobodys = cast("Any", SimpleNamespace(officers=None))
    assert await officer._shown(told, Verb.PRESENT, nobodys, shift(), as_json=False) is Exit.NOT_PERMITTED
    assert story == []
    assert "the lane: away" in capsys.readouterr().err


def test_an_alarm_that_waits_for_an_officer_is_listed_until_it_is_acknowledged(gate: Gate, authority: Path) -> None:
    assert gate.lane is not None
    assert "alarm" not in run("list").stdout
    gate.lane.seen = replace(AT_REST, alarms=(Alarm.FORCED, Alarm.OBSTRUCTED))
    while not document(run("list", "--json"))["alarms"]:
        pass
    assert document(run("list", "--json"))["alarms"] == ["forced"]
    assert "alarm forced: see what it is, then acknowledge it" in run("list").stdout
    assert run("acknowledge", "--key", shift_of(authority)).exit_code == Exit.OK
    assert document(run("list", "--json"))["alarms"] == []


def test_what_an_officer_must_know_beside_alarms_is_listed_while_it_lasts(gate: Gate) -> None:
    assert set(NOTICES) == {notice.value for notice in Notice}
    gate.post(LampAnswered(shown=False))
    while not document(run("list", "--json"))["notices"]:
        pass
    assert document(run("list", "--json"))["notices"] == ["lamp_refused"]
    assert f"lamp_refused: {NOTICES['lamp_refused']}" in run("list").stdout
    gate.post(LampAnswered(shown=True))
    while document(run("list", "--json"))["notices"]:
        pass
    assert "lamp_refused" not in run("list").stdout


def test_a_gate_without_officers_says_so(gate: Gate) -> None:
    assert gate.lane is not None
    gate.lane.desk.authority = None
    assert "no officer: everybody is referred" in run("list").stdout


def test_every_verb_has_its_words() -> None:
    assert set(officer.HELP) == set(Verb)
    for verb in Verb:
        done = run(verb.value, "--help")
        assert done.exit_code == Exit.OK
        assert all(choice in officer.HELP[verb] for choice in VERBS[verb].arguments)


class _Stale:
    """A lane that has always moved on."""

    def __init__(self) -> None:
        self.asked = 0

    async def send(self, _message: Message) -> None:
        self.asked += 1

    async def receive(self) -> order_messages.FromOrders:
        if self.asked % 2:
            return order_messages.Look(GATE, True, "idle", None, [], None, 1, "0" * 32, 0)
        return order_messages.OrderAnswer(Outcome.STALE, "look again", "idle", [])


async def test_an_order_that_came_too_late_is_signed_anew_a_few_times(authority: Path) -> None:
    shift, _ = key_files.read_shift(shift_of(authority))
    lane = _Stale()
    answer = await Terminal(lane).order(shift, Verb.CLOSE)  # type: ignore[arg-type]
    assert answer.outcome is Outcome.STALE
    assert lane.asked == 2 * ATTEMPTS_MAX


def test_where_it_takes_two_officers_a_terminal_says_so_and_admits_nobody(gate: Gate, authority: Path) -> None:
    assert gate.lane is not None
    rules = replace(RULES, two_officers_for=frozenset({Reason.FACE_BELOW_THRESHOLD}))
    gate.lane.desk.rules = gate.lane.engine._rules = rules
    said = "two officers admit, each of whom was shown the pictures on a page"
    key = ("--key", shift_of(authority))
    assert said in run("list", *key).stdout
    assert document(run("list", "--json", *key))["referred"][0]["two_officers"] is True
    done = run("admit", *key, "--reason", "I know her")
    assert done.exit_code == Exit.NO
    assert f"impossible: {two_officers.NOT_SHOWN}" in done.stdout
    word = FirstWord(
        CROSSING, said_by("anna"), frozenset(), gate.lane.engine.context.waiting[0].objections, 2**50, None
    )
    gate.lane.engine._context = replace(gate.lane.engine.context, first_words=(word,))
    assert f"{said}; anna has, and another must" in run("list", *key).stdout
    assert document(run("list", "--json", *key))["referred"][0]["first"] == "anna"
