"""What clocks say of a log: a cosignature of a time at which nobody can have given it, and a wall clock that was set without a record."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog, wanted
from typer.testing import CliRunner

from gate.audit.writer import Wanted
from gate.programs.log.context import Steps
from gate_core.audit_format.export import Outlet
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.record import canonical_json, time_text
from gate_core.audit_format.unsealer import Unsealer
from gate_verify.audit_record import AuditRecord
from gate_verify.clock import Clock
from gate_verify.commands.audit import app
from gate_verify.findings import Report
from gate_verify.records import with_story
from gate_verify.verify import Known, verify

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
NONE, SECOND, HOUR, DAY = timedelta(), timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
BOOTS = ("11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555")
UP = timedelta(seconds=100)  # since the machine's start, at noon
CENTRAL = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)


def at(after: timedelta, *, clock: timedelta = timedelta(), kind: str = "presence", boot: int = 0) -> Wanted:
    """A record so long after noon by the steady clock, and by a wall clock that is `clock` off."""
    one = replace(
        wanted(kind).happening,
        time=time_text(NOON + after + clock),
        monotonic_ms=round((UP + after) / timedelta(milliseconds=1)),
        boot=BOOTS[boot],
    )
    return Wanted.of(one, canonical_json({}))


def stepped(after: timedelta, was: timedelta, now: timedelta, *, boot: int = 0, running: bool = True) -> Wanted:
    """The log program's own record that the clock was set: what it would have shown, and what it shows."""
    body = {
        "before": time_text(NOON + (timedelta() if not running else after) + was),
        "after": time_text(NOON + after + now),
        "step_ms": round((now - was) / timedelta(milliseconds=1)),
        "running": running,
    }
    one = replace(at(after, clock=now, boot=boot).happening, kind="clock_stepped", about="administration")
    return Wanted.of(one, canonical_json(body))


def judged(log: SmallLog, *notes: Path, hour_max: str = "2026-12-01T00:00:00Z") -> Report:
    known = Known(cosigners=CENTRAL.verifier.vkey if notes else "", hour_max=hour_max)
    return with_story(verify(log.spool, log.vkey, *notes, known=known), [log.spool], Unsealer(log.auditors[:1]))


# ── cosignatures ─────────────────────────────────────────────────────────────────────────────────────────────────────


def receipt(log: SmallLog, moment: datetime, name: str = "receipt.note") -> Path:
    note = Outlet(log.spool).note()
    path = log.folder / name
    cosigned = CENTRAL.cosign(note.text, int(moment.timestamp()))
    path.write_bytes(Note(note.text, (*note.signatures, cosigned)).to_bytes())
    return path


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        (datetime(2001, 1, 1, tzinfo=UTC), "nothing of this format was written so early"),
        (datetime(2090, 1, 1, tzinfo=UTC), "that time has not come yet"),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "that time has not come yet"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "that time has not come yet"),
        (NOON - 270 * DAY, "the newest of them is of about 2026-11-25 12h UTC"),
        (NOON - HOUR - timedelta(seconds=1), "the newest of them is of about 2026-11-25 12h UTC"),
    ],
)
def test_a_cosignature_of_a_time_at_which_nobody_can_have_given_it_is_a_problem(
    tmp_path: Path, moment: datetime, why: str
) -> None:
    log = SmallLog(tmp_path)
    log.write([at(HOUR / 2), at(HOUR / 2)])
    report = judged(log, receipt(log, moment))
    (problem,) = report.problems
    assert problem.startswith(f"{CENTRAL.verifier.name} cosigned 2 entries at {moment:%Y-%m-%d}"), problem
    assert why in problem
    assert (report.verified, report.intact) == (False, True), "the bytes are the signed ones; what they tell cannot be"
    assert not any("when all of it was cosigned" in one for one in report.unknown), "such a time tells nothing"


@pytest.mark.parametrize("moment", [NOON - HOUR, NOON, NOON + 3 * DAY, datetime(2026, 12, 1, tzinfo=UTC)])
def test_a_cosignature_of_a_time_at_which_it_can_have_been_given_is_none(tmp_path: Path, moment: datetime) -> None:
    log = SmallLog(tmp_path)
    log.write([at(HOUR / 2)])
    assert judged(log, receipt(log, moment)).problems == ()


