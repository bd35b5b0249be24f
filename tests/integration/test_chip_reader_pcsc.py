"""The chip behind a pcscd of its own: read through pyscard, several at once, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from document_fakes.sample_passports import ANNA, numbered, portrait, utopia

from hardware_sim.chip import ReaderGoneError
from hardware_sim.chip.card import ATR
from hardware_sim.chip.reader import ChipReader
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace

pytestmark = pytest.mark.pcsc

TESTS = Path(__file__).resolve().parents[1]
SOURCE = TESTS.parent / "hardware-sim" / "src"
PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="rsa")
SELECT = "00A4040C07A0000002471001"
DEADLINE_S = 10.0


@pytest.fixture
def reader(short_path: Path) -> Iterator[ChipReader]:
    reader = ChipReader(short_path)
    reader.start()
    if reader.kind != "pcsc":
        reader.stop()
        pytest.skip(f"no PC/SC here: {reader.why}")
    yield reader
    reader.stop()


def python(*arguments: str, **environment: str) -> dict[str, Any]:
    paths = os.pathsep.join((str(TESTS), str(SOURCE)))
    return {"args": [sys.executable, *arguments], "env": {**os.environ, "PYTHONPATH": paths, **environment}}


def ask_client(reader: ChipReader, **request: Any) -> dict[str, Any]:
    """What a program of its own gets from the reader."""
    request = {"patience_s": DEADLINE_S, "lower_line": PASSPORT.mrz_lines[1], **request}
    done = subprocess.run(
        **python("-m", "fakes.chip_pcsc_client", PCSCLITE_CSOCK_NAME=str(reader.socket)),
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def processes_naming(folder: Path) -> list[int]:
    """Processes whose command line names a folder: the card's process and its pcscd do."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if os.fsencode(folder) in command:
            found.append(int(entry.parent.name))
    return found


def card_process(folder: Path) -> int:
    """The process that runs the card, not its pcscd."""
    candidates = processes_naming(folder)
    return next(pid for pid in candidates if b"hardware_sim.chip.vpcd" in Path(f"/proc/{pid}/cmdline").read_bytes())


def wait_until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_passport_is_read_whole_through_pcsc(reader: ChipReader) -> None:
    reader.insert(PASSPORT)
    result = ask_client(reader)
    assert result["ended"] == ""
    assert bytes.fromhex(result["atr"]) == ATR
    assert {name: bytes.fromhex(content) for name, content in result["files"].items()} == PASSPORT.files


def test_another_passport_can_follow_and_the_first_session_is_forgotten(reader: ChipReader) -> None:
    reader.insert(PASSPORT)
    assert ask_client(reader, commands=[SELECT])["answers"] == ["9000"]
    reader.remove()
    other = utopia().issue(numbered(5), portrait_jpeg=portrait(), active_authentication="rsa")
    reader.insert(other)
    result = ask_client(reader, lower_line=other.mrz_lines[1])
    assert bytes.fromhex(result["files"]["EF_DG1"]) == other.files["EF_DG1"]


def test_a_card_pulled_out_in_the_middle_ends_the_read_with_an_error_of_pcsc(reader: ChipReader) -> None:
    reader.insert(PASSPORT, pull_out_after_apdus=6)
    result = ask_client(reader)
    assert result["apdus"] == 6
    assert result["ended"].endswith("Exception")


def test_nonsense_reaches_the_client_as_it_is(reader: ChipReader) -> None:
    reader.insert(PASSPORT, nonsense_after_apdus=1)
    result = ask_client(reader, commands=[SELECT, SELECT])
    assert result["answers"][0] == "9000"
    assert result["answers"][1] != "9000"


