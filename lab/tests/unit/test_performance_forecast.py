"""Forecasts: simulated days that a queue worked out by hand agrees with, service times that tell of nobody, and the fewest who keep the promise."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gate_core.command_line.tree import application
from gate_lab import forecast
from gate_lab.forecast import (
    Arrival,
    ScheduleError,
    Staff,
    Waits,
    day,
    fewest,
    outlook,
    over_the_day,
    read_schedule,
    variants,
)
from gate_lab.service_times import CROSSINGS_MIN, QUANTILES, ServiceError, ServiceTimes, measured

HEAD = "crossing,opened,verdict,took_s,waited_s\n"


def always(lane_s: float, officer_s: float = 60.0, *, referred: int = 0) -> ServiceTimes:
    """Every lane and every officer takes as long as every other."""
    return ServiceTimes(
        crossings=1000, referred=referred, lane_s=(lane_s,) * QUANTILES, officer_s=(officer_s,) * QUANTILES
    )


def spread(lane_s: float, *, referred: int = 100) -> ServiceTimes:
    """From half as long to half as long again."""
    values = tuple(lane_s * (0.5 + number / (QUANTILES - 1)) for number in range(QUANTILES))
    return ServiceTimes(crossings=1000, referred=referred, lane_s=values, officer_s=values)


def by_hand(
    arrivals: Sequence[Arrival], service: ServiceTimes, staff: Staff, seed: int
) -> tuple[list[float], list[float]]:
    """The same day without a simulator: a heap of when each lane is free (Kiefer and Wolfowitz), and one of officers."""
    drawn = random.Random(seed)

    def value(quantiles: Sequence[float], place: float) -> float:
        below = min(int(place * 20), 19)
        return quantiles[below] + (place * 20 - below) * (quantiles[below + 1] - quantiles[below])

    people = []
    for one in arrivals:
        for _ in range(one.travellers):
            came = one.at_s + drawn.triangular(0, one.over_s, one.over_s / 3)
            lane_s = value(service.lane_s, drawn.random())
            referred = drawn.random() < service.referred / service.crossings
            people.append((came, lane_s, referred, value(service.officer_s or service.lane_s, drawn.random())))
    free = [0.0] * staff.lanes
    lane_waits, to_officers = [], []
    for came, lane_s, referred, officer_s in sorted(people):
        begins = max(came, heapq.heappop(free))
        heapq.heappush(free, begins + lane_s)
        lane_waits.append(begins - came)
        if referred:
            to_officers.append((begins + lane_s, officer_s, len(lane_waits)))
    free = [0.0] * staff.officers
    officer_waits = {}
    for left, officer_s, number in sorted(to_officers):
        begins = max(left, heapq.heappop(free))
        heapq.heappush(free, begins + officer_s)
        officer_waits[number] = begins - left
    return lane_waits, [officer_waits[number] for number in sorted(officer_waits)]


@pytest.mark.parametrize(("lanes", "officers"), [(1, 1), (2, 1), (5, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_a_simulated_day_is_that_of_a_queue_worked_out_by_hand(lanes: int, officers: int, seed: int) -> None:
    arrivals = [Arrival(3600.0, 60, 300.0), Arrival(4000.0, 40, 60.0), Arrival(9000.0, 0, 60.0)]
    found = day(arrivals, spread(15.0), Staff(lanes, officers), seed)
    lane_waits, officer_waits = by_hand(arrivals, spread(15.0), Staff(lanes, officers), seed)
    assert found.lane_s == pytest.approx(lane_waits)
    assert found.officer_s == pytest.approx(officer_waits)
    assert list(found.came_s) == sorted(found.came_s)


def test_more_lanes_bring_the_same_travellers() -> None:
    arrivals = [Arrival(0.0, 50, 60.0)]
    few, many = (day(arrivals, spread(15.0), Staff(number, 1), 7) for number in (1, 9))
    assert few.came_s == many.came_s
    assert sum(few.lane_s) > sum(many.lane_s)


def test_who_waits_too_long_for_a_lane_or_for_an_officer_is_late() -> None:
    assert Waits((0, 1, 2, 3), (0, 10, 0, 0), (20,)).share_within(10) == 0.75
    assert Waits((0, 1, 2, 3), (0, 11, 0, 0), (20,)).share_within(10) == 0.5
    assert Waits((), (), ()).share_within(10) == 1.0


def test_the_longest_wait_of_each_five_minutes() -> None:
    waits = Waits((10.0, 20.0, 400.0), (5.0, 9.0, 3.0), ())
    assert over_the_day(waits) == [(0.0, 9.0), (300.0, 3.0)]


@pytest.fixture
def lanes_max(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Limit the lanes that are tried."""
    return lambda lanes: monkeypatch.setattr(forecast, "LANES_MAX", lanes)


