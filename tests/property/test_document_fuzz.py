"""Whatever a stranger's bytes hold, the parsers of documents and lists raise only their own errors, and come to an end."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.defect_lists import (
    DEVIATION_SIGNER,
    defect,
    defect_list,
    deviates,
    deviation,
    deviation_list,
    generalized,
    issuer_and_serial,
    known,
    printable,
    status,
)
from document_fakes.document_chip import Gone, converse
from document_fakes.master_lists import master_list, party, revocation_list, signed_list
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.trust.errors import SourceError
from gate.trust.folder import binary_values
from gate.trust.sources import read_source
from gate_documents import tlv
from gate_documents.authenticity.active_authentication import verify_answer
from gate_documents.authenticity.passive_authentication import judge_sod
from gate_documents.checks import Result
from gate_documents.errors import DocumentError, MrzError
from gate_documents.inspection import inspect, inspect_files
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.card_security import parse_card_security
from gate_documents.lds.com import parse_com
from gate_documents.lds.cvca import parse_cvca
from gate_documents.lds.dg1 import parse_dg1
from gate_documents.lds.dg2 import parse_dg2
from gate_documents.lds.dg3 import count_fingerprints
from gate_documents.lds.dg7 import parse_dg7
from gate_documents.lds.dg11 import parse_dg11
from gate_documents.lds.dg12 import parse_dg12
from gate_documents.lds.dg13 import parse_dg13
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.lds.dg15 import parse_dg15
from gate_documents.lds.dg16 import parse_dg16
from gate_documents.lds.dtc import parse_dtc
from gate_documents.lds.sod import parse_sod
from gate_documents.mrz.parser import parse
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.cvc import parse_card_certificate, parse_chain
from gate_documents.pki.defect_list import parse_defect_list
from gate_documents.pki.deviation_list import parse_deviation_list
from gate_documents.pki.master_list import parse_master_list
from gate_documents.pki.revocation import parse_revocation_list
from gate_documents.seal.judge import judge_seal
from gate_documents.seal.profiles import read_content
from gate_documents.seal.vds import parse_seal
from hardware_sim.passport import der

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="rsa")
ELLIPTIC = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
CHAIN = utopia().terminal_chain().certificates
CSCA = party("CSCA")
SIGNER = party("L", issuer=CSCA, authority=False, lists=True)
DEVIATIONS = party("D", issuer=CSCA, authority=False, purpose=DEVIATION_SIGNER)
DEVIATION = deviation(
    der.tlv(0x80, b"P"),
    der.tlv(0xA1, issuer_and_serial(SIGNER)),
    der.tlv(0xA4, generalized(datetime(2024, 1, 1, tzinfo=UTC)), generalized(datetime(2025, 1, 1, tzinfo=UTC))),
    der.tlv(0xA5, printable("X1"), printable("X2")),
    kinds=(deviates("2.2", der.integer(12), text="wrong"), deviates("1.2", der.integer(5))),
)
DEFECT = defect(
    SIGNER, known("1.1", status(1)), known("2.1", der.tlv(0x31, der.integer(3))), known("2.5", printable("DE"))
)
FACE_39794 = utopia().issue(ANNA, portrait_jpeg=portrait(), portrait_format="39794-5").files["EF_DG2"]
DG3 = tlv.encode(0x63, tlv.encode(0x7F61, b"\x02\x01\x01" + tlv.encode(0x7F60, b"x")))
DG7 = tlv.encode(0x67, b"\x02\x01\x01" + tlv.encode(0x5F43, b"\xff\xd8\xff"))
DG11 = tlv.encode(
    0x6B,
    tlv.encode(0x5C, b"\x5f\x0e\xa0")
    + tlv.encode(0x5F0E, b"DOE<<JANE")
    + tlv.encode(0xA0, b"\x02\x01\x01" + tlv.encode(0x5F0F, b"ROE"))
    + tlv.encode(0x5F2B, b"19940812"),
)
DG16 = tlv.encode(
    0x70, b"\x02\x01\x01" + tlv.encode(0xA1, tlv.encode(0x5F50, b"20250101") + tlv.encode(0x5F51, b"DOE"))
)
CARD_SECURITY = signed_list(SIGNER, ELLIPTIC.files["EF_DG14"][2:], content_type="0.4.0.127.0.7.3.2.1")
SEALS = json.loads((Path(__file__).parents[2] / "documents/tests/vectors/bsi_tr03137_seals.json").read_text())["seals"]
CREDENTIAL = tlv.encode(
    0x30,
    b"\x02\x01\x01"
    + tlv.encode(
        0x30,
        tlv.encode(0x80, ELLIPTIC.files["EF_SOD"])
        + tlv.encode(0x81, ELLIPTIC.files["EF_DG1"])
        + tlv.encode(0x82, ELLIPTIC.files["EF_DG2"][:200]),
    ),
)
DG12 = tlv.encode(0x6C, tlv.encode(0x5C, b"\x5f\x26") + tlv.encode(0x5F26, b"20210416"))


def whole_sod(data: bytes) -> None:
    """Parse and verify, against anchors that would say yes."""
    judge_sod(data, ListedAnchors(utopia().csca_files().values()), NOW)
    parse_sod(data).message.verify()


def whole_certificate(data: bytes) -> None:
    one = parse_certificate(data)
    one.verify_signed_by(one)


def whole_seal(data: bytes) -> None:
    """Parse, read what it says, and judge without a signer."""
    read_content(parse_seal(data))
    verdict = judge_seal(data, signers=[], anchors=ListedAnchors(), now=NOW)
    assert verdict.overall is not Result.SUCCESSFUL


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "tlv": (lambda data: list(tlv.elements(data)), PASSPORT.files["EF_COM"]),
    "com": (parse_com, PASSPORT.files["EF_COM"]),
    "dg1": (parse_dg1, PASSPORT.files["EF_DG1"]),
    "dg2": (parse_dg2, PASSPORT.files["EF_DG2"][:200]),
    "dg2 39794": (parse_dg2, FACE_39794),
    "dg3": (count_fingerprints, DG3),
    "dg7": (parse_dg7, DG7),
    "dg11": (parse_dg11, DG11),
    "dg12": (parse_dg12, DG12),
    "dg13": (parse_dg13, tlv.encode(0x6D, b"whatever")),
    "dg16": (parse_dg16, DG16),
    "card access": (parse_card_access, ELLIPTIC.files["EF_DG14"][2:]),
    "card security": (lambda data: parse_card_security(data).message.verify(), CARD_SECURITY),
    "deviation list": (lambda data: parse_deviation_list(data).verify(), deviation_list(DEVIATIONS, DEVIATION)),
    "defect list": (lambda data: parse_defect_list(data).verify(), defect_list(SIGNER, DEFECT)),
    "dg14": (parse_dg14, ELLIPTIC.files["EF_DG14"]),
    "dg15 rsa": (parse_dg15, PASSPORT.files["EF_DG15"]),
    "dg15 ecdsa": (parse_dg15, ELLIPTIC.files["EF_DG15"]),
    "sod": (whole_sod, PASSPORT.files["EF_SOD"]),
    "certificate": (whole_certificate, next(iter(utopia().csca_files().values()))),
    "explicit curve": (whole_certificate, list(utopia().csca_files().values())[1]),
    "card-verifiable certificate": (parse_card_certificate, CHAIN[0]),
    "chain": (parse_chain, b"".join(CHAIN)),
    "cvca": (parse_cvca, tlv.encode(0x42, b"UTCVCA00001").ljust(36, b"\x00")),
    "revocation list": (parse_revocation_list, revocation_list(CSCA, 1, 2)),
    "seal": (whole_seal, bytes.fromhex(SEALS[0]["hex"])),
    "travel credential": (parse_dtc, CREDENTIAL),
    "master list": (lambda data: parse_master_list(data).verify(), master_list(SIGNER, [CSCA.der])),
}


@st.composite
def mutations(draw: st.DrawFn, whole: bytes) -> bytes:
    """A real input with a few bytes changed, removed, doubled or put in, or cut short."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        if not data:
            break
        position = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                data[position] = draw(st.integers(0, 255))
            case 1:
                del data[position : position + draw(st.integers(1, 8))]
            case 2:
                data[position:position] = draw(st.binary(min_size=1, max_size=8))
            case 3:
                data[position:position] = data[position : position + draw(st.integers(1, 40))]
            case _:
                data = data[:position]
    return bytes(data)