def test_three_readers_work_side_by_side_and_each_has_its_own_passport(short_path: Path) -> None:
    readers = [ChipReader(short_path / str(index)) for index in range(3)]
    passports = [
        utopia().issue(numbered(index), portrait_jpeg=portrait(), active_authentication="rsa") for index in range(3)
    ]
    try:
        for reader in readers:
            reader.start()
            if reader.kind != "pcsc":
                pytest.skip(f"no PC/SC here: {reader.why}")
        for reader, passport in zip(readers, passports, strict=True):
            reader.insert(passport)
        with ThreadPoolExecutor(3) as pool:
            results = list(
                pool.map(
                    lambda pair: ask_client(pair[0], lower_line=pair[1].mrz_lines[1]),
                    zip(readers, passports, strict=True),
                )
            )
        for passport, result in zip(passports, results, strict=True):
            assert bytes.fromhex(result["files"]["EF_DG1"]) == passport.files["EF_DG1"]
    finally:
        for reader in readers:
            reader.stop()


def test_orders_from_many_threads_are_all_carried_out(reader: ChipReader) -> None:
    def lay_down_and_take_away(_turn: int) -> None:
        reader.insert(PASSPORT)
        reader.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lay_down_and_take_away, range(20)))
    reader.insert(PASSPORT)
    assert ask_client(reader, commands=[SELECT])["answers"] == ["9000"]


def test_stopping_leaves_no_process_no_mount_and_no_file(reader: ChipReader, short_path: Path) -> None:
    reader.insert(PASSPORT)
    assert len(processes_naming(short_path)) >= 2
    reader.stop()
    assert processes_naming(short_path) == []
    assert str(short_path) not in Path("/proc/self/mountinfo").read_text()
    assert list(short_path.iterdir()) == []


def test_a_card_process_that_hangs_is_ended_at_the_deadline(
    reader: ChipReader, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware_sim.chip.reader._STOP_DEADLINE_S", 0.05)
    os.kill(card_process(short_path), signal.SIGSTOP)
    reader.stop()
    assert wait_until(lambda: processes_naming(short_path) == [])


def test_a_killed_parent_takes_card_and_pcscd_along(short_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from hardware_sim.chip.reader import ChipReader;"
        "reader = ChipReader(Path(sys.argv[1])); reader.start(); print(reader.kind, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(**python("-c", program, str(short_path)), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        kind = parent.stdout.readline().strip()
        started = processes_naming(short_path)
        parent.kill()
    if kind != "pcsc":
        pytest.skip("no PC/SC here")
    assert len(started) == 3  # the parent, the card's process, its pcscd
    assert wait_until(lambda: processes_naming(short_path) == [])


def test_a_killed_card_process_takes_pcscd_along_and_the_next_order_says_so(
    reader: ChipReader, short_path: Path
) -> None:
    os.kill(card_process(short_path), signal.SIGKILL)
    with pytest.raises(ReaderGoneError):
        reader.insert(PASSPORT)
    assert wait_until(lambda: processes_naming(short_path) == [])


def test_a_killed_pcscd_is_noticed_by_the_next_order(reader: ChipReader, short_path: Path) -> None:
    pcscd = next(
        pid for pid in processes_naming(short_path) if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"pcscd")
    )
    os.kill(pcscd, signal.SIGKILL)
    assert wait_until(lambda: processes_naming(short_path) == [])
    with pytest.raises(ReaderGoneError):
        reader.remove()


@pytest.mark.parametrize("way", [(12, 2, 2), (13, 4, 1), (0, 2, 4), (14, 6, 3)])
def test_a_chip_is_opened_by_pace_through_the_reader_as_well(reader: ChipReader, way: tuple[int, int, int]) -> None:
    parameter_id, mapping, cipher = way
    features = Features(bac=False, pace=(Pace(Mapping(mapping), parameter_id, Cipher(cipher)),))
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="rsa", features=features)
    reader.insert(passport)
    answer = ask_client(reader, pace=way)
    assert answer["ended"] == ""
    for name, content in answer["files"].items():
        assert bytes.fromhex(content) == passport.files[name]
    assert set(answer["files"]) == {"EF_COM", "EF_SOD", "EF_DG1", "EF_DG2", "EF_DG15"}
