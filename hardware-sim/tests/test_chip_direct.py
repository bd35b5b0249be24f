"""The reader without PC/SC: its socket's protocol, and what it does with bad clients."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes.chip_terminal import SELECT_APPLICATION, open_access

from hardware_sim.chip import ReaderGoneError
from hardware_sim.chip.reader import ChipReader

PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[ChipReader]:
    reader = ChipReader(tmp_path, allow_pcsc=False)
    reader.start()
    yield reader
    reader.stop()


class Client:
    """One connection to the reader's socket."""

    def __init__(self, reader: ChipReader) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(reader.socket))
        self.stream = self.socket.makefile("rwb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def raw(self, wire: bytes) -> bytes:
        self.stream.write(wire)
        self.stream.flush()
        return self.stream.read(int.from_bytes(self.stream.read(4)))

    def ask(self, request: bytes) -> bytes:
        return self.raw(len(request).to_bytes(4) + request)

    def present(self) -> bool:
        return self.ask(b"\x00") == b"\x01"

    def transmit(self, apdu: bytes) -> bytes:
        answer = self.ask(b"\x02" + apdu)
        assert answer[:1] == b"\x00"
        return answer[1:]


def test_a_reader_that_may_not_use_pcsc_says_so(reader: ChipReader) -> None:
    assert (reader.kind, reader.why) == ("direct", "PC/SC was not asked for")


def test_a_passport_laid_down_is_read_whole(reader: ChipReader) -> None:
    with Client(reader) as client:
        assert not client.present()
        reader.insert(PASSPORT)
        assert client.present()
        assert client.ask(b"\x01") == bytes.fromhex("3B8880010073C8400000900062")
        session = open_access(client.transmit, PASSPORT.mrz_lines[1])
        for name, content in PASSPORT.files.items():
            assert session.read_file(name) == content


def test_a_passport_taken_away_is_gone_for_every_request(reader: ChipReader) -> None:
    reader.insert(PASSPORT)
    reader.remove()
    with Client(reader) as client:
        assert not client.present()
        assert client.ask(b"\x01") == b""
        assert client.ask(b"\x02" + SELECT_APPLICATION) == b"\x01"


def test_a_reader_without_its_cable_reads_nothing_until_it_is_plugged_in_again(reader: ChipReader) -> None:
    reader.unplug()
    reader.insert(PASSPORT)
    reader.remove()
    assert not reader.socket.exists()
    reader.replug()
    with Client(reader) as client:
        assert not client.present()
        reader.insert(PASSPORT)
        assert client.present()


def test_a_card_that_pulls_itself_out_is_no_longer_present(reader: ChipReader) -> None:
    reader.insert(PASSPORT, pull_out_after_apdus=1)
    with Client(reader) as client:
        assert client.transmit(SELECT_APPLICATION) == b"\x90\x00"
        assert client.ask(b"\x02" + SELECT_APPLICATION) == b"\x01"
        assert not client.present()


def test_a_card_that_pulled_itself_out_gives_no_answer_to_reset(reader: ChipReader) -> None:
    reader.insert(PASSPORT, pull_out_after_apdus=0)
    with Client(reader) as client:
        assert client.ask(b"\x01") == b""


def test_power_on_resets_the_card(reader: ChipReader) -> None:
    reader.insert(PASSPORT)
    with Client(reader) as client:
        open_access(client.transmit, PASSPORT.mrz_lines[1])
        client.ask(b"\x01")
        assert client.transmit(bytes.fromhex("0084000008")) == bytes.fromhex("6985")


@pytest.mark.parametrize(
    "wire",
    [
        b"\x00\x00\x00\x01\x03",
        b"\x00\x00\x00\x02\x00\x00",
        b"\x00\x00\x00\x02\x01\x00",
        b"\x00\x00\x00\x01\x02",
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
    ],
)
def test_a_client_that_breaks_the_protocol_is_hung_up_on_and_others_are_served(reader: ChipReader, wire: bytes) -> None:
    with Client(reader) as other:
        with Client(reader) as rude:
            assert rude.raw(wire) == b""
        assert not other.present()


def test_a_ninth_client_is_hung_up_on(reader: ChipReader) -> None:
    clients = [Client(reader) for _ in range(8)]
    assert [client.present() for client in clients] == [False] * 8
    with Client(reader) as ninth:
        assert ninth.stream.read(1) == b""
    for client in clients:
        client.__exit__()


def test_stopping_hangs_up_and_leaves_an_empty_folder(tmp_path: Path) -> None:
    reader = ChipReader(tmp_path, allow_pcsc=False)
    reader.start()
    with Client(reader) as client:
        assert not client.present()
        reader.stop()
        assert client.stream.read(1) == b""
    reader.stop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("running", [False, True], ids=["never started", "stopped"])
def test_a_reader_that_is_not_up_takes_no_passport(tmp_path: Path, running: bool) -> None:  # noqa: FBT001 - a table's column
    reader = ChipReader(tmp_path, allow_pcsc=False)
    if running:
        reader.start()
        reader.stop()
    with pytest.raises(ReaderGoneError, match="not up"):
        reader.insert(PASSPORT)
    with pytest.raises(ReaderGoneError, match="not up"):
        reader.remove()


def test_a_reader_that_is_up_is_not_started_twice(reader: ChipReader) -> None:
    with pytest.raises(ReaderGoneError, match="already up"):
        reader.start()


def test_what_a_killed_reader_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "chip-reader").mkdir()
    (tmp_path / "chip-reader" / "apdu.sock").touch()
    reader = ChipReader(tmp_path, allow_pcsc=False)
    reader.start()
    with Client(reader) as client:
        assert not client.present()
    reader.stop()


def test_a_folder_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    with pytest.raises(ValueError, match="too long for a socket"):
        ChipReader(deep, allow_pcsc=False).start()


def test_a_machine_without_the_virtual_reader_falls_back_and_names_what_lacks(tmp_path: Path) -> None:
    reader = ChipReader(tmp_path, driver=tmp_path / "absent.so")
    reader.start()
    assert reader.kind == "direct"
    assert "vsmartcard-vpcd" in reader.why
    reader.stop()


def test_a_machine_without_namespaces_falls_back_with_the_systems_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("unshare", "mount", "setpriv", "pcscd"):
        (programs / name).write_text("#!/bin/sh\necho unshare failed: Operation not permitted >&2\nexit 1\n")
        (programs / name).chmod(0o700)
    (programs / "driver.so").touch()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    reader = ChipReader(tmp_path, driver=programs / "driver.so")
    reader.start()
    assert (reader.kind, reader.why) == ("direct", "unshare failed: Operation not permitted")
    reader.insert(PASSPORT)
    with Client(reader) as client:
        assert client.present()
    reader.stop()