def test_a_cosignature_is_held_against_what_it_covers_and_not_against_what_came_later(tmp_path: Path) -> None:
    log = SmallLog(tmp_path)
    log.write([at(HOUR / 2)])
    early = receipt(log, NOON + HOUR)
    log.write([at(3 * DAY)])
    assert judged(log, early, receipt(log, NOON + 3 * DAY, "late.note")).problems == ()
    assert len(judged(log, early, receipt(log, NOON + 2 * DAY, "late.note")).problems) == 1


def test_where_the_hours_went_back_later_it_is_the_gates_clock_that_may_have_been_wrong(tmp_path: Path) -> None:
    """An honest gate whose clock ran ahead for a while, and a mirror whose clock was right."""
    log = SmallLog(tmp_path)
    log.write([at(HOUR, clock=2 * DAY)])
    early = receipt(log, NOON + HOUR)
    assert len(judged(log, early).problems) == 1, "as far as this tells, one of the two clocks is wrong still"
    log.write([stepped(2 * HOUR, 2 * DAY, timedelta()), at(2 * HOUR)])
    report = judged(log, early)
    assert report.problems == ()
    assert any("or that clock was ahead" in one for one in report.unknown), report.unknown


def ahead_for_two_hours(log: SmallLog) -> Path:
    """A gate whose clock is three hours ahead from noon on, and what its mirror signs, whose clock is right."""
    log.write([at(timedelta(), clock=3 * HOUR)])
    early = receipt(log, NOON + timedelta(minutes=5))
    log.write([at(HOUR, clock=3 * HOUR)], [at(2 * HOUR, clock=3 * HOUR)])
    return early


def test_a_clock_that_was_ahead_is_excused_by_having_been_set_back_as_far_though_it_is_later_now(
    tmp_path: Path,
) -> None:
    log = SmallLog(tmp_path)
    early = ahead_for_two_hours(log)
    log.write([stepped(2 * HOUR + timedelta(minutes=10), 3 * HOUR, timedelta())], [at(3 * HOUR)])
    report = judged(log, early)
    assert report.problems == ()
    assert any("it was set back as far later on" in one for one in report.unknown), report.unknown


def test_hours_that_go_back_only_from_one_copy_to_the_next_excuse_nothing(tmp_path: Path) -> None:
    log, copy = SmallLog(tmp_path), tmp_path / "copy.bundle"
    early = ahead_for_two_hours(log)
    log.write([at(3 * HOUR, clock=3 * HOUR)], [at(4 * HOUR, clock=3 * HOUR)])
    copy.write_bytes(log.bundle())
    assert len(judged(log, copy, early).problems) == 1


def test_entries_that_are_not_here_say_no_hour(tmp_path: Path) -> None:
    log = SmallLog(tmp_path)
    log.write([at(HOUR)])
    early = receipt(log, NOON - 3 * DAY)
    log.write([at(2 * HOUR)])
    part = tmp_path / "part.bundle"
    part.write_bytes(log.bundle(since=1))
    known = Known(cosigners=CENTRAL.verifier.vkey, hour_max="2026-12-01T00:00:00Z")
    assert verify(part, log.vkey, early, known=known).problems == ()
    early = receipt(log, datetime(2001, 1, 1, tzinfo=UTC))
    assert len(verify(part, log.vkey, early, known=known).problems) == 1


def test_whoever_took_a_mirrors_earlier_key_cannot_cosign_what_came_after_it(tmp_path: Path) -> None:
    """The earlier key counts until it handed over, by its own word: so its thief writes an earlier time, at which these entries were not."""
    from gate_core.audit_format.statements import hand_over

    log, newest = SmallLog(tmp_path), Signer.generate(CENTRAL.verifier.name, Algorithm.COSIGNATURE_V1)
    (tmp_path / "word.note").write_bytes(hand_over(CENTRAL, newest, at_s=int(NOON.timestamp())))
    log.write([at(3 * DAY)])
    stolen = receipt(log, NOON - HOUR)
    known = Known(cosigners=newest.verifier.vkey, hour_max="2026-12-01T00:00:00Z")
    (problem,) = verify(log.spool, log.vkey, tmp_path / "word.note", stolen, known=known).problems
    assert "the newest of them is of about 2026-11-28 12h UTC" in problem


# ── the wall clock ───────────────────────────────────────────────────────────────────────────────────────────────────

