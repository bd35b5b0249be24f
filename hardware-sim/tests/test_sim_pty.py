"""The simulated cable: its timing, its faults, and what a host sees when it is pulled."""

from __future__ import annotations

import os
import random
import select
import threading
import tty
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.pty import PENDING_BYTES_MAX, LineFaults, SerialLine, Wire, disturb


class Echo:
    """Answers with what it receives, and says what it is given to say."""

    tick_ms = 5

    def __init__(self) -> None:
        self.to_say = b""
        self.ticked = threading.Event()

    def receive(self, received: bytes, _now_ms: float) -> bytes:
        return received

    def tick(self, _now_ms: float) -> bytes:
        self.ticked.set()
        said, self.to_say = self.to_say, b""
        return said


def open_raw(path: Path) -> int:
    end = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(end)
    return end


def read(end: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        ready, _, _ = select.select([end], [], [], 5)
        assert ready, f"only {data!r} came"
        data += os.read(end, count - len(data))
    return data


def taken(wire: Wire, now_s: float) -> bytes:
    return b"".join(chunk for _, chunk in wire.take(now_s))


@pytest.mark.parametrize(("baud", "ms"), [(9600, 27.08), (19200, 13.54), (115200, 2.257)])
def test_twenty_six_bytes_take_as_long_as_on_the_wire(baud: int, ms: float) -> None:
    wire = Wire(baud)
    wire.put(bytes(26), now_s=1.0)
    arrived, last_s = b"", 0.0
    while wire.next_at_s is not None:
        last_s = wire.next_at_s
        arrived += taken(wire, last_s)
    assert arrived == bytes(26)
    assert (last_s - 1.0) * 1000 == pytest.approx(ms, abs=0.01)


def test_bytes_queue_behind_those_under_way() -> None:
    wire = Wire(9600)
    wire.put(b"a", now_s=0.0)
    wire.put(b"b", now_s=0.0)
    assert taken(wire, 0.0011) == b"a"
    assert taken(wire, 0.0021) == b"b"
    assert wire.next_at_s is None


def test_what_is_taken_late_keeps_the_time_of_its_arrival() -> None:
    wire = Wire(9600)
    wire.put(b"ab", now_s=1.0)
    (first_s, first), (second_s, second) = wire.take(1.5)
    assert (first, second) == (b"a", b"b")
    assert first_s == pytest.approx(1.0 + 10 / 9600)
    assert second_s == pytest.approx(1.0 + 20 / 9600)


def test_an_idle_wire_starts_when_the_bytes_come() -> None:
    wire = Wire(9600)
    wire.put(b"a", now_s=0.0)
    wire.take(1.0)
    wire.put(b"b", now_s=5.0)
    assert wire.next_at_s == pytest.approx(5.0 + 10 / 9600)


def test_a_cut_wire_forgets_what_was_under_way() -> None:
    wire = Wire(9600)
    wire.put(b"abc", now_s=0.0)
    wire.clear()
    assert taken(wire, 1.0) == b""
    wire.put(b"d", now_s=0.0)
    assert taken(wire, 0.0011) == b"d"


def test_a_flood_beyond_the_limit_is_lost_and_later_bytes_pass() -> None:
    wire = Wire(115200)
    wire.put(bytes(PENDING_BYTES_MAX + 10), now_s=0.0)
    assert len(taken(wire, 1000.0)) == PENDING_BYTES_MAX
    wire.put(b"later", now_s=1000.0)
    assert taken(wire, 1001.0) == b"later"


@given(data=st.binary(max_size=64), seed=st.integers())
def test_a_sound_cable_changes_nothing(data: bytes, seed: int) -> None:
    assert disturb(data, LineFaults(), random.Random(seed)) == data


def test_a_bad_cable_drops_flips_and_invents_the_same_for_one_seed() -> None:
    data, faults = bytes(1000), LineFaults(drop=0.1, flip=0.1, garbage=0.1)
    arrived = disturb(data, faults, random.Random(7))
    assert arrived == disturb(data, faults, random.Random(7))
    assert arrived != disturb(data, faults, random.Random(8))
    flipped = [byte for byte in disturb(data, LineFaults(flip=1.0), random.Random(7)) if byte.bit_count() == 1]
    assert len(flipped) == len(data)
    assert disturb(data, LineFaults(drop=1.0), random.Random(7)) == b""
    assert len(disturb(data, LineFaults(garbage=1.0), random.Random(7))) == 2 * len(data)


def test_a_chance_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        LineFaults(drop=1.5)


def test_bytes_go_through_raw_in_both_directions(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "port", Echo())
    line.start()
    end = open_raw(tmp_path / "port")
    try:
        os.write(end, b"\r\n\x03\x04\xff\x00")
        assert read(end, 6) == b"\r\n\x03\x04\xff\x00"
    finally:
        os.close(end)
        line.stop()
    assert not (tmp_path / "port").is_symlink()


def test_a_device_may_speak_unasked(tmp_path: Path) -> None:
    device = Echo()
    line = SerialLine(tmp_path / "port", device)
    line.start()
    end = open_raw(tmp_path / "port")
    try:
        device.to_say = b"hello"
        assert read(end, 5) == b"hello"
    finally:
        os.close(end)
        line.stop()


def test_pulling_the_cable_hangs_up_a_waiting_reader_and_the_path_comes_back(tmp_path: Path) -> None:
    device = Echo()
    line = SerialLine(tmp_path / "port", device)
    line.start()
    end = open_raw(tmp_path / "port")
    try:
        hung_up = threading.Event()

        def wait_for_hang_up() -> None:
            select.select([end], [], [], 5)
            try:
                if not os.read(end, 1):
                    hung_up.set()
            except OSError:
                hung_up.set()

        reader = threading.Thread(target=wait_for_hang_up)
        reader.start()
        line.unplug()
        reader.join(5)
        assert hung_up.is_set()
        assert not (tmp_path / "port").exists()
        device.ticked.clear()
        assert device.ticked.wait(5), "the device lives on without its cable"
    finally:
        os.close(end)
    line.replug()
    end = open_raw(tmp_path / "port")
    try:
        os.write(end, b"again")
        assert read(end, 5) == b"again"
    finally:
        os.close(end)
        line.stop()


def test_a_line_with_faults_reaches_the_host_changed(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "port", Echo(), seed=3)
    line.faults = LineFaults(garbage=1.0)
    line.start()
    end = open_raw(tmp_path / "port")
    try:
        os.write(end, b"ab")
        assert len(read(end, 8)) == 8  # doubled on the way there and doubled on the way back
    finally:
        os.close(end)
        line.stop()


def test_a_host_that_does_not_read_loses_bytes_and_the_line_goes_on(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "port", Echo(), baud=10_000_000)
    line.start()
    end = open_raw(tmp_path / "port")
    try:
        for _ in range(20):
            os.write(end, bytes(1000))
            select.select([], [end], [], 5)
        line.unplug()
        line.replug()
    finally:
        os.close(end)
    end = open_raw(tmp_path / "port")
    try:
        os.write(end, b"still here")
        assert read(end, 10) == b"still here"
    finally:
        os.close(end)
        line.stop()


def test_two_lines_live_beside_each_other(tmp_path: Path) -> None:
    lines = [SerialLine(tmp_path / name, Echo()) for name in ("one", "two")]
    for line in lines:
        line.start()
    ends = [open_raw(line.path) for line in lines]
    try:
        os.write(ends[0], b"1")
        os.write(ends[1], b"2")
        assert (read(ends[0], 1), read(ends[1], 1)) == (b"1", b"2")
    finally:
        for end, line in zip(ends, lines, strict=True):
            os.close(end)
            line.stop()


def test_a_path_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "missing" / "port", Echo())
    with pytest.raises(FileNotFoundError):
        line.start()