@pytest.mark.parametrize("travellers", [40, 150])
def test_the_fewest_are_those_that_trying_all_finds(lanes_max: Callable[[int], None], travellers: int) -> None:
    lanes_max(6)
    arrivals, times = [Arrival(0.0, travellers, 600.0)], spread(30.0)
    kept = [
        Staff(lanes, officers)
        for lanes, officers in product(range(1, 7), range(1, 7))
        if outlook(arrivals, times, Staff(lanes, officers), limit_s=120, days=10).low >= 0.95
    ]
    heard: list[object] = []
    found = fewest(arrivals, times, limit_s=120, share=0.95, days=10, tried=heard.append)
    if kept:
        assert found is not None
        assert found.staff == min(kept, key=lambda one: (one.lanes, one.officers))
        assert found in heard
    else:
        assert found is None


def test_a_promise_that_nobody_keeps_is_no_staff(lanes_max: Callable[[int], None]) -> None:
    lanes_max(2)
    assert fewest([Arrival(0.0, 100, 60.0)], always(60.0), limit_s=30, share=0.95, days=10) is None


# ── what goes in ─────────────────────────────────────────────────────────────────────────────────────────────────────


def table(rows: int, *, referred: int = 10) -> str:
    """A table of crossings that took 1, 2, 3 … seconds."""
    lines = [
        f"c{number},,{'referred' if number < referred else 'admitted'},{number + 1},{'7.5' if number < referred else ''}\n"
        for number in range(rows)
    ]
    return HEAD + "".join(lines)


def test_service_times_are_quantiles_and_tell_of_nobody() -> None:
    found = measured(table(101))
    assert found.lane_s == tuple(1.0 + 5 * number for number in range(QUANTILES))
    assert found.officer_s == (7.5,) * QUANTILES
    assert (found.crossings, found.referred, found.share_referred) == (101, 10, 10 / 101)
    assert ServiceTimes.read(found.to_bytes()) == found
    assert b"c5" not in found.to_bytes()
    assert measured(table(101, referred=0)).officer_s is None


def test_what_did_not_end_counts_for_nothing() -> None:
    text = table(101) + "x,,,,\ny,,admitted,,\nz,,referred,4,\n"
    found = measured(text)
    assert (found.crossings, found.referred) == (102, 11)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: has no column verdict, took_s, waited_s"),
        ("verdict,took_s\n", "line 1: has no column waited_s"),
        (table(CROSSINGS_MIN - 1), f"has {CROSSINGS_MIN - 1} crossings that ended; fewer than {CROSSINGS_MIN}"),
        (HEAD + "a,,admitted,x,\n", "line 2: could not convert"),
        (HEAD + "a,,admitted,-1,\n", "-1 s is no time"),
        (HEAD + "a,,admitted,nan,\n", "nan s is no time"),
        (HEAD + "a,,referred,1,1e9\n", "1e9 s is no time"),
    ],
)
def test_what_is_no_table_of_crossings_is_refused(text: str, said: str) -> None:
    with pytest.raises(ServiceError) as refused:
        measured(text)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "change",
    [
        {"crossings": 99},
        {"referred": 1001},
        {"lane_s": [2.0] * 20 + [1.0]},
        {"lane_s": [1.0] * 20},
        {"lane_s": [-1.0] * 21},
        {"officer_s": None},
        {"schema": "forecast.service/2"},
        {"person": "x"},
    ],
)
def test_what_are_no_service_times_is_refused(change: dict[str, object]) -> None:
    told: dict[str, Any] = json.loads(always(10.0, referred=100).to_bytes())
    for raw in (json.dumps({**told, **change}).encode(), b"", b"\xff", b"[" * 100_000):
        with pytest.raises(ServiceError):
            ServiceTimes.read(raw)


