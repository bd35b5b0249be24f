"""Terminal Authentication from the card's side: who may read the fingers, and everybody who may not."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia
from fakes import ber_tree, chip_pace_terminal, chip_terminal
from fakes.chip_pace_terminal import CURVES, RANDOM, Agreement, session, tlv
from fakes.chip_terminal import open_access

from hardware_sim.chip.card import Card
from hardware_sim.passport import lds, terminals
from hardware_sim.passport.abilities import Agreement as KeyOrder
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport
from hardware_sim.passport.terminals import TerminalChain

FINGERS = lds.dg3(b"the holder's fingers")
MSE_DST, MSE_AT, VERIFY = (bytes.fromhex(header) for header in ("0C2281B6", "0C2281A4", "0C2A00BE"))


def passport(parameter_id: int = 12, *, pace: tuple[Pace, ...] = ()) -> Passport:
    features = Features(pace=pace, chip_authentication=(KeyOrder(parameter_id),), terminal_authentication=True)
    return utopia().issue(ANNA, portrait_jpeg=portrait(), features=features, extra_groups={3: FINGERS})


class Terminal:
    """A terminal after BAC and Chip Authentication, with the identity that it saw and the key that it sent."""

    def __init__(self, document: Passport, before: chip_terminal.Protected, identity: bytes) -> None:
        key = document.abilities.agreement_keys[0]
        group = Agreement(key.parameter_id)
        arc = 2 if key.parameter_id in CURVES else 1
        before.send(bytes.fromhex("0C2241A4"), tlv("80", bytes.fromhex("04007F0007020203") + bytes((arc, 2))))
        public = group.power(group.generator, RANDOM % group.order)
        general = tlv("7C", tlv("80", group.encode(public)))
        assert before.send(bytes.fromhex("0C860000"), general, 65536, extended=True)[1] == 0x9000
        shared = group.power(group.decode(key.public), RANDOM % group.order)
        self.talk = session(before.transmit, group.secret(shared), 2)
        self.identity = identity
        is_curve = key.parameter_id in CURVES
        self.key = group.secret(public) if is_curve else hashlib.sha1(group.encode(public)).digest()

    def present(self, chain: TerminalChain) -> int:
        """Show the certificates; the status of the last command that was answered."""
        reference = chain.authority_reference
        for certificate in chain.certificates:
            if status := self.trusting(reference, certificate):
                return status
            reference = ber_tree.parse(certificate)[0][3].content
        return 0x9000

    def trusting(self, reference: bytes, certificate: bytes) -> int:
        """0 when the certificate was accepted, else the status."""
        chosen = self.talk.send(MSE_DST, tlv("83", reference))[1]
        if chosen != 0x9000:
            return chosen
        body = b"".join(node.raw for node in ber_tree.parse(certificate).parts)
        verified = self.talk.send(VERIFY, body, extended=True)[1]
        return 0 if verified == 0x9000 else verified

    def prove(self, chain: TerminalChain, *, twist: int = 0) -> int:
        """Sign the challenge."""
        chosen = self.talk.send(MSE_AT, tlv("83", chain.holder_reference))[1]
        if chosen != 0x9000:
            return chosen
        nonce, status = self.talk.send(bytes.fromhex("0C840000"), ne=8)
        assert status == 0x9000
        assert isinstance(chain.key.private, ec.EllipticCurvePrivateKey)
        signed = chain.key.private.sign(self.identity + nonce + self.key, ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(signed)
        proof = r.to_bytes(32) + (s ^ twist).to_bytes(32)
        return self.talk.send(bytes.fromhex("0C820000"), proof)[1]

    def fingers(self) -> int:
        return self.talk.select("EF_DG3")


def after_bac(document: Passport) -> Terminal:
    before = open_access(Card(document).transmit, document.mrz_lines[1])
    return Terminal(document, before, document.mrz_lines[1][:10].encode())


@pytest.mark.parametrize("parameter_id", [0, 12, 16])
def test_a_certified_terminal_reads_the_fingers(parameter_id: int) -> None:
    terminal, chain = after_bac(passport(parameter_id)), utopia().terminal_chain()
    assert terminal.fingers() == 0x6982
    assert terminal.present(chain) == 0x9000
    assert terminal.fingers() == 0x6982
    assert terminal.prove(chain) == 0x9000
    assert terminal.talk.read_file("EF_DG3") == FINGERS


@pytest.mark.parametrize("parameter_id", [0, 13])
def test_after_pace_the_chips_ephemeral_key_is_its_identity(parameter_id: int) -> None:
    document = passport(pace=(Pace(Mapping.GENERIC, parameter_id, Cipher.AES_128),))
    lower = document.mrz_lines[1]
    seed = hashlib.sha1((lower[:10] + lower[13:20] + lower[21:28]).encode()).digest()
    run = chip_pace_terminal.run_pace(Card(document).transmit, seed, parameter_id=parameter_id)
    run.protected.send(bytes.fromhex("0CA4040C"), bytes.fromhex("A0000002471001"))
    curve = parameter_id in CURVES
    identity = run.chip_key[1:33] if curve else hashlib.sha1(run.chip_key).digest()
    terminal, chain = Terminal(document, run.protected, identity), utopia().terminal_chain()
    assert (terminal.present(chain), terminal.prove(chain)) == (0x9000, 0x9000)
    assert terminal.fingers() == 0x9000


def test_rights_are_what_the_certificates_grant() -> None:
    chain = utopia().terminal_chain(rights=terminals.READS_IRISES)
    terminal = after_bac(passport())
    assert (terminal.present(chain), terminal.prove(chain)) == (0x9000, 0x9000)
    assert terminal.fingers() == 0x6982


def test_rights_end_with_the_session() -> None:
    document, chain = passport(), utopia().terminal_chain()
    terminal = after_bac(document)
    terminal.present(chain)
    terminal.prove(chain)
    terminal.talk.transmit(bytes.fromhex("00A40000"))
    again = after_bac(document)
    assert again.fingers() == 0x6982
    assert again.prove(chain) == 0x6A88


@pytest.mark.parametrize(("choice", "status"), [({"expired": True}, 0x6300), ({"forged": True}, 0x6300)])
def test_a_chain_that_is_over_or_forged_is_refused_at_its_first_certificate(
    choice: dict[str, Any], status: int
) -> None:
    terminal = after_bac(passport())
    assert terminal.present(utopia().terminal_chain(**choice)) == status
    assert terminal.prove(utopia().terminal_chain()) == 0x6A88


def test_a_wrong_signature_over_the_challenge_is_refused_and_the_challenge_is_spent() -> None:
    terminal, chain = after_bac(passport()), utopia().terminal_chain()
    terminal.present(chain)
    assert terminal.prove(chain, twist=1) == 0x6300
    assert terminal.talk.send(bytes.fromhex("0C820000"), bytes(64))[1] == 0x6985
    assert terminal.talk.send(bytes.fromhex("0C820000"), bytes(12))[1] == 0x6985
    assert terminal.fingers() == 0x6982


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64)])
def test_what_is_no_signature_over_the_challenge_is_refused(signature: bytes) -> None:
    terminal, chain = after_bac(passport()), utopia().terminal_chain()
    terminal.present(chain)
    terminal.talk.send(MSE_AT, tlv("83", chain.holder_reference))
    terminal.talk.send(bytes.fromhex("0C840000"), ne=8)
    assert terminal.talk.send(bytes.fromhex("0C820000"), signature)[1] == 0x6300


def test_a_verifier_is_no_terminal() -> None:
    terminal, chain = after_bac(passport()), utopia().terminal_chain()
    terminal.trusting(chain.authority_reference, chain.certificates[0])
    verifier = ber_tree.parse(chain.certificates[0])[0][3].content
    assert terminal.talk.send(MSE_AT, tlv("83", verifier))[1] == 0x6985
    assert terminal.talk.send(bytes.fromhex("0C840000"), ne=8)[1] == 0x6985


def test_a_certificate_needs_its_own_issuer_to_be_chosen() -> None:
    terminal, chain = after_bac(passport()), utopia().terminal_chain()
    assert terminal.trusting(chain.authority_reference, chain.certificates[1]) == 0x6985
    assert terminal.trusting(b"NOBODY", chain.certificates[0]) == 0x6A88


PERIOD = (date(2026, 1, 1), date(2027, 1, 1))


def authority() -> terminals.Holder:
    return terminals.holder("UTCVCA00001", "authority", "7/cvca")


def test_the_authority_of_this_country_is_the_one_that_its_chips_know() -> None:
    assert passport().abilities.trust_point == terminals.trust_point(authority(), TODAY)


@pytest.mark.parametrize("role", ["authority", "verifier"])
def test_a_verifier_makes_none_of_its_own_rank_or_above(role: terminals.Role) -> None:
    by = terminals.holder("UTDVXX00001", "verifier", "7/dv")
    made = terminals.certificate(by, terminals.holder("OTHER", role, "other"), rights=1, period=PERIOD)
    terminal, chain = after_bac(passport()), utopia().terminal_chain()
    terminal.trusting(chain.authority_reference, chain.certificates[0])
    assert terminal.trusting(by.reference, made) == 0x6300


def test_an_authority_names_its_successor() -> None:
    successor = terminals.holder("UTCVCA00009", "authority", "next")
    verifier = terminals.holder("UTDVXX00009", "verifier", "another")
    terminal = after_bac(passport())
    link = terminals.certificate(authority(), successor, rights=3, period=PERIOD)
    assert terminal.trusting(authority().reference, link) == 0
    below = terminals.certificate(successor, verifier, rights=1, period=PERIOD)
    assert terminal.trusting(successor.reference, below) == 0


def signed(body: bytes) -> bytes:
    """A certificate with any body, well signed by the authority."""
    return tlv("7F21", body + tlv("5F37", authority().key.sign(body)))


BAD_BODIES = {
    "an impossible day": (0x5F24, bytes((2, 7, 1, 3, 0, 1)), 0x6A80),
    "a short day": (0x5F24, bytes((2, 7, 1)), 0x6A80),
    "no authorisation": (0x7F4C, b"", 0x6A80),
    "another kind of authorisation": (0x7F4C, bytes.fromhex("060904007F000703010202530103"), 0x6A80),
    "another algorithm": (0x7F49, bytes.fromhex("060A04007F00070202020201"), 0x6A80),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_well_signed_certificate_with_a_broken_field_is_refused(what: str) -> None:
    tag, value, status = BAD_BODIES[what]
    body = ber_tree.parse(utopia().terminal_chain().certificates[0])[0]
    fields = [
        tlv(f"{node.tag:X}".rjust(4 if node.tag > 255 else 2, "0"), value if node.tag == tag else node.content)
        for node in body.parts
    ]
    terminal = after_bac(passport())
    assert terminal.trusting(authority().reference, signed(tlv("7F4E", b"".join(fields)))) == status


@pytest.mark.parametrize("content", ["7F4E00", "5F37007F4E00", "00", "7F4E0100"])
def test_what_is_no_certificate_is_refused(content: str) -> None:
    terminal = after_bac(passport())
    terminal.talk.send(MSE_DST, tlv("83", authority().reference))
    assert terminal.talk.send(VERIFY, bytes.fromhex(content))[1] == 0x6A80


def test_the_files_announce_terminal_authentication() -> None:
    document = passport()
    assert document.files["EF_CVCA"] == tlv("42", b"UTCVCA00001").ljust(36, b"\x00")
    assert bytes.fromhex("300D060804007F0007020202020101") in document.files["EF_DG14"]
    terminal = after_bac(document)
    assert terminal.talk.send(bytes.fromhex("0CA4020C"), b"\x01\x1c")[1] == 0x9000
    with pytest.raises(ValueError, match="follows Chip Authentication"):
        Features(terminal_authentication=True)


def test_only_the_authoritys_own_certificate_shows_the_domain_parameters() -> None:
    own = ber_tree.parse(terminals.certificate(authority(), authority(), rights=3, period=PERIOD))
    below = ber_tree.parse(utopia().terminal_chain().certificates[0])
    assert [node.tag for node in own[0][2].parts] == [0x06, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87]
    assert [node.tag for node in below[0][2].parts] == [0x06, 0x86]
    assert [node.tag for node in below[0].parts] == [0x5F29, 0x42, 0x7F49, 0x5F20, 0x7F4C, 0x5F25, 0x5F24]


def test_a_long_certificate_may_come_in_a_chain_of_commands() -> None:
    terminal, chain = after_bac(passport()), utopia().terminal_chain()
    terminal.talk.send(MSE_DST, tlv("83", chain.authority_reference))
    body = b"".join(node.raw for node in ber_tree.parse(chain.certificates[0]).parts)
    for part in (body[:100], body[100:200]):
        assert terminal.talk.send(bytes.fromhex("1C2A00BE"), part)[1] == 0x9000
    assert terminal.talk.send(VERIFY, body[200:])[1] == 0x9000


def test_another_command_ends_a_chain_and_so_does_too_much() -> None:
    terminal, chain = after_bac(passport()), utopia().terminal_chain()
    terminal.talk.send(MSE_DST, tlv("83", chain.authority_reference))
    body = b"".join(node.raw for node in ber_tree.parse(chain.certificates[0]).parts)
    terminal.talk.send(bytes.fromhex("1C2A00BE"), body[:100])
    terminal.fingers()
    assert terminal.talk.send(VERIFY, body[100:])[1] == 0x6A80
    for _ in range(20):
        assert terminal.talk.send(bytes.fromhex("1C2A00BE"), bytes(200))[1] == 0x9000
    assert terminal.talk.send(bytes.fromhex("1C2A00BE"), bytes(200))[1] == 0x6700
