"""Getting to the files: the worked example of the standard, and a chip that breaks the rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from document_fakes.document_chip import converse, given, scripted

from gate_documents.access import tdes
from gate_documents.access.bac import open_with_bac
from gate_documents.access.commands import Command, Response, Transmit, exchange, parse_response
from gate_documents.access.padding import pad, unpad
from gate_documents.access.secure_messaging import SecureMessaging, protected_bytes
from gate_documents.access.suites import FOR_ENCRYPTION, FOR_MAC, SessionKeys, Suite
from gate_documents.errors import AccessDeniedError, MalformedError, SecureMessagingError
from gate_documents.lds.files import COM, data_group, data_group_of_tag
from gate_documents.lds.security_infos import Cipher
from gate_documents.mrz.parser import MrzKey

EXAMPLE = json.loads((Path(__file__).parents[1] / "vectors/icao9303_11_appendix_d.json").read_text())
KEY = MrzKey("L898902C<3", "6908061", "9406236")


def example(name: str) -> bytes:
    return bytes.fromhex(EXAMPLE[name])


def session() -> SecureMessaging:
    keys = SessionKeys(
        Suite(Cipher.TDES),
        encryption_key=example("session_encryption_key"),
        mac_key=example("session_mac_key"),
    )
    return SecureMessaging(keys, example("send_sequence_counter"))


def plain(apdu: str) -> Command:
    """The worked example's commands, which are short."""
    data = bytes.fromhex(apdu)
    _, instruction, p1, p2, length = data[:5]
    if len(data) == 5:
        return Command(instruction, p1, p2, answer_max=length)
    return Command(instruction, p1, p2, data[5:])


def opening(random: Callable[[int], bytes]) -> Generator[Transmit, bytes | None, SecureMessaging]:
    return open_with_bac(KEY, random=random)


def randomness() -> Callable[[int], bytes]:
    return given(example("random_terminal"), example("key_part_terminal"))


def test_the_worked_examples_keys_are_derived() -> None:
    assert KEY.information == EXAMPLE["mrz_information"].encode()
    assert tdes.derive_key(example("key_seed"), FOR_ENCRYPTION) == example("encryption_key")
    assert tdes.derive_key(example("key_seed"), FOR_MAC) == example("mac_key")


def test_the_worked_example_opens_and_reads_the_chip() -> None:
    answers = [example("random_chip") + b"\x90\x00", example("external_authenticate_answer")]
    opened, _, sent = converse(opening(randomness()), scripted(answers))
    assert sent == [example("get_challenge"), example("external_authenticate")]
    for step in EXAMPLE["protected"]:
        response, _, sent = converse(
            opened.exchange(plain(step["command"])), scripted([bytes.fromhex(step["received"])])
        )
        assert sent == [bytes.fromhex(step["sent"])], step["what"]
        assert response == Response(bytes.fromhex(step["data"]), 0x9000), step["what"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([b"\x69\x85"], "gives no challenge: status 6985"),
        ([b"\x01\x02\x90\x00"], "gives no challenge"),
        ([bytes(8) + b"\x90\x00", b"\x63\x00"], "refuses the key of the MRZ: status 6300"),
        ([bytes(8) + b"\x90\x00", bytes(40) + b"\x90\x00"], "wrong MAC"),
        ([bytes(8) + b"\x90\x00", bytes(39) + b"\x90\x00"], "wrong MAC"),
        # Right keys, but the token answers the challenge of the worked example, not this one.
        ([bytes(8) + b"\x90\x00", example("external_authenticate_answer")], "another challenge"),
    ],
)
def test_a_chip_that_does_not_prove_itself_stays_closed(answers: list[bytes], reason: str) -> None:
    with pytest.raises(AccessDeniedError, match=reason):
        converse(opening(randomness()), scripted(answers))


def flipped(answer: bytes, position: int) -> bytes:
    return answer[:position] + bytes([answer[position] ^ 1]) + answer[position + 1 :]


def test_any_flipped_bit_of_a_protected_answer_ends_the_session() -> None:
    read = EXAMPLE["protected"][0]
    answer = bytes.fromhex(read["received"])
    for position in range(len(answer)):
        one = session()
        with pytest.raises(SecureMessagingError):
            converse(one.exchange(plain(read["command"])), scripted([flipped(answer, position)]))
        with pytest.raises(SecureMessagingError, match="has ended"):
            next(one.exchange(plain(read["command"])))


def test_an_answer_in_clear_ends_the_session_and_tells_its_status() -> None:
    with pytest.raises(SecureMessagingError) as caught:
        converse(session().exchange(plain("00B0000004")), scripted([b"\x69\x88"]))
    assert caught.value.status == 0x6988


def test_an_old_answer_played_again_is_refused() -> None:
    read = EXAMPLE["protected"][0]
    one = session()
    answer = bytes.fromhex(read["received"])
    converse(one.exchange(plain(read["command"])), scripted([answer]))
    with pytest.raises(SecureMessagingError, match="wrong MAC"):
        converse(one.exchange(plain(read["command"])), scripted([answer]))