def test_a_schedule_is_read() -> None:
    found = read_schedule("time,travellers,over_min\n06:30,100,20\n07:00,10,\n", share=0.5)
    assert found == [Arrival(23400.0, 50, 1200.0), Arrival(25200.0, 5, 900.0)]
    assert read_schedule("travellers,time\n3,23:59\n") == [Arrival(86340.0, 3, 900.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: has no column time, travellers"),
        ("time\n06:00\n", "line 1: has no column travellers"),
        ("time,travellers\n6 o'clock,3\n", "line 2: Invalid isoformat"),
        ("time,travellers\n06:00,many\n", "line 2: invalid literal"),
        ("time,travellers\n06:00,-1\n", "line 2: travellers are 0 or more"),
        ("time,travellers,over_min\n06:00,1,0\n", "line 2: travellers are 0 or more"),
        ("time,travellers\n06:00\n", "line 2: int()"),
        ("time,travellers\n06:00,0\n", "nobody comes"),
        ("time,travellers\n06:00,300000\n", "has more than"),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, said: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        read_schedule(text)
    assert str(refused.value).startswith(said)


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def run(*words: object) -> tuple[int, str, str]:
    """A command's exit code, standard output and standard error."""
    done = CliRunner().invoke(application(["forecast"]), ["forecast", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


def test_from_crossings_to_a_page(tmp_path: Path) -> None:
    crossings, times, schedule, page = (tmp_path / name for name in ("crossings.csv", "s.json", "day.csv", "page.html"))
    crossings.write_text(table(120))
    schedule.write_text("time,travellers\n06:00,40\n07:00,30\n")
    assert run("service", crossings, "--out", times)[0] == 0
    assert run("service", crossings, "--out", times)[0] == 74, "nothing is overwritten"
    code, out, _ = run("plan", schedule, "--service", times, "--days", 10, "--out", page, "--json")
    assert code == 0
    told: dict[str, Any] = json.loads(out)
    staff = told["chosen"]["staff"]
    assert told["travellers"] == 70
    assert staff in [one["staff"] for one in told["tried"]]
    assert {"as it is", "a fifth more travellers", "one lane out of service"} <= {
        one["what"] for one in told["what_if"]
    }
    text = page.read_text()
    assert f"{staff['lanes']} lanes and" in text
    assert text.count("<svg") == 2
    assert "http" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert run("plan", schedule, "--service", times, "--out", page)[0] == 74


def test_a_promise_that_cannot_be_kept_ends_with_1(tmp_path: Path, lanes_max: Callable[[int], None]) -> None:
    lanes_max(1)
    times, schedule = tmp_path / "s.json", tmp_path / "day.csv"
    times.write_bytes(always(300.0).to_bytes())
    schedule.write_text("time,travellers\n06:00,100\n")
    code, out, _ = run("plan", schedule, "--service", times, "--days", 10, "--out", tmp_path / "page.html")
    assert (code, out) == (1, "no number of lanes that was tried keeps the promise\n")
    assert "No number of lanes that was tried" in (tmp_path / "page.html").read_text()


def test_one_mistake_one_code(tmp_path: Path) -> None:
    times, schedule, wrong = tmp_path / "s.json", tmp_path / "day.csv", tmp_path / "wrong"
    times.write_bytes(always(10.0).to_bytes())
    schedule.write_text("time,travellers\n06:00,1\n")
    wrong.write_bytes(b"\xff")
    assert run("plan", tmp_path / "none", "--service", times)[0] == 74
    assert run("plan", schedule, "--service", tmp_path)[0] == 74
    assert run("plan", wrong, "--service", times)[0] == 65
    assert run("plan", schedule, "--service", schedule)[0] == 65
    assert run("plan", times, "--service", times)[0] == 65
    assert run("service", schedule, "--out", tmp_path / "x")[0] == 65
    assert run("plan", schedule, "--service", times, "--share", "2")[0] == 2


def test_variants_have_less_staff_only_where_there_is_more_than_one() -> None:
    arrivals, times = [Arrival(0, 40, 600)], always(30)
    one = outlook(arrivals, times, Staff(1, 1), limit_s=60, days=10)
    found = dict(variants(one, arrivals, times, limit_s=60, days=10))
    assert found.pop("as it is") == one
    assert list(found) == [
        "a fifth more travellers",
        "each lane a fifth slower",
        "arrivals reach the hall in half the time",
    ]
    assert all(again.median < one.median for again in found.values()), "each of them is worse"
    both = outlook(arrivals, times, Staff(2, 2), limit_s=60, days=10)
    fewer = dict(variants(both, arrivals, times, limit_s=60, days=10))
    assert fewer["one lane out of service"].staff == Staff(1, 2)
    assert fewer["one officer away"].staff == Staff(2, 1)
