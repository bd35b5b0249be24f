"""Chip Authentication from the card's side, in every group and by both commands, and its refusals."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes import chip_pace_terminal, chip_terminal
from fakes.chip_pace_terminal import CURVES, RANDOM, AesProtected, Agreement, session, tlv
from fakes.chip_terminal import objects, open_access

from hardware_sim.chip.card import Card, Switches
from hardware_sim.chip.quirks import Lie
from hardware_sim.passport import abilities, groups
from hardware_sim.passport.abilities import AgreementKey, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.domain import STANDARDISED
from hardware_sim.passport.issuer import Passport

SELECTED = bytes.fromhex("A0000002471001")


def passport(*keys: abilities.Agreement, pace: tuple[Pace, ...] = (), **choices: Any) -> Passport:
    features = Features(pace=pace, chip_authentication=keys)
    return utopia().issue(ANNA, portrait_jpeg=portrait(), features=features, active_authentication="ecdsa", **choices)


def opened(document: Passport, **switches: Any) -> chip_terminal.Protected:
    return open_access(Card(document, **switches).transmit, document.mrz_lines[1])


def own_key(parameter_id: int) -> tuple[Agreement, bytes]:
    group = Agreement(parameter_id)
    return group, group.encode(group.power(group.generator, RANDOM % group.order))


def secret(key: AgreementKey) -> bytes:
    group = Agreement(key.parameter_id)
    return group.secret(group.power(group.decode(key.public), RANDOM % group.order))


def by_set_at(before: chip_terminal.Protected, key: AgreementKey, cipher: int) -> chip_terminal.Protected:
    """MSE:Set AT and GENERAL AUTHENTICATE."""
    arc = 2 if key.parameter_id in CURVES else 1
    fields = tlv("80", bytes.fromhex("04007F0007020203") + bytes((arc, cipher)))
    if key.key_id is not None:
        fields += tlv("84", bytes((key.key_id,)))
    assert before.send(bytes.fromhex("0C2241A4"), fields) == (b"", 0x9000)
    public = own_key(key.parameter_id)[1]
    general = bytes.fromhex("0C860000")
    assert before.send(general, tlv("7C", tlv("80", public)), 65536, extended=True) == (b"\x7c\x00", 0x9000)
    return session(before.transmit, secret(key), cipher)


def by_set_kat(before: chip_terminal.Protected, key: AgreementKey) -> chip_terminal.Protected:
    """MSE:Set KAT: for triple DES alone."""
    fields = tlv("91", own_key(key.parameter_id)[1])
    if key.key_id is not None:
        fields += tlv("84", bytes((key.key_id,)))
    assert before.send(bytes.fromhex("0C2241A6"), fields, extended=True) == (b"", 0x9000)
    return session(before.transmit, secret(key), 1)


@pytest.mark.parametrize("parameter_id", sorted(STANDARDISED))
def test_the_new_keys_serve_after_set_at_in_every_group(parameter_id: int) -> None:
    document = passport(abilities.Agreement(parameter_id, Cipher.AES_128))
    after = by_set_at(opened(document), document.abilities.agreement_keys[0], 2)
    assert after.read_file("EF_COM") == document.files["EF_COM"]


@pytest.mark.parametrize("cipher", list(Cipher))
@pytest.mark.parametrize("parameter_id", [2, 15])
def test_the_new_keys_serve_after_set_at_with_every_cipher(parameter_id: int, cipher: Cipher) -> None:
    document = passport(abilities.Agreement(parameter_id, cipher, key_id=3))
    after = by_set_at(opened(document), document.abilities.agreement_keys[0], cipher.value)
    assert after.read_file("EF_COM") == document.files["EF_COM"]


@pytest.mark.parametrize("parameter_id", [0, 1, 13])
@pytest.mark.parametrize("cipher", [None, Cipher.TDES])
def test_the_new_keys_serve_after_set_kat(parameter_id: int, cipher: Cipher | None) -> None:
    document = passport(abilities.Agreement(parameter_id, cipher))
    after = by_set_kat(opened(document), document.abilities.agreement_keys[0])
    assert after.read_file("EF_COM") == document.files["EF_COM"]


def test_each_of_several_keys_is_found_by_its_number() -> None:
    orders = (
        abilities.Agreement(13, Cipher.AES_128, key_id=1),
        abilities.Agreement(12, Cipher.AES_256, key_id=2),
        abilities.Agreement(12, None, key_id=2),
    )
    document = passport(*orders)
    first, second, third = document.abilities.agreement_keys
    assert by_set_at(opened(document), first, 2).select("EF_COM") == 0x9000
    assert by_set_at(opened(document), second, 4).select("EF_COM") == 0x9000
    assert by_set_kat(opened(document), third).select("EF_COM") == 0x9000


def test_chip_authentication_follows_pace_as_it_follows_bac() -> None:
    way = Pace(Mapping.GENERIC, 12, Cipher.AES_128)
    document = passport(abilities.Agreement(13, Cipher.AES_256), pace=(way,))
    run = chip_pace_terminal.run_pace(Card(document).transmit, seed(document), parameter_id=12)
    assert isinstance(run.protected, AesProtected)
    before = run.protected
    assert before.send(bytes.fromhex("0C2241A6"), tlv("91", b"\x04")) == (b"", 0x6985)  # not in the master file
    assert before.send(bytes.fromhex("0CA4040C"), SELECTED) == (b"", 0x9000)
    after = by_set_at(before, document.abilities.agreement_keys[0], 4)
    assert after.read_file("EF_SOD") == document.files["EF_SOD"]


def seed(document: Passport) -> bytes:
    lower = document.mrz_lines[1]
    return hashlib.sha1((lower[:10] + lower[13:20] + lower[21:28]).encode()).digest()


def test_the_old_keys_are_done_with() -> None:
    document = passport(abilities.Agreement(13))
    before = opened(document)
    by_set_at(before, document.abilities.agreement_keys[0], 2)
    assert before.transmit(before.wrap(bytes.fromhex("0CA4020C"), b"\x01\x1e")).hex() == "6988"


def test_a_clone_without_the_key_does_not_understand_what_follows() -> None:
    genuine = passport(abilities.Agreement(13))
    clone = passport(abilities.Agreement(13), faults=frozenset({"no_private_key"}))
    before = opened(clone)
    after = by_set_at(before, genuine.abilities.agreement_keys[0], 2)
    assert after.transmit(after.wrap(bytes.fromhex("0CA4020C"), b"\x01\x1e")).hex() == "6988"


@pytest.mark.parametrize(
    ("header", "fields", "answer"),
    [
        ("0C2241A4", "800A04007F00070202030201", 0x6A80),
        ("0C2241A4", "800A04007F00070202030202840109", 0x6A88),
        ("0C2241A4", "", 0x6A80),
        ("0C2241A6", "910104", 0x6A80),
        ("0C2241A6", "", 0x6A80),
        ("0C860000", "7C00", 0x6985),
        ("0C2281A4", "830101", 0x6985),
        ("0C2281B6", "830101", 0x6985),
        ("0C2A00BE", "7F4E00", 0x6985),
        ("0C2A0000", "7F4E00", 0x6A86),
        ("0C22FFA4", "830101", 0x6A86),
    ],
)
def test_what_does_not_fit_is_refused_and_the_session_lives_on(header: str, fields: str, answer: int) -> None:
    before = opened(passport(abilities.Agreement(13)))
    assert before.send(bytes.fromhex(header), bytes.fromhex(fields)) == (b"", answer)
    assert before.select("EF_COM") == 0x9000


def test_a_key_outside_the_group_is_refused_and_the_session_lives_on() -> None:
    before = opened(passport(abilities.Agreement(13)))
    for bad in (b"\x04" + bytes(64), b"\x00", b""):
        fields = bytes.fromhex("800A04007F00070202030202")
        assert before.send(bytes.fromhex("0C2241A4"), fields) == (b"", 0x9000)
        assert before.send(bytes.fromhex("0C860000"), tlv("7C", tlv("80", bad)), 256) == (b"", 0x6A80)
    assert before.select("EF_COM") == 0x9000


def test_a_choice_is_forgotten_by_any_other_command() -> None:
    before = opened(passport(abilities.Agreement(13)))
    assert before.send(bytes.fromhex("0C2241A4"), bytes.fromhex("800A04007F00070202030202")) == (b"", 0x9000)
    before.select("EF_COM")
    assert before.send(bytes.fromhex("0C860000"), tlv("7C", tlv("80", own_key(13)[1])), 256) == (b"", 0x6985)


def test_a_chip_without_keys_refuses_the_protocol() -> None:
    before = opened(passport())
    assert before.send(bytes.fromhex("0C2241A6"), tlv("91", own_key(13)[1])) == (b"", 0x6985)


def test_one_of_several_keys_must_be_named() -> None:
    before = opened(passport(abilities.Agreement(13, key_id=1), abilities.Agreement(12, key_id=2)))
    assert before.send(bytes.fromhex("0C2241A4"), bytes.fromhex("800A04007F00070202030202")) == (b"", 0x6A88)


LIES = {
    "sm_wrong_mac": "MAC does not hold",
    "sm_status_mismatch": "not the status outside",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_of_secure_messaging_comes_after_the_honest_answers(lie: str) -> None:
    talk = opened(passport(), lie=lie, lie_after_answers=2)
    assert talk.select("EF_COM") == 0x9000
    assert talk.read(0, 4)[1] == 0x9000
    with pytest.raises(AssertionError, match=LIES[lie]):
        talk.read(0, 4)


def answer_to(talk: chip_terminal.Protected) -> bytes:
    return talk.transmit(talk.wrap(bytes.fromhex("0CB00000"), ne=4))


def test_an_answer_may_lack_its_status_and_keep_its_mac() -> None:
    talk = opened(passport(), lie="sm_no_status", lie_after_answers=1)
    talk.select("EF_COM")
    answer = answer_to(talk)
    assert set(objects(answer[:-2])) == {0x87, 0x8E}
    ciphered, proof = answer[:-12], objects(answer[:-2])[0x8E]
    assert proof == chip_terminal.mac(talk.mac_key, (talk.counter + 1).to_bytes(8) + ciphered)


def test_an_answer_may_come_in_plain() -> None:
    document = passport()
    talk = opened(document, lie="sm_plain_answer", lie_after_answers=1)
    talk.select("EF_COM")
    assert answer_to(talk) == document.files["EF_COM"][:4] + b"\x90\x00"


def test_an_answer_may_be_the_one_before() -> None:
    talk = opened(passport(), lie="sm_replay", lie_after_answers=1)
    first = talk.transmit(talk.wrap(bytes.fromhex("0CA4020C"), b"\x01\x1e"))
    talk.counter += 1
    assert answer_to(talk) == first


def test_an_old_signature_may_stand_for_every_challenge() -> None:
    talk = opened(passport(), lie="aa_replay")
    answers = {talk.send(bytes.fromhex("0C880000"), bytes((number,)) * 8, 256)[0] for number in range(3)}
    assert len(answers) == 1
    honest = opened(passport())
    assert len({honest.send(bytes.fromhex("0C880000"), bytes((number,)) * 8, 256)[0] for number in range(3)}) == 3


def run(lie: str, parameter_id: int) -> bytes:
    """PACE with a lying chip, up to the chip's ephemeral key."""
    way = Pace(Mapping.GENERIC, parameter_id, Cipher.AES_128)
    document = passport(pace=(way,))
    card = Card(document, lie=lie)
    chip_pace_terminal.choose(card.transmit, chip_pace_terminal.protocol(parameter_id, 2, 2), 1, None)
    group, own = own_key(parameter_id)
    shown = b""
    for fields in (b"", tlv("81", own), tlv("83", group.encode(group.power(group.generator, 5)))):
        body = tlv("7C", fields)
        answer = card.transmit(b"\x10\x86\x00\x00\x00" + len(body).to_bytes(2) + body + b"\x00\x00")
        assert answer[-2:] == b"\x90\x00"
        shown = objects(objects(answer[:-2])[0x7C]).get(0x84, shown)
    return shown