BACK = -270 * DAY
MINUTES = [timedelta(minutes=one) for one in range(60)]


def clocks(report: Report) -> tuple[list[str], list[str]]:
    """What is wrong with the wall clock, and what may be."""
    found = [[one for one in some if "clock" in one] for some in (report.problems, report.unknown)]
    return found[0], found[1]


def test_a_clock_that_was_set_back_without_a_record_is_a_contradiction(tmp_path: Path) -> None:
    log = SmallLog(tmp_path)
    log.write([*map(at, MINUTES[:9]), *(at(one, clock=BACK) for one in MINUTES[9:])])
    report = judged(log)
    assert clocks(report)[0] == [
        "entry 9 is of 2026-02-28T12:09:00.000Z, after records of 2026-11-25T12:08:00.000Z: the clock was set back, and no record says so",
    ]
    assert (report.verified, report.intact) == (False, True)


@pytest.mark.parametrize(
    "records",
    [
        [at(HOUR), stepped(HOUR, timedelta(), BACK), at(HOUR, clock=BACK)],
        [at(HOUR), at(HOUR, clock=BACK), stepped(HOUR, timedelta(), BACK), at(HOUR, clock=BACK)],
        [at(HOUR), stepped(2 * HOUR, HOUR, BACK, running=False, boot=1), at(2 * HOUR, clock=BACK, boot=1)],
        [at(HOUR), stepped(2 * HOUR, HOUR, BACK, running=False), at(2 * HOUR, clock=BACK)],
        [at(HOUR), stepped(HOUR, timedelta(), 400 * DAY), stepped(HOUR, 400 * DAY, -DAY), at(2 * HOUR, clock=-DAY)],
        [at(HOUR + timedelta(seconds=5)), at(HOUR - timedelta(seconds=5))],
        [at(HOUR + timedelta(minutes=30)), at(HOUR + timedelta(minutes=1), boot=1), at(HOUR, boot=1)],
        [at(HOUR), at(timedelta(), clock=3 * HOUR), at(3 * HOUR)],
        [at(NONE), at(HOUR / 2 + 9 * SECOND, clock=BACK), at(HOUR / 2 + 8 * SECOND), stepped(HOUR, NONE, BACK)],
        [at(HOUR), stepped(HOUR + 9 * SECOND, NONE, BACK), at(HOUR + 8 * SECOND), at(HOUR + 10 * SECOND, clock=BACK)],
    ],
    ids=["before", "after", "start", "restart", "twice", "passing", "slow", "waited", "passed", "passed by the step"],
)
def test_a_clock_whose_setting_is_recorded_and_records_that_waited_contradict_nothing(
    tmp_path: Path, records: list[Wanted]
) -> None:
    log = SmallLog(tmp_path)
    log.write(records)
    assert clocks(judged(log)) == ([], [])


