"""The card's end of vpcd's protocol, against a listener that plays vpcd."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes.chip_terminal import SELECT_APPLICATION, open_access

from hardware_sim.chip import vpcd
from hardware_sim.chip.card import ATR, Card

PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
OFF, ON, RESET, GET_ATR = (bytes.fromhex(f"0001 {control:02X}") for control in (0, 1, 2, 4))


@dataclass
class FakeVpcd:
    """Listens as vpcd does, and speaks its half in the two writes that it uses."""

    listener: socket.socket
    slot: vpcd.VpcdSlot

    def accept(self) -> socket.socket:
        connection, _address = self.listener.accept()
        connection.settimeout(5)
        return connection

    def ask(self, connection: socket.socket, body: bytes) -> bytes:
        connection.sendall(len(body).to_bytes(2))
        connection.sendall(body)
        self.slot.serve_one()
        answer = connection.recv(2, socket.MSG_WAITALL)
        return connection.recv(int.from_bytes(answer), socket.MSG_WAITALL)


@pytest.fixture
def reader() -> Iterator[FakeVpcd]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slot = vpcd.VpcdSlot(listener.getsockname()[1])
        yield FakeVpcd(listener, slot)
        slot.remove()


def test_a_card_laid_down_answers_commands_and_tells_its_atr(reader: FakeVpcd) -> None:
    reader.slot.insert(Card(PASSPORT))
    with reader.accept() as connection:
        assert reader.ask(connection, b"\x04") == ATR
        session = open_access(lambda apdu: reader.ask(connection, apdu), PASSPORT.mrz_lines[1])
        assert session.read_file("EF_DG1") == PASSPORT.files["EF_DG1"]


def test_controls_that_arrive_back_to_back_are_all_carried_out_and_only_the_last_is_answered(reader: FakeVpcd) -> None:
    reader.slot.insert(Card(PASSPORT))
    with reader.accept() as connection:
        open_access(lambda apdu: reader.ask(connection, apdu), PASSPORT.mrz_lines[1])
        connection.sendall(OFF + ON + RESET + GET_ATR)
        for _ in range(4):
            reader.slot.serve_one()
        assert connection.recv(100) == len(ATR).to_bytes(2) + ATR
        assert reader.ask(connection, bytes.fromhex("0084000008")) == bytes.fromhex("6985")


def test_an_unknown_control_and_an_empty_message_do_no_harm(reader: FakeVpcd) -> None:
    reader.slot.insert(Card(PASSPORT))
    with reader.accept() as connection:
        assert reader.ask(connection, b"\x77") == b""
        connection.sendall(b"\x00\x00")
        reader.slot.serve_one()
        assert reader.ask(connection, SELECT_APPLICATION) == b"\x90\x00"


def test_a_card_taken_away_closes_the_connection(reader: FakeVpcd) -> None:
    reader.slot.insert(Card(PASSPORT))
    with reader.accept() as connection:
        reader.slot.remove()
        assert connection.recv(1) == b""
    reader.slot.remove()
    reader.slot.serve_one()
    assert reader.slot.socket is None


def test_a_card_that_pulls_itself_out_closes_the_connection_without_an_answer(reader: FakeVpcd) -> None:
    reader.slot.insert(Card(PASSPORT, pull_out_after_apdus=1))
    with reader.accept() as connection:
        assert reader.ask(connection, SELECT_APPLICATION) == b"\x90\x00"
        assert reader.ask(connection, SELECT_APPLICATION) == b""
    assert reader.slot.socket is None


def test_a_reader_that_hangs_up_loses_the_card(reader: FakeVpcd) -> None:
    reader.slot.insert(Card(PASSPORT))
    reader.accept().close()
    reader.slot.serve_one()
    assert reader.slot.socket is None


def test_a_reader_that_does_not_listen_loses_the_card(reader: FakeVpcd) -> None:
    reader.listener.close()
    reader.slot.insert(Card(PASSPORT))
    reader.slot.serve_one()
    assert reader.slot.socket is None


def test_a_second_card_takes_the_place_of_the_first(reader: FakeVpcd) -> None:
    reader.slot.insert(Card(PASSPORT))
    first = reader.accept()
    reader.slot.insert(Card(PASSPORT))
    with first, reader.accept() as second:
        assert first.recv(1) == b""
        assert reader.ask(second, SELECT_APPLICATION) == b"\x90\x00"


def test_a_listener_is_known_without_connecting_to_it(reader: FakeVpcd) -> None:
    port = reader.listener.getsockname()[1]
    assert vpcd.listens(port)
    reader.listener.close()
    assert not vpcd.listens(port)