@pytest.mark.parametrize("name", sorted(PARSERS))
@settings(max_examples=150, deadline=2000)
@given(data=st.data())
def test_a_mutated_file_raises_nothing_foreign(name: str, data: st.DataObject) -> None:
    parse, whole = PARSERS[name]
    mutated = data.draw(st.one_of(mutations(whole), st.binary(max_size=64)))
    with contextlib.suppress(DocumentError):
        parse(mutated)


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_the_unchanged_file_is_parsed(name: str) -> None:
    parse, whole = PARSERS[name]
    if name != "dg2":  # cut short above, so that mutations hit its headers
        parse(whole)


NESTED = {
    "elements": b"\x30\x80" * 5000,
    "sequences": b"".join(b"\x30\x84" + (4_000_000 - 6 * level).to_bytes(4, "big") for level in range(3000)),
    "lengths": b"\x77\x84\xff\xff\xff\xff" * 10,
    "zeros": bytes(100_000),
}


@pytest.mark.parametrize("bomb", sorted(NESTED))
@pytest.mark.parametrize("name", sorted(PARSERS))
def test_nested_and_lying_lengths_are_refused_in_no_time(name: str, bomb: str) -> None:
    began = time.process_time()
    with pytest.raises(DocumentError):
        PARSERS[name][0](NESTED[bomb])
    assert time.process_time() - began < 1.0


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=100),
        st.text("AB0<1P", min_size=88, max_size=90),
        st.text("PVIU<0129", min_size=72, max_size=72),
    )
)
def test_any_text_is_an_mrz_or_an_mrz_error(text: str) -> None:
    try:
        mrz = parse(text)
    except MrzError:
        return
    assert "".join(mrz.lines) == "".join(text.split())
    assert mrz.valid == all(mrz.check_digits.values())
    assert mrz.expires_on(NOW.date()) is None or mrz.expiry.isdigit()