HIDDEN = {
    "a small step for a large one": [at(HOUR), stepped(HOUR, BACK + timedelta(seconds=1), BACK), at(HOUR, clock=BACK)],
    "a step of another boot": [at(HOUR), at(HOUR, clock=BACK), stepped(2 * HOUR, timedelta(), BACK, boot=1)],
    "another boot": [at(HOUR), at(HOUR, clock=BACK, boot=1)],
    "for one record alone": [at(HOUR), at(HOUR, clock=BACK), at(HOUR)],
    "forward for one record alone": [at(HOUR), at(HOUR, clock=-BACK), at(HOUR)],
    "a small step later on": [at(HOUR), at(HOUR, clock=BACK), stepped(2 * HOUR, timedelta(), -timedelta(seconds=1))],
    "a step later on, when the clock was right again": [
        at(HOUR),
        at(HOUR, clock=BACK),
        at(2 * HOUR),
        stepped(3 * HOUR, NONE, -3 * HOUR),
        at(3 * HOUR, clock=-3 * HOUR),
    ],
    "a step forward": [at(HOUR), stepped(HOUR, BACK - DAY, BACK), at(HOUR, clock=BACK)],
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_somebody_who_sets_the_clock_may_try_explains_nothing(tmp_path: Path, name: str) -> None:
    log = SmallLog(tmp_path)
    log.write(HIDDEN[name])
    assert len(clocks(judged(log, hour_max="2028-01-01T00:00:00Z"))[0]) == 1


def test_a_clock_that_was_set_forward_is_told_as_not_known(tmp_path: Path) -> None:
    """The log program may not have run meanwhile, and then it leaves no record."""
    log, ahead = SmallLog(tmp_path), 3 * HOUR
    log.write([*map(at, MINUTES[:40]), *(at(one, clock=ahead) for one in MINUTES[40:])])
    problems, unsure = clocks(judged(log))
    assert problems == []
    assert [one.partition(":")[0] for one in unsure] == ["whether the clock was set forward by 10800 s at entry 40"]
    log.write([stepped(HOUR, ahead, timedelta()), *(at(HOUR + one) for one in MINUTES)])
    assert clocks(judged(log)) == ([], unsure), "and back, as it is recorded"
    log.write([stepped(2 * HOUR, timedelta(), ahead), *(at(2 * HOUR + one, clock=ahead) for one in MINUTES)])
    assert clocks(judged(log)) == ([], unsure), "and forward, as it is recorded"


def test_records_that_waited_together_are_no_clock_that_was_set(tmp_path: Path) -> None:
    """A full disk for an hour: what happened meanwhile is written at its end."""
    log = SmallLog(tmp_path)
    log.write(
        [at(timedelta()), *(at(one, clock=HOUR - one) for one in MINUTES[:40]), *(at(HOUR + one) for one in MINUTES)]
    )
    assert clocks(judged(log)) == ([], [])


def test_a_record_that_does_not_open_or_is_older_than_steps_may_be_the_one_that_says_so() -> None:
    records = [at(HOUR), stepped(HOUR, timedelta(), BACK), at(HOUR, clock=BACK)]
    told = [
        AuditRecord(index, one.happening.hour, one.happening.about, "k", one.happening.kind, None, one.happening.time,
             one.happening.monotonic_ms, one.happening.boot, f"{index}", {}, recipients="a")
        for index, one in enumerate(records)
    ]  # fmt: skip
    closed = AuditRecord(1, told[1].hour, "administration", "k", recipients="a")
    older = [replace(one, recipients="") for one in told]
    for some, found in (
        ((told[0], told[2]), [True]),
        ((told[0], closed, told[2]), [False]),
        ((told[0], told[2], replace(closed, index=3)), [False]),
        ((closed, replace(told[0], index=2), replace(told[2], index=3)), [True]),
        ((told[0], replace(closed, about="device"), told[2]), [True]),
        ((older[0], older[2]), [False]),
        ((older[0], told[2]), [True]),
    ):
        clock = Clock()
        for one in some:
            clock.take(one)
        assert [is_sure for _, is_sure in clock.jumps()] == found, some


def test_central_has_no_steady_clock_and_its_own_log_is_not_held_against_one() -> None:
    clock = Clock()
    for day in range(40):
        moment = time_text(NOON + day * DAY)
        clock.take(AuditRecord(day, "", "administration", "k", "gate_enrolled", None, moment, 0, BOOTS[0], "", {}))
    assert list(clock.jumps()) == []


@pytest.mark.parametrize("nonsense", ["", "zzzz", "2026-13-99T99:99:99.000Z", "9999-99-99T99:00:00.000Z"])
def test_times_that_are_none_end_nothing_and_excuse_nothing(nonsense: str) -> None:
    body = {"before": nonsense, "after": nonsense, "running": True}
    clock = Clock()
    for index, (kind, moment) in enumerate(
        [("presence", NOON), ("clock_stepped", NOON + BACK), ("presence", NOON + BACK), ("presence", None)]
    ):
        time = nonsense if moment is None else time_text(moment)
        about = "administration" if kind == "clock_stepped" else "device"
        clock.take(AuditRecord(index, "", about, "k", kind, None, time, 5, BOOTS[0], "", body, recipients="a"))
    assert any(is_sure for _, is_sure in clock.jumps())


# ── honest gates ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Honest:
    """A gate whose clock is set by whoever sets it, and whose log program does what it does: it looks each second and records each step."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.told: list[AuditRecord] = []
        self.now, self.started, self.ahead, self.boots = timedelta(), timedelta(), timedelta(), 0
        self.written = ""
        self.waiting: list[timedelta] = []
        self.was_set_forward_unseen = False
        self.steps = Steps()

    def wall(self) -> datetime:
        return NOON + self.now + self.ahead

    def mono(self, at: timedelta) -> int:
        return round((UP + at - self.started) / timedelta(milliseconds=1))

    def record(
        self, kind: str = "presence", body: dict[str, object] | None = None, at: timedelta | None = None
    ) -> None:
        time = time_text(self.wall())
        about = "administration" if body else "device"
        mono = self.mono(self.now if at is None else at)
        boot = f"{self.boots}"
        self.told.append(
            AuditRecord(
                len(self.told), time[:13], about, "k", kind, None, time, mono, boot, "", body or {}, recipients="a"
            )
        )
        self.written = max(self.written, f"{time[:13]}:00:00.000Z")

    def look(self) -> None:
        latest = datetime.fromisoformat(self.written) if self.written else None
        if (step := self.steps.look(self.wall(), self.mono(self.now), latest)) is not None:
            self.record("clock_stepped", step.fields())
            self.steps.taken(self.wall(), self.mono(self.now))

    def set(self) -> timedelta:
        far = self.random.choice(
            [timedelta(seconds=3), timedelta(minutes=20), timedelta(minutes=50), 5 * HOUR, 200 * DAY]
        )
        by = far * self.random.uniform(-1, 1)
        if self.wall() + by < NOON - 300 * DAY:
            by = -by
        self.ahead += by
        return by

    def pass_on(self, most: timedelta) -> None:
        self.now += most * self.random.random()

    def begin(self, *, boots: bool) -> None:
        """The log program again, the machine, too, and somebody may have set the clock meanwhile."""
        self.look()
        if boots:
            self.boots += 1
            self.started, self.waiting = self.now, []
        if self.random.random() < 0.5:
            by = self.set()
            self.was_set_forward_unseen |= not boots and by > timedelta(minutes=9)
        self.steps = Steps()
        self.look()

    def live(self, events: int) -> None:
        self.look()
        for _ in range(events):
            match self.random.choices(
                ("record", "busy", "set", "wait", "flush", "start", "boot"), (40, 20, 3, 8, 4, 1, 1)
            )[0]:
                case "record":
                    self.pass_on(timedelta(minutes=20))
                    self.look()
                    self.record()
                case "busy":
                    for _ in range(9):
                        self.pass_on(timedelta(seconds=3))
                        self.record()
                case "set":
                    self.look()
                    self.set()
                    if self.random.random() < 0.3:
                        self.record()  # before the next look
                    self.look()
                case "wait":
                    self.pass_on(timedelta(minutes=5))
                    self.waiting.append(self.now)
                case "flush":
                    self.look()
                    for at_ in self.waiting:
                        self.record(at=at_)
                    self.waiting = []
                case "start" | "boot" as what:
                    self.begin(boots=what == "boot")


@pytest.mark.parametrize("seed", range(40))
def test_no_clock_of_an_honest_gate_is_a_contradiction(seed: int) -> None:
    gate, clock = Honest(seed), Clock()
    gate.live(600)
    for one in gate.told:
        clock.take(one)
    found = list(clock.jumps())
    assert [one for one, is_sure in found if is_sure] == []
    assert found == [] or gate.was_set_forward_unseen, found
    assert sum(one.kind == "clock_stepped" for one in gate.told) > 5


def test_the_command_ends_with_one_for_each_of_them(tmp_path: Path) -> None:
    log = SmallLog(tmp_path)
    log.write([at(HOUR)])
    good, bad = receipt(log, NOON + HOUR, "good.note"), receipt(log, datetime(2001, 1, 1, tzinfo=UTC), "bad.note")
    (tmp_path / "one.identity").write_text(f"{log.auditors[0]}\n")
    keys = ("--vkey", log.vkey, "--mirror-vkey", CENTRAL.verifier.vkey, "--identity", str(tmp_path / "one.identity"))

    def ended(*paths: Path) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["verify", *map(str, paths), *keys])
        return result.exit_code, result.stdout

    assert ended(log.spool, good)[0] == 0
    code, told = ended(log.spool, bad)
    assert (code, "cosigned 1 entries at 2001-01-01T00:00:00Z: nothing of this format" in told) == (1, True)
    log.write([at(HOUR, clock=BACK)])
    code, told = ended(log.spool, good)
    assert (code, "- entry 1 is of 2026-02-28T13:00:00.000Z" in told) == (1, True)
    assert told.startswith("NOT VERIFIED: AS IT WAS SIGNED, BUT WHAT IT TELLS CANNOT BE")