@pytest.mark.parametrize("parameter_id", [0, 12])
def test_a_chip_may_show_the_neutral_element_or_a_foreign_one(parameter_id: int) -> None:
    group = groups.group_of(STANDARDISED[parameter_id])
    assert run("pace_neutral_key", parameter_id) in {b"\x00", b"\x01"}
    outside = run("pace_key_outside", parameter_id)
    assert len(outside) in {65, 128}
    with pytest.raises(groups.NotInGroupError):
        group.secret(outside)


def test_a_chip_may_echo_key_and_token() -> None:
    group = Agreement(12)
    assert run("pace_echoes_key", 12) == group.encode(group.power(group.generator, 5))
    document = passport(pace=(Pace(Mapping.GENERIC, 12, Cipher.AES_128),))
    card = Card(document, lie="pace_echoes_key")
    sent: list[bytes] = []

    def listen(apdu: bytes) -> bytes:
        sent.append(apdu)
        return card.transmit(apdu)

    # A terminal that does not compare the keys takes the echo for a proof: its own token is the one that it expects.
    echoed = chip_pace_terminal.run_pace(listen, seed(document), parameter_id=12)
    assert echoed.chip_key == objects(objects(sent[3][5:-1])[0x7C])[0x83]


def test_a_chip_may_echo_the_mapping_key_and_cannot_finish() -> None:
    document = passport(pace=(Pace(Mapping.GENERIC, 12, Cipher.AES_128),))
    with pytest.raises(chip_pace_terminal.PaceRefusedError, match="6300"):
        chip_pace_terminal.run_pace(Card(document, lie="pace_echoes_mapping").transmit, seed(document), parameter_id=12)


def test_a_chip_may_prove_itself_wrongly() -> None:
    document = passport(pace=(Pace(Mapping.GENERIC, 12, Cipher.AES_128),))
    with pytest.raises(AssertionError):
        chip_pace_terminal.run_pace(Card(document, lie="pace_wrong_token").transmit, seed(document), parameter_id=12)


def test_every_lie_and_every_switch_stands_in_the_document() -> None:
    text = (Path(__file__).parents[2] / "docs/protocols/simulated-passport.md").read_text()
    words = {lie.value for lie in Lie} | set(Switches.__annotations__)
    assert [word for word in sorted(words) if f"`{word}`" not in text] == []
