"""A card on the virtual reader of a machine's own pcscd, played by a listener that comes and goes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from document_fakes.sample_passports import ANNA, portrait, utopia

from hardware_sim.chip import ReaderGoneError
from hardware_sim.chip.card import ATR
from hardware_sim.chip.system_reader import SystemReader

PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait())
SELECT = bytes.fromhex("00A4040C07A0000002471001")


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def reader(port: int) -> Iterator[SystemReader]:
    made = SystemReader(port, driver=Path(__file__))
    made.start()
    yield made
    made.stop()


def vpcd(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(5)
    return listener


def accepted(listener: socket.socket) -> socket.socket:
    connection, _ = listener.accept()
    connection.settimeout(5)
    return connection


def ask(connection: socket.socket, body: bytes) -> bytes:
    connection.sendall(len(body).to_bytes(2) + body)
    answer = connection.recv(2, socket.MSG_WAITALL)
    return connection.recv(int.from_bytes(answer), socket.MSG_WAITALL)


def test_a_card_waits_for_the_service_and_is_offered_again_when_that_starts_anew(
    reader: SystemReader, port: int
) -> None:
    reader.insert(PASSPORT)
    for _ in range(2):
        with vpcd(port) as listener, accepted(listener) as connection:
            assert ask(connection, b"\x04") == ATR


def test_a_card_that_is_taken_away_hangs_up_and_comes_no_more(reader: SystemReader, port: int) -> None:
    reader.insert(PASSPORT)
    with vpcd(port) as listener, accepted(listener) as connection:
        reader.remove()
        assert connection.recv(1) == b""
        listener.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_card_that_pulled_itself_out_is_not_offered_again(reader: SystemReader, port: int) -> None:
    reader.insert(PASSPORT, pull_out_after_apdus=1)
    with vpcd(port) as listener, accepted(listener) as connection:
        assert ask(connection, SELECT) == b"\x90\x00"
        assert ask(connection, SELECT) == b""
        listener.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_machine_without_a_virtual_reader_says_so(port: int) -> None:
    reader = SystemReader(port, driver=Path("/nonexistent"))
    with pytest.raises(ReaderGoneError, match="not installed"):
        reader.start()
    reader.stop()
