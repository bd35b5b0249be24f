"""The simulated chip against recorded dialogues and a published specimen whose private keys are known."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from fakes import ber_tree
from fakes.chip_pace_terminal import RANDOM, Agreement, session, tlv
from fakes.chip_terminal import open_access
from shared_data import SHARED_DATA

from hardware_sim.chip.apdu import Response, parse
from hardware_sim.chip.card import Card
from hardware_sim.chip.crypto import KeyPair
from hardware_sim.chip.secure_messaging import Session
from hardware_sim.passport import security_infos
from hardware_sim.passport.abilities import Abilities, AgreementKey
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.chip_key import ChipKey, Scheme
from hardware_sim.passport.face_record import face_block_39794
from hardware_sim.passport.issuer import Passport

DATA = SHARED_DATA / "emrtd"
REFERENCE = DATA / "lds_bsi_tr03105_refset"
BRAINPOOL_P224 = 11

pytestmark = pytest.mark.conformance


def trace(name: str) -> Any:
    return json.loads((DATA / f"kat/{name}.json").read_text())


@pytest.mark.parametrize("name", ["trace_ca_AT", "trace_ca_MY"])
def test_the_cards_end_of_secure_messaging_opens_and_closes_a_recorded_dialogue(name: str) -> None:
    """The third command is protected by the keys that Chip Authentication has agreed on."""
    recorded = trace(name)
    ciphers = {"AES": Cipher.AES_128, "TDES": Cipher.TDES}
    before, after = (
        Session(KeyPair(bytes.fromhex(one["enc"]), bytes.fromhex(one["mac"]), ciphers[one["alg"]]), counter)
        for one, counter in zip(recorded["sm"], (int(recorded["ssc"][0], 16), 0), strict=True)
    )
    instructions = []
    for exchange, keys in zip(recorded["apdus"], (before, before, after), strict=True):
        command = keys.open(parse(bytes.fromhex(exchange["cmd"])))
        instructions.append(command.ins)
        plain = b"\x7c\x00" if command.ins == 0x86 else b""
        assert keys.protect(Response(0x9000, plain), odd=False).encode().hex().upper() == exchange["rsp"]
    assert instructions == [0x22, 0x86, 0xA4]
    assert after.counter == int(recorded["ssc"][1], 16)


def test_the_card_speaks_its_part_of_the_recorded_worked_example() -> None:
    recorded = trace("trace_pace_gm_icao")
    vectors = json.loads((Path(__file__).parents[2] / "documents/tests/vectors/icao9303_11_pace.json").read_text())[
        "g1"
    ]
    number, birth, expiry = (field + check(field) for field in vectors["document"])
    lines = ("P<UTO".ljust(44, "<"), f"{number}UTO{birth}F{expiry}".ljust(44, "<"))
    chosen = iter(bytes.fromhex(vectors[name]) for name in ("nonce", "chip_mapping_private", "chip_private"))
    abilities = Abilities(pace=(Pace(Mapping.GENERIC, 13, Cipher.AES_128),))
    document = Passport(lines, {"EF_CARD_ACCESS": bytes.fromhex(recorded["card_access"])}, None, abilities)
    card = Card(document, random_bytes=lambda _count: next(chosen))
    for exchange in recorded["apdus"]:
        assert card.transmit(bytes.fromhex(exchange["cmd"])).hex().upper() == exchange["rsp"]
    ways = (security_infos.pace_info(way) for way in abilities.pace)
    assert security_infos.security_infos(ways).hex().upper() == recorded["card_access"]


def check(field: str) -> str:
    return str(sum(int(character, 36) * (7, 3, 1)[index % 3] for index, character in enumerate(field)) % 10)


def reference_key() -> tuple[AgreementKey, ber_tree.Node]:
    """The specimen's agreement key, and its ChipAuthenticationPublicKeyInfo."""
    private = ber_tree.parse((REFERENCE / "DG14_sk.pkcs8").read_bytes())
    scalar = ber_tree.parse(private[2].content)[1].content
    infos = ber_tree.parse((REFERENCE / "Datagroup14.bin").read_bytes())[0].parts
    shown = next(info for info in infos if info[0].oid == "0.4.0.127.0.7.2.2.1.2")
    return AgreementKey(BRAINPOOL_P224, int.from_bytes(scalar)), shown


def test_the_specimens_public_key_is_written_as_the_specimen_has_it() -> None:
    key, shown = reference_key()
    assert security_infos.public_info(key, explicit=True) == shown[1].raw


def test_a_card_with_the_specimens_files_and_keys_plays_the_specimen() -> None:
    key, _shown = reference_key()
    signing: Any = load_der_private_key((REFERENCE / "DG15_sk.pkcs8").read_bytes(), None)
    files = {
        "EF_COM": "EF_COM",
        "EF_SOD": "EF_SOD",
        **{f"EF_DG{number}": f"Datagroup{number}" for number in (1, 14, 15)},
    }
    contents = {name: (REFERENCE / f"{file}.bin").read_bytes() for name, file in files.items()}
    mrz = ber_tree.parse(contents["EF_DG1"])[0].content.decode()
    lines = (mrz[:44], mrz[44:]) if len(mrz) == 88 else (mrz[:36], mrz[36:])
    document = Passport(lines, contents, ChipKey(Scheme.RSA_SHA1, signing), Abilities(agreement_keys=(key,)))
    before = open_access(Card(document).transmit, lines[1])

    group = Agreement(BRAINPOOL_P224)
    own = group.encode(group.power(group.generator, RANDOM % group.order))
    assert before.send(bytes.fromhex("0C2241A6"), tlv("91", own)) == (b"", 0x9000)
    shared = group.secret(group.power(group.decode(key.public), RANDOM % group.order))
    after = session(before.transmit, shared, 1)
    for name, content in contents.items():
        assert after.read_file(name) == content
    signature, status = after.send(bytes.fromhex("0C880000"), bytes(8), 0)
    assert status == 0x9000
    numbers = signing.public_key().public_numbers()
    representative = pow(int.from_bytes(signature), numbers.e, numbers.n).to_bytes(len(signature))
    recovered, digest = representative[1:-21], representative[-21:-1]
    assert (representative[0], representative[-1]) == (0x6A, 0xBC)
    assert digest == hashlib.sha1(recovered + bytes(8)).digest()


def test_the_newer_face_record_is_the_published_one_byte_for_byte() -> None:
    portrait = (DATA / "dg2/silver.jp2").read_bytes()
    assert face_block_39794(portrait) == (DATA / "dg2/39794_AP_mand.bdb").read_bytes()
