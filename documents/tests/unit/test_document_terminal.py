"""Terminal Authentication against the simulated chip, with a control centre that does as it should, and ones that do not."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import random
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from document_fakes.control_centre import FakeCentre
from document_fakes.document_chip import Gone, converse
from document_fakes.inspections import NOW, Conversed, Through, Transmit, anchors, conversed, inspected, issued, results
from document_fakes.sample_passports import ANNA, utopia

from gate_documents import tlv
from gate_documents.access.chip_access import Chip
from gate_documents.access.commands import Command, Response
from gate_documents.authenticity.integrity import Integrity
from gate_documents.authenticity.terminal_authentication import ChainRequest, SignatureRequest, authenticate_terminal
from gate_documents.checks import CheckId, Result
from gate_documents.inspection import inspect
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.lds.security_infos import TerminalAuthenticationInfo
from gate_documents.pki.cvc import parse_card_certificate
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.chip.card import Card
from hardware_sim.passport import lds, terminals
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport
from hardware_sim.passport.terminal_keys import Algorithm
from hardware_sim.passport.terminals import TerminalChain

FINGERS = frozenset({3})
TWO_FINGERS = lds.dg3(b"the left", b"the right")
PACE = (Pace(Mapping.GENERIC, 12, Cipher.AES_128),)
FIELD = (Pace(Mapping.GENERIC, 0, Cipher.AES_128),)
CAM = (Pace(Mapping.CHIP_AUTHENTICATION, 13, Cipher.AES_128),)


@functools.cache
def passport(
    *, pace: tuple[Pace, ...] = (), parameter_id: int = 13, algorithm: Algorithm = "ecdsa", fingers: bool = True
) -> Passport:
    features = Features(
        pace=pace,
        chip_authentication=(Agreement(parameter_id),),
        terminal_authentication=True,
        terminal_algorithm=algorithm,
    )
    return issued(features=features, extra_groups={3: TWO_FINGERS} if fingers else {})


def chain(**order: Any) -> TerminalChain:
    return utopia().terminal_chain(**order)


def outcome(inspection: Inspection) -> tuple[Result, str]:
    check = next(check for check in inspection.checks if check.id is CheckId.TERMINAL_AUTHENTICATION)
    assert check.clause == "TR-03135-1 §5.6.3.2"
    return check.result, check.reason


def talk(document: Passport, centre: Any = lambda _: None, **more: Any) -> Conversed:
    return conversed(document, guarded=FINGERS, centre=centre, **more)


def asked(document: Passport, centre: Any = lambda _: None, **more: Any) -> Inspection:
    return talk(document, centre, **more).inspection


# ── that it works ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("algorithm", ["ecdsa", "rsa", "rsa_pss"])
@pytest.mark.parametrize("pace", [(), PACE, FIELD, CAM], ids=["BAC", "PACE-GM", "PACE-DH", "PACE-CAM"])
def test_a_terminal_that_the_centre_speaks_for_reads_the_fingers(pace: tuple[Pace, ...], algorithm: Algorithm) -> None:
    centre = FakeCentre(chain(algorithm=algorithm))
    inspection = asked(passport(pace=pace, algorithm=algorithm), centre)
    assert results(inspection) == {}
    assert outcome(inspection) == (Result.SUCCESSFUL, f"the chip accepts {centre.chain.holder_reference.decode()}")
    assert inspection.groups[3] is Integrity.IDENTICAL
    assert inspection.fingerprints == 2


@pytest.mark.parametrize("parameter_id", [0, 12, 16])
def test_our_key_of_chip_authentication_is_named_in_every_group(parameter_id: int) -> None:
    assert results(asked(passport(parameter_id=parameter_id), FakeCentre(chain()))) == {}


def test_the_centre_is_asked_for_what_the_chip_trusts_and_for_one_signature() -> None:
    centre = FakeCentre(chain())
    document = passport()
    asked(document, centre)
    wanted, signed = centre.asked
    assert wanted == ChainRequest(("UTCVCA00001",))
    assert isinstance(signed, SignatureRequest)
    assert signed.holder == "UTISXX00001"
    assert signed.message.startswith(document.mrz_lines[1][:10].encode()), "the number with its check digit"
    assert len(signed.message) == 10 + 8 + 32
    assert document.mrz_lines[1][:9] not in repr(signed)


def test_nothing_is_asked_for_unless_the_caller_wants_it() -> None:
    centre = FakeCentre(chain())
    inspection = inspected(passport(), centre=centre)
    assert centre.asked == []
    assert CheckId.TERMINAL_AUTHENTICATION not in {check.id for check in inspection.checks}
    assert inspection.overall is Result.SUCCESSFUL
    assert inspection.groups[3] is Integrity.PRESENT
    assert inspection.fingerprints is None


def test_a_link_certificate_may_come_first() -> None:
    old = terminals.holder("UTCVCA00000", "authority", "before")
    new = terminals.holder("UTCVCA00001", "authority", "7/cvca")
    period = (NOW.date() - timedelta(30), NOW.date() + timedelta(30))
    link = terminals.certificate(old, new, rights=3, period=period)
    document = passport()
    cvca = tlv.encode(0x42, old.reference)
    files = {**document.files, "EF_CVCA": cvca.ljust(36, b"\x00")}
    trusted = dataclasses.replace(document.abilities, trust_point=terminals.trust_point(old, NOW.date()))
    centre = FakeCentre(chain(), chain_of=lambda certificates: link + certificates)
    inspection = asked(dataclasses.replace(document, files=files, abilities=trusted), centre)
    assert outcome(inspection)[0] is Result.SUCCESSFUL
    assert inspection.fingerprints == 2


# ── what a chip does not offer ───────────────────────────────────────────────────────────────────────────────────────


def test_a_document_without_fingers_needs_no_terminal() -> None:
    centre = FakeCentre(chain())
    inspection = asked(passport(fingers=False), centre)
    assert outcome(inspection) == (Result.NOT_SUPPORTED, "the document has none of the guarded data groups")
    assert inspection.overall is Result.SUCCESSFUL
    assert centre.asked == []


def test_a_chip_without_chip_authentication_does_not_offer_it() -> None:
    inspection = asked(issued(extra_groups={3: TWO_FINGERS}), FakeCentre(chain()))
    assert outcome(inspection) == (
        Result.NOT_SUPPORTED,
        "the chip offers no Chip Authentication, which must come before",
    )


def test_a_chip_that_announces_nothing_and_has_no_file_does_not_offer_it() -> None:
    inspection = asked(issued(features=Features(chip_authentication=(Agreement(13),)), extra_groups={3: TWO_FINGERS}))
    assert outcome(inspection) == (Result.NOT_SUPPORTED, "the chip has no EF.CVCA")


def test_a_chip_whose_key_was_not_shown_is_not_asked() -> None:
    features = Features(chip_authentication=(Agreement(13),), terminal_authentication=True)
    centre = FakeCentre(chain())
    inspection = asked(issued("no_private_key", features=features, extra_groups={3: TWO_FINGERS}), centre)
    assert outcome(inspection) == (
        Result.UNDETERMINED,
        "there was no Chip Authentication, which must come before",
    )
    assert centre.asked == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no EF.CVCA"),
        (bytes(36), "one or two references"),
        (b"\x42\x03UT1".ljust(36, b"\x00"), "EF.CVCA"),
    ],
)
def test_a_file_that_is_missing_or_none_fails(content: bytes | None, reason: str) -> None:
    document = passport()
    files = {name: kept for name, kept in document.files.items() if name != "EF_CVCA"}
    if content is not None:
        files["EF_CVCA"] = content
    result, why = outcome(asked(dataclasses.replace(document, files=files), FakeCentre(chain())))
    assert result is Result.FAILED
    assert reason in why


# ── what a centre does not do ────────────────────────────────────────────────────────────────────────────────────────


def without_the_last(certificates: bytes) -> bytes:
    first, _ = tlv.elements(certificates)
    return tlv.encode(first.tag, first.value)


def without_the_first(certificates: bytes) -> bytes:
    _, second = tlv.elements(certificates)
    return tlv.encode(second.tag, second.value)


def with_another_kind(certificates: bytes) -> bytes:
    return certificates.replace(bytes.fromhex("04007F000703010201"), bytes.fromhex("04007F000703010202"))


UNUSABLE = "the control centre's certificates cannot be used: "


@pytest.mark.parametrize(
    ("order", "change", "reason"),
    [
        ({}, lambda _: None, "no inspection-system certificates"),
        ({}, lambda _: b"", UNUSABLE + "no certificate, or too many"),
        ({}, lambda _: b"\x7f\x21\x00", UNUSABLE + "not the objects of a card-verifiable certificate"),
        ({}, without_the_first, UNUSABLE + "they begin at an authority that the chip does not know"),
        ({"algorithm": "rsa"}, bytes, UNUSABLE + "they begin at an authority that the chip does not know"),
        ({}, without_the_last, UNUSABLE + "they do not end at a terminal"),
        ({}, with_another_kind, UNUSABLE + "one is for another kind of terminals"),
        ({"expired": True}, bytes, UNUSABLE + "the one of UTDVXX00001 ended on 2026-10-26"),
        ({"rights": 2}, bytes, UNUSABLE + "the one of UTDVXX00001 does not grant what is wanted"),
    ],
)
def test_a_chain_that_cannot_lead_there_is_undetermined_and_never_shown(
    order: dict[str, Any], change: Callable[[bytes], bytes | None], reason: str
) -> None:
    inspection, _, sent, _ = talk(passport(), FakeCentre(chain(**order), chain_of=change))
    assert outcome(inspection) == (Result.UNDETERMINED, reason)
    assert not any(apdu[1] == 0x2A for apdu in sent)
    assert results(inspection) == {"terminal_authentication": "undetermined"}
    assert inspection.groups[3] is Integrity.PRESENT


@pytest.mark.parametrize(("hours", "result"), [(-1, Result.SUCCESSFUL), (1, Result.UNDETERMINED)])
def test_the_days_of_the_centres_certificates_are_those_of_greenwich(hours: int, result: Result) -> None:
    """Where it is fourteen hours later, it has been the next day for long."""
    made = chain()
    last_day = min(parse_card_certificate(one).expires for one in made.certificates)
    midnight = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1)
    now = (midnight + timedelta(hours=hours)).astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert outcome(asked(passport(), FakeCentre(made), now=now))[0] is result


def test_a_chain_whose_links_do_not_meet_is_undetermined() -> None:
    good, other = chain(), utopia().terminal_chain(algorithm="rsa")
    mixed = good.certificates[0] + other.certificates[1]
    inspection = asked(passport(), FakeCentre(good, chain_of=lambda _: mixed))
    assert outcome(inspection) == (
        Result.UNDETERMINED,
        UNUSABLE + "one is not signed by the holder of the one before",
    )


def test_a_forged_chain_is_refused_by_the_chip() -> None:
    inspection = asked(passport(), FakeCentre(chain(forged=True)))
    assert outcome(inspection) == (Result.FAILED, "the chip refuses the certificate of UTDVXX00001: status 6300")
    assert inspection.overall is Result.FAILED
    assert results(inspection) == {"terminal_authentication": "failed"}


@pytest.mark.parametrize(
    ("change", "result", "reason"),
    [
        (lambda _: None, Result.UNDETERMINED, "the control centre does not sign"),
        (lambda _: b"", Result.UNDETERMINED, UNUSABLE + "a signature that is none"),
        (lambda _: bytes(1025), Result.UNDETERMINED, UNUSABLE + "a signature that is none"),
        (lambda _: bytes(64), Result.FAILED, "the chip does not accept the terminal: status 6300"),
        (
            lambda good: good[:-1] + bytes((good[-1] ^ 1,)),
            Result.FAILED,
            "the chip does not accept the terminal: status 6300",
        ),
    ],
    ids=["none", "empty", "too long", "zeros", "one bit"],
)
def test_a_signature_that_is_missing_or_wrong(
    change: Callable[[bytes], bytes | None], result: Result, reason: str
) -> None:
    inspection = asked(passport(), FakeCentre(chain(), signature_of=change))
    assert outcome(inspection) == (result, reason)
    assert inspection.groups[3] is Integrity.PRESENT


# ── what a chip does on the way ──────────────────────────────────────────────────────────────────────────────────────


def dropping(instruction: int, answer: bytes) -> Through:
    """A chip that ends its session rather than answer this instruction, once."""

    def through(transmit: Transmit) -> Transmit:
        dropped: list[bytes] = []

        def pass_on(apdu: bytes) -> bytes:
            if apdu[:2] == bytes((0x0C, instruction)) and not dropped:
                dropped.append(apdu)
                transmit(bytes.fromhex("00A4040C07A0000002471001"))
                return answer
            return transmit(apdu)

        return pass_on

    return through


@pytest.mark.parametrize("instruction", [0x2A, 0x84, 0x82])
def test_a_chip_that_ends_its_session_over_it_fails_and_is_read_to_the_end(instruction: int) -> None:
    inspection = asked(passport(), FakeCentre(chain()), through=dropping(instruction, b"\x69\x82"))
    assert outcome(inspection) == (
        Result.FAILED,
        "the chip breaks off Terminal Authentication: an answer in clear: status 6982",
    )
    assert results(inspection) == {"terminal_authentication": "failed"}
    assert inspection.groups[3] is Integrity.PRESENT


@pytest.mark.parametrize("instruction", [0x2A, 0x84, 0x82])
def test_a_chip_that_is_pulled_out_on_the_way_aborts_it(instruction: int) -> None:
    def through(transmit: Transmit) -> Transmit:
        def answer(apdu: bytes) -> bytes:
            if apdu[1] == instruction and apdu[0] == 0x0C:
                raise Gone
            return transmit(apdu)

        return answer

    inspection = asked(passport(), FakeCentre(chain()), through=through)
    assert outcome(inspection)[0] is Result.ABORTED
    assert results(inspection) == {"terminal_authentication": "aborted", "dg_hashes": "aborted"}
    assert inspection.groups[3] is Integrity.ABORTED


def test_a_chip_that_was_not_opened_leaves_it_undetermined() -> None:
    inspection = asked(
        passport(), FakeCentre(chain()), printed=issued(person=dataclasses.replace(ANNA, number="X1")).mrz_lines
    )
    assert outcome(inspection) == (Result.UNDETERMINED, "the chip was not read so far")


def test_fingers_that_are_not_what_was_signed_fail() -> None:
    document = passport()
    changed = dataclasses.replace(document, files={**document.files, "EF_DG3": lds.dg3(b"another's")})
    inspection = asked(changed, FakeCentre(chain()))
    assert outcome(inspection)[0] is Result.SUCCESSFUL
    assert results(inspection) == {"dg_hashes": "failed"}
    assert inspection.groups[3] is Integrity.NOT_IDENTICAL
    assert inspection.fingerprints is None


def test_fingers_that_break_their_format_leave_the_hashes_undetermined() -> None:
    features = Features(chip_authentication=(Agreement(13),), terminal_authentication=True)
    document = issued(features=features, extra_groups={3: tlv.encode(0x63, b"")})
    inspection = asked(document, FakeCentre(chain()))
    assert outcome(inspection)[0] is Result.SUCCESSFUL
    assert results(inspection) == {"dg_hashes": "undetermined"}
    assert inspection.fingerprints is None


def test_a_chip_that_accepts_the_terminal_and_has_no_fingers_owes_them() -> None:
    document = passport()
    files = {name: content for name, content in document.files.items() if name != "EF_DG3"}
    inspection = asked(dataclasses.replace(document, files=files), FakeCentre(chain()))
    assert outcome(inspection)[0] is Result.SUCCESSFUL
    assert results(inspection) == {"dg_hashes": "undetermined"}
    assert inspection.groups[3] is Integrity.NOT_PRESENT


def test_long_commands_are_sent_whole_and_expect_any_length() -> None:
    sent = talk(passport(algorithm="rsa"), FakeCentre(chain(algorithm="rsa"))).sent
    long = [apdu for apdu in sent if apdu[1] == 0x2A]
    assert len(long) == 2
    for apdu in long:
        assert apdu[4] == 0
        assert int.from_bytes(apdu[5:7]) == len(apdu) - 9
        assert apdu[-2:] == b"\x00\x00"


@pytest.mark.parametrize("algorithm", ["ecdsa", "rsa"])
@pytest.mark.parametrize("pace", [(), PACE], ids=["BAC", "PACE"])
def test_a_chip_without_extended_length_gets_long_commands_in_chains(
    pace: tuple[Pace, ...], algorithm: Algorithm
) -> None:
    document = passport(pace=pace, algorithm=algorithm)
    inspection, _, sent, _ = talk(document, FakeCentre(chain(algorithm=algorithm)), no_extended_length=True)
    assert results(inspection) == {}
    assert inspection.fingerprints == 2
    long = [apdu for apdu in sent if apdu[1] == 0x2A]
    assert {apdu[0] for apdu in long} == ({0x1C, 0x0C} if algorithm == "rsa" else {0x0C})
    assert all(len(apdu) <= 261 for apdu in long)


def test_a_chain_of_commands_ends_at_the_first_refusal() -> None:
    told: list[Command] = []

    class Refusing(Chip):
        def ask(self, command: Command) -> Generator[Any, bytes | None, Response]:
            yield from ()
            told.append(command)
            return Response(b"", 0x9000 if len(told) < 2 else 0x6884)

    chip = Refusing(mrz_key=None, random=bytes)
    with pytest.raises(StopIteration) as ended:
        next(chip.ask_at_length(Command(0x2A, 0x00, 0xBE, bytes(range(256)) * 3)))
    assert ended.value.value.status == 0x6884
    assert [len(command.data) for command in told] == [223, 223]
    assert {command.instruction_class for command in told} == {0x10}


def test_the_compressed_key_of_a_field_is_its_hash() -> None:
    centre = FakeCentre(chain())
    asked(passport(parameter_id=0), centre)
    signed = centre.asked[1]
    assert isinstance(signed, SignatureRequest)
    assert len(signed.message) == 10 + 8 + hashlib.sha1(usedforsecurity=False).digest_size


def test_after_pace_cam_its_key_is_named_and_no_other_is_agreed_on() -> None:
    features = Features(pace=CAM, terminal_authentication=True)
    inspection, _, sent, _ = talk(issued(features=features, extra_groups={3: TWO_FINGERS}), FakeCentre(chain()))
    assert results(inspection) == {}
    assert inspection.fingerprints == 2
    assert inspection.agreement is None
    assert not any(apdu[:4] == bytes.fromhex("0C2241A4") for apdu in sent)


def test_a_chip_that_goes_by_its_number_after_pace_is_asked_a_second_time() -> None:
    document, centre = passport(pace=PACE), FakeCentre(chain())
    inspection = asked(document, centre, static_binding=True)
    assert results(inspection) == {}
    first, second = (one for one in centre.asked if isinstance(one, SignatureRequest))
    assert len(first.message) == 32 + 8 + 32
    assert second.message.startswith(document.mrz_lines[1][:10].encode())


def test_a_terminal_that_is_refused_under_both_names_has_failed() -> None:
    centre = FakeCentre(chain(), signature_of=lambda _: bytes(64))
    inspection = asked(passport(pace=PACE), centre)
    assert outcome(inspection) == (Result.FAILED, "the chip does not accept the terminal: status 6300")
    assert len(centre.asked) == 3


def test_with_the_card_access_number_that_is_the_second_name() -> None:
    features = Features(pace=PACE, can="123456", chip_authentication=(Agreement(13),), terminal_authentication=True)
    document = issued(features=features, extra_groups={3: TWO_FINGERS})
    centre = FakeCentre(chain(), signature_of=lambda _: bytes(64))
    conversation = inspect(
        None,
        anchors=anchors(),
        now=NOW,
        random=random.Random(2).randbytes,
        card_access_number="123456",
        guarded=FINGERS,
    )
    converse(conversation, Card(document, random_bytes=random.Random(1).randbytes).transmit, centre)
    second = centre.asked[-1]
    assert isinstance(second, SignatureRequest)
    assert second.message.startswith(b"123456")


def test_only_version_1_is_spoken() -> None:
    infos = dataclasses.replace(
        parse_dg14(passport().files["EF_DG14"]), terminal_authentications=(TerminalAuthenticationInfo(2, None),)
    )
    with pytest.raises(StopIteration) as ended:
        next(authenticate_terminal(Chip(mrz_key=None, random=bytes), infos, FINGERS, NOW.date()))
    assert ended.value.value.result is Result.NOT_SUPPORTED
    assert "that we know" in ended.value.value.reason


def test_nothing_known_of_the_chip_is_nothing_offered() -> None:
    with pytest.raises(StopIteration) as ended:
        next(authenticate_terminal(Chip(mrz_key=None, random=bytes), None, FINGERS, NOW.date()))
    assert ended.value.value.result is Result.NOT_SUPPORTED