@settings(max_examples=200, deadline=1000)
@given(st.binary(max_size=300))
def test_any_file_is_a_source_or_a_source_error(data: bytes) -> None:
    with contextlib.suppress(SourceError):
        read_source("file", data)


@settings(max_examples=200, deadline=1000)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"dn: o=x\n", b"a:: QQ==\n", b" QQ\n", b"\n"]))))
def test_any_lines_are_a_collection_or_a_source_error(lines: list[bytes]) -> None:
    with contextlib.suppress(SourceError):
        for value in binary_values(lines):
            assert isinstance(value.content, bytes)


@settings(max_examples=100, deadline=1000)
@given(st.binary(max_size=300), st.binary(min_size=8, max_size=8))
def test_no_invented_answer_proves_a_chip(answer: bytes, challenge: bytes) -> None:
    for passport in (PASSPORT, ELLIPTIC):
        with pytest.raises(DocumentError):
            verify_answer(parse_dg15(passport.files["EF_DG15"]), challenge, answer, ecdsa_algorithm=None)


@settings(max_examples=60, deadline=2000)
@given(
    files=st.dictionaries(
        st.sampled_from(["EF.COM", "EF.SOD", "EF.DG1", "EF.DG2", "EF.DG14", "EF.DG15"]), st.binary(max_size=80)
    )
)
def test_no_invented_files_are_ever_successful(files: dict[str, bytes]) -> None:
    inspection = inspect_files(files, anchors=ListedAnchors(), now=NOW)
    assert inspection.overall is not Result.SUCCESSFUL
    assert len(inspection.checks) == 13


@settings(max_examples=100, deadline=2000)
@given(seed=st.integers(0, 2**32), gone_after=st.one_of(st.none(), st.integers(0, 20)))
def test_a_chip_that_invents_every_answer_always_ends_with_an_inspection(seed: int, gone_after: int | None) -> None:
    chance = random.Random(seed)
    turns = 0

    def transmit(_: bytes) -> bytes:
        nonlocal turns
        turns += 1
        if gone_after is not None and turns > gone_after:
            raise Gone
        body = chance.randbytes(chance.choice((0, 0, 2, 8, 40, 200)))
        return body + chance.choice(
            (b"\x90\x00", b"\x90\x00", b"\x6a\x82", b"\x67\x00", b"\x62\x82", chance.randbytes(2))
        )

    conversation = inspect(
        parse(PASSPORT.mrz_lines),
        anchors=ListedAnchors(),
        now=NOW,
        random=random.Random(1).randbytes,
    )
    inspection, portraits, sent = converse(conversation, transmit)
    assert inspection.overall in (Result.FAILED, Result.ABORTED)
    assert portraits == []
    assert len(sent) <= 16, "a look for EF.CardAccess, the application, an attempt to open it"
