"""The ground truth file."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from core_fakes.killing import steps_of

from hardware_sim.clock import WorldClock
from hardware_sim.truth import LINE_BYTES_MAX, Truth, TruthError, read_truth


def test_what_is_recorded_is_read_back_in_order(tmp_path: Path) -> None:
    before_ms = time.monotonic_ns() // 1_000_000
    with Truth(tmp_path / "truth.jsonl") as truth:
        truth.record("passed", traveller="t1", direction="entry")
        truth.record("fire_on")
    first, second = read_truth(tmp_path / "truth.jsonl")
    assert (first.event, second.event) == ("passed", "fire_on")
    assert first.text("traveller") == "t1"
    assert first.text("nothing") == ""
    assert before_ms <= first.at_ms <= second.at_ms <= time.monotonic_ns() // 1_000_000


def test_every_line_says_how_far_the_worlds_time_is_behind(tmp_path: Path) -> None:
    real_s = [time.monotonic()]
    clock = WorldClock(lambda: real_s[0])
    part = clock.part("barrier", every_s=0.01, late_s_max=0.05)
    part.moved()
    stood_at_s = clock.now_s() + 0.06
    real_s[0] += 2.0
    with Truth(tmp_path / "truth.jsonl", clock) as truth:
        truth.record("barrier_plugged")  # while it stands
        part.moved()
        truth.record("passed", world_ms=int(stood_at_s * 1000))
    first, second = read_truth(tmp_path / "truth.jsonl")
    assert first.world_ms == pytest.approx(stood_at_s * 1000, abs=2)
    assert second.behind_ms == pytest.approx(1940, abs=2)
    assert second.at_ms == pytest.approx(real_s[0] * 1000, abs=2)


def test_every_line_carries_utc_wall_time(tmp_path: Path) -> None:
    with Truth(tmp_path / "truth.jsonl") as truth:
        truth.record("fire_on")
    line = json.loads((tmp_path / "truth.jsonl").read_text())
    assert line["wall"].endswith("Z")
    assert len(line["wall"]) == len("2026-11-25T00:00:00.000Z")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_every_line_is_synced_before_the_file_is_closed(tmp_path: Path) -> None:
    def write() -> None:
        with Truth(tmp_path / "truth.jsonl") as truth:
            for _ in range(3):
                truth.record("fire_on")

    assert steps_of(write) == ["fsync truth.jsonl"] * 3


def test_a_second_run_appends(tmp_path: Path) -> None:
    for _ in range(2):
        with Truth(tmp_path / "truth.jsonl") as truth:
            truth.record("power_up")
    assert len(read_truth(tmp_path / "truth.jsonl")) == 2


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    with Truth(tmp_path / "truth.jsonl") as truth:

        def write_ten() -> None:
            for _ in range(10):
                truth.record("passed", traveller="t" * 200)

        threads = [threading.Thread(target=write_ten) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read_truth(tmp_path / "truth.jsonl")) == 40


def test_lines_out_of_order_are_sorted_by_their_clock(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text('{"monotonic_ms": 2, "event": "b"}\n{"monotonic_ms": 1, "event": "a"}\n')
    assert [happening.event for happening in read_truth(path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("no json", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"event": "a"}', "monotonic_ms"),
        ('{"monotonic_ms": 1.5, "event": "a"}', "monotonic_ms"),
        ('{"monotonic_ms": 1}', "monotonic_ms"),
        ('{"monotonic_ms": 1, "event": "' + "x" * LINE_BYTES_MAX + '"}', "longer than"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text('{"monotonic_ms": 1, "event": "a"}\n' + line + "\n")
    with pytest.raises(TruthError, match=f"line 2: .*{why}"):
        read_truth(path)
