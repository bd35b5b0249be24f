"""The simulated readers: what they send, when, and what they do wrong when asked to."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import pytest

from hardware_sim.cli import main
from hardware_sim.device_server import SPECIMEN, serve_reader
from hardware_sim.readers.device import READING_MS, Fault, ReaderDevice
from hardware_sim.readers.imagers import TRIGGER_MS, HoneywellImager, ScanEngine
from hardware_sim.readers.kinds import KINDS, USUAL, KeyboardReader, cr100_text, rte_native, stx_plain

PASSPORT = ("P<UTO" + "A" * 39, "B" * 44)
CARD = ("I<UTO" + "A" * 25, "B" * 30, "C" * 30)
SMALL_CARD = ("I<UTO" + "A" * 31, "B" * 36)


class Host:
    """A reader with a clock of its own."""

    def __init__(self, reader: ReaderDevice) -> None:
        self.reader = reader
        self.now_ms = 1000.0

    def send(self, data: bytes) -> bytes:
        self.now_ms += 1
        return self.reader.receive(data, self.now_ms)

    def run(self, ms: float) -> bytes:
        said = b""
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms += 20
            said += self.reader.tick(self.now_ms)
        return said


def test_rte_native_pads_and_the_bottom_line_is_line_three() -> None:
    wire = rte_native(SMALL_CARD)
    assert wire[:1] + wire[3:7] == b"\x01OU\x02\x30"[:1] + b"OU\x020"
    assert int.from_bytes(wire[1:3], "little") == 1 + 1 + 2 * 45
    assert wire[7:-2] == b"\r" + b"".join(line.encode() + b"_" * 8 + b"\r" for line in SMALL_CARD)
    assert wire[-2:-1] == b"\x03"
    check = 0
    for byte in wire[1:-1]:
        check ^= byte
    assert wire[-1] == check
    assert rte_native(CARD)[7:-2] == b"".join(line.encode() + b"\r" for line in CARD)
    assert rte_native(("D" * 30,))[7:10] == b"\r\rD"


def test_plain_and_text_messages_are_as_documented() -> None:
    assert stx_plain(("AB", "CD")) == b"\x02AB\rCD\r\x03"
    assert cr100_text(("AB", "CD")).decode().splitlines() == [
        "START",
        "OCR LINE 1: AB",
        "OCR LINE 2: CD",
        "OCR LINE 3:",
        "MSR LINE 1:",
        "MSR LINE 2:",
        "MSR LINE 3:",
        "END",
    ]


@pytest.mark.parametrize("kind", ["rte-native", "stx-plain", "text"])
def test_a_talker_is_deaf_and_reads_a_document_once(kind: str) -> None:
    host = Host(KINDS[kind].make(1))
    assert host.send(b"V\x00\x00\x16T\r") == b""
    host.reader.insert(PASSPORT)
    assert host.run(READING_MS - 40) == b""
    assert PASSPORT[1].encode() in host.run(100)
    assert host.run(2000) == b""


def test_a_honeywell_echoes_what_it_knows_and_reads_when_set_up_and_triggered() -> None:
    host = Host(HoneywellImager())
    host.reader.insert(PASSPORT)
    host.send(b"\x16T\r")
    assert host.run(1000) == b"", "OCR is off after a power cut"
    assert host.send(b"\x16M\rallena0!") == b"allena0\x06!"
    assert host.send(b"\x16M\rocr") == b""
    assert host.send(b"ena1!\x16M\rocrats2!") == b"ocrena1\x06!ocrats2\x06!"
    assert host.send(b"\x16M\rabcdef1.") == b"abcdef1\x05."
    host.send(b"\x16T\r")
    assert host.run(100) == "".join(line + "\r" for line in PASSPORT).encode()
    assert host.run(100) == b"", "one trigger, one reading"
    host.send(b"\x16T\r\x16U\r")
    assert host.run(100) == b""


def test_a_trigger_lets_go_by_itself() -> None:
    host = Host(ScanEngine())
    assert host.send(b"~\x010000@SCNTCE1;\x03") == b"\x02\x010000@SCNTCE1\x06;\x03"
    assert host.send(b"~\x010000@SCNTRG1;\x03") == b"\x02\x010000@SCNTRG1\x06;\x03"
    assert host.send(b"~\x010000@XXXXXX1;\x03") == b"\x02\x010000@XXXXXX1\x05;\x03"
    host.run(TRIGGER_MS)
    host.reader.insert(PASSPORT)
    assert host.run(1000) == b""


def test_a_wedge_types_with_shift_for_capitals_and_fillers() -> None:
    host = Host(KeyboardReader(interval_ms=30))
    host.reader.insert(("A<1",))
    said = host.run(READING_MS + 200)
    events = [struct.unpack_from("=qqHHi", said, at) for at in range(0, len(said), 24)]
    keys = [(code, value) for *_, kind, code, value in events if kind == 1]
    shifted = [(42, 1), (30, 1), (30, 0), (42, 0), (42, 1), (51, 1), (51, 0), (42, 0)]
    assert keys == [*shifted, (2, 1), (2, 0), (28, 1), (28, 0)]
    times = [seconds * 1000 + microseconds / 1000 for seconds, microseconds, *_ in events]
    assert times == sorted(times)
    assert times[-1] - times[0] == 90


def test_a_wedge_of_another_layout_types_its_fillers_elsewhere() -> None:
    host = Host(KeyboardReader())
    host.reader.break_with(Fault.WRONG_KEYMAP)
    host.reader.insert(("<YZ",))
    said = host.run(READING_MS + 200)
    events = [struct.unpack_from("=qqHHi", said, at) for at in range(0, len(said), 24)]
    assert [code for *_, kind, code, value in events if (kind, value) == (1, 1) and code != 42] == [86, 44, 21, 28]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_fault_that_a_reader_has_changes_its_reading_and_can_be_mended(kind: str) -> None:
    def reading(fault: Fault | None) -> bytes:
        host = Host(KINDS[kind].make(1))
        for command in (b"C\x00\x01\x01", b"\x16M\rocrena1!\x16M\rocrats2!\x16T\r"):
            host.send(command)
        host.send(b"~\x010000@SCNTCE1;\x03~\x010000@SCNTRG1;\x03")
        host.reader.break_with(fault)
        host.reader.insert(PASSPORT)
        return host.run(READING_MS + 1500)

    right = reading(None)
    assert right
    for fault in Fault:
        if fault in KINDS[kind].make(0).faults:
            assert reading(fault) != right
            assert (reading(fault) == b"") == (fault is Fault.SILENT)
        else:
            with pytest.raises(ValueError, match="no fault"):
                reading(fault)


def test_every_kind_says_how_the_gate_is_configured_for_it() -> None:
    assert USUAL in KINDS
    assert KINDS["rte-native"].settings() == {"driver": "stx", "baud": 9600, "profile": "rte-native"}
    assert KINDS["keyboard"].settings() == {"driver": "keyboard", "baud": 921600}


# ── gate-sim reader ──────────────────────────────────────────────────────────────────────────────────────────────────


def served(path: Path, *orders: object, kind: str = "text") -> list[dict[str, object]]:
    out = io.StringIO()
    lines = "".join(order if isinstance(order, str) else json.dumps(order) + "\n" for order in orders)
    serve_reader(kind, path, seed=1, orders=io.StringIO(lines), out=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_reader_is_moved_by_orders(tmp_path: Path) -> None:
    path = tmp_path / "reader"
    events = served(
        path,
        {"do": "insert"},
        {"do": "insert", "lines": list(CARD)},
        {"do": "fault", "what": "silent"},
        {"do": "fault", "what": None},
        {"do": "unplug"},
        {"do": "replug"},
        {"do": "remove"},
        {"do": "stop"},
        {"do": "insert"},
    )
    ready = {"event": "ready", "kind": "text", "port": str(path), "driver": "text", "baud": 115200}
    assert events == [ready, *[{"event": "done"}] * 7]
    assert not path.exists()
    assert {len(line) for line in SPECIMEN} == {44}


@pytest.mark.parametrize(
    "order", ["nonsense\n", "[]\n", {"do": "dance"}, {}, {"do": "fault", "what": "wrong_keymap"}, {"do": "fault"}]
)
def test_what_is_no_order_is_said_and_the_reader_goes_on(tmp_path: Path, order: object) -> None:
    _, error, done = served(tmp_path / "reader", order, {"do": "insert"})
    assert error["event"] == "error"
    assert done == {"event": "done"}


def test_the_command_line_serves_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"do":"stop"}\n'))
    assert main(["reader", "--kind", "honeywell", "--path", str(tmp_path / "reader")]) == 0
    assert json.loads(capsys.readouterr().out)["profile"] == "honeywell"