class ForgingChip:
    """Knows the session keys and answers with objects of the test's choice under a right MAC."""

    def __init__(self) -> None:
        self.encryption_key, self.mac_key = example("session_encryption_key"), example("session_mac_key")
        self.counter = int.from_bytes(example("send_sequence_counter"), "big") + 2

    def answer(self, objects: bytes, status: bytes = b"\x90\x00") -> bytes:
        proof = tdes.mac(self.mac_key, self.counter.to_bytes(8, "big") + objects)
        return objects + b"\x8e\x08" + proof + status

    def cryptogram(self, padded: bytes) -> bytes:
        return tdes.encrypt(self.encryption_key, padded)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        (b"", "status is missing"),
        (b"\x99\x02\x62\x82", "differs inside and outside"),
        (b"\x99\x01\x90", "status is missing"),
        (b"\x87\x09\x02" + bytes(8) + b"\x99\x02\x90\x00", "unknown padding"),
        (b"\x87\x08\x01" + bytes(7) + b"\x99\x02\x90\x00", "no whole number of blocks"),
        (b"\x87\x01\x01\x99\x02\x90\x00", "no whole number of blocks"),
    ],
)
def test_a_right_mac_does_not_excuse_wrong_objects(objects: bytes, reason: str) -> None:
    with pytest.raises(SecureMessagingError, match=reason):
        converse(session().exchange(plain("00B0000004")), scripted([ForgingChip().answer(objects)]))


def test_a_cryptogram_without_padding_is_refused() -> None:
    chip = ForgingChip()
    objects = b"\x87\x09\x01" + chip.cryptogram(bytes(8)) + b"\x99\x02\x90\x00"
    with pytest.raises(SecureMessagingError, match="without padding"):
        converse(session().exchange(plain("00B0000004")), scripted([chip.answer(objects)]))


def test_an_odd_instruction_has_its_own_kind_of_cryptogram() -> None:
    chip = ForgingChip()
    cryptogram = chip.cryptogram(pad(b"\x53\x01\x07", 8))
    objects = b"\x85\x08" + cryptogram + b"\x99\x02\x90\x00"
    command = Command(0xB1, 0, 0, b"\x54\x02\x80\x00", answer_max=5)
    response, _, (sent,) = converse(session().exchange(command), scripted([chip.answer(objects)]))
    assert response.data == b"\x53\x01\x07"
    assert sent[5] == 0x85


def test_a_mac_object_that_is_not_last_is_refused() -> None:
    chip = ForgingChip()
    answer = chip.answer(b"\x99\x02\x90\x00")
    moved = answer[4:14] + answer[:4] + answer[-2:]
    with pytest.raises(SecureMessagingError, match="wrong MAC"):
        converse(session().exchange(plain("00B0000004")), scripted([moved]))


@pytest.mark.parametrize(
    ("command", "encoded"),
    [
        (Command(0xA4, 4, 12, b"\xa0\x00"), "00A4040C02A000"),
        (Command(0xB0, 1, 2, answer_max=256), "00B0010200"),
        (Command(0xB0, 1, 2, answer_max=257), "00B00102000101"),
        (Command(0xB0, 1, 2, answer_max=65536), "00B00102000000"),
        (Command(0x88, 0, 0, b"\x01", answer_max=300), "0088000000000101012C"),
        (Command(0xA4, 0, 0), "00A40000"),
    ],
)
def test_commands_are_encoded_short_where_that_is_enough(command: Command, encoded: str) -> None:
    assert command.encode() == bytes.fromhex(encoded)


def test_long_data_makes_a_command_extended() -> None:
    assert Command(0x2A, 0, 0, bytes(256)).encode()[4:7] == b"\x00\x01\x00"


@pytest.mark.parametrize("answer", [None, b"", b"\x90", bytes(65_539)])
def test_an_answer_without_a_status_word_is_refused(answer: bytes | None) -> None:
    with pytest.raises(MalformedError):
        parse_response(answer)


def test_a_plain_exchange_splits_the_answer() -> None:
    response, _, _ = converse(exchange(Command(0x84, 0, 0, answer_max=8)), scripted([b"abc\x62\x82"]))
    assert response == Response(b"abc", 0x6282)


@pytest.mark.parametrize(
    ("count", "block", "protected"),
    [(1, 8, 25), (7, 8, 25), (8, 8, 33), (231, 8, 250), (232, 8, 258), (223, 16, 242), (224, 16, 258)],
)
def test_the_length_of_a_protected_answer_is_foreseen(count: int, block: int, protected: int) -> None:
    assert protected_bytes(count, block) == protected


@pytest.mark.parametrize("data", [b"", b"\x80", b"abc", b"\x00" * 8, b"x" * 16])
def test_padding_is_undone(data: bytes) -> None:
    assert unpad(pad(data, 8), 8) == data


@pytest.mark.parametrize("data", [bytes(8), b"abcdefgh", b"\x80" + bytes(8)])
def test_what_is_not_padded_is_not_unpadded(data: bytes) -> None:
    assert unpad(data, 8) is None


def test_files_have_the_identifiers_and_tags_of_the_standard() -> None:
    assert (COM.name, COM.identifier, COM.tag) == ("EF.COM", 0x011E, 0x60)
    assert (data_group(2).name, data_group(2).identifier, data_group(2).tag) == ("EF.DG2", 0x0102, 0x75)
    assert (data_group(15).name, data_group(15).identifier, data_group(15).tag) == ("EF.DG15", 0x010F, 0x6F)
    assert [data_group_of_tag(data_group(number).tag) for number in range(1, 17)] == list(range(1, 17))
    assert data_group_of_tag(0x60) is None
