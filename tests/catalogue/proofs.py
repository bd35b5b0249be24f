"""Rows on how a chip proves that it is genuine (ICAO 9303-11 §4.4.3.5 and §6, BSI TR-03105-5.1 units ISO7816_D, F and G)."""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalogue.chips import CHIP, STEP, altered, flipped, lying, opened, own, pace, pace_info
from catalogue.documents import Case, document, plain, rsa_key
from catalogue.files import unknown_info
from catalogue.rows import FAILED, NOT_HELD, NOT_SUPPORTED, SUCCESSFUL, Row, failed, fine, refused
from document_fakes.document_chip import converse
from document_fakes.inspections import Through, anchors, issued
from document_fakes.sample_passports import utopia

from gate_documents.inspection import inspect
from gate_documents.mrz.parser import parse
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.chip.card import Card
from hardware_sim.passport import der, lds, personalise, security_infos, security_object
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.issuer import Passport
from hardware_sim.passport.keys import SigningKey

# ── PACE with chip authentication mapping ────────────────────────────────────────────────────────────────────────────


def mapped() -> Passport:
    return issued("no_chip_authentication", **opened(CHIP))


def cam(alteration: Through) -> Callable[[], Case]:
    return lambda: own(mapped(), through=alteration)


def card_security(change: Callable[[Sequence[bytes]], Sequence[bytes]], signer: str = "p256") -> Callable[[], Case]:
    """EF.CardSecurity with other infos, signed by the country."""

    def make() -> Case:
        made = mapped()
        held = made.abilities
        infos = [
            *(security_infos.pace_info(way) for way in held.pace),
            *(security_infos.mapping_key(key) for key in held.mapping_keys),
        ]
        content = security_infos.security_infos(change(infos))
        file = security_object.card_security(content, utopia()._office.signer(signer))
        return own(replace(made, files={**made.files, "EF_CARD_SECURITY": file}))

    return make


def _drop_data(answer: bytes) -> bytes:
    """The last answer of PACE-CAM without its object 8A."""
    at = answer.index(b"\x8a", 12)
    body = answer[2:at]
    return b"\x7c" + bytes((len(body),)) + body + answer[-2:]


def _add_data(answer: bytes) -> bytes:
    body = answer[2:-2] + b"\x8a\x10" + bytes(16)
    return b"\x7c" + bytes((len(body),)) + body + answer[-2:]


def _without_card_security() -> Case:
    made = mapped()
    return own(replace(made, files={name: file for name, file in made.files.items() if name != "EF_CARD_SECURITY"}))


def _broken_card_security() -> Case:
    made = mapped()
    file = made.files["EF_CARD_SECURITY"]
    return own(replace(made, files={**made.files, "EF_CARD_SECURITY": file[:-1] + bytes((file[-1] ^ 1,))}))


MAPPED = (
    fine(
        "TR-03105-5.1 ISO7816_G_41",
        "PACE with chip authentication mapping",
        lambda: own(mapped()),
        chip_authenticity=SUCCESSFUL,
    ),
    refused(
        "TR-03105-5.1 ISO7816_G_29",
        "object 8A is missing",
        cam(altered(STEP, _drop_data, nth=4)),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 ISO7816_G_31",
        "authentication data is wrong",
        cam(altered(STEP, flipped(-4), nth=4)),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 ISO7816_G_32",
        "tag 8B instead of 8A",
        cam(altered(STEP, lambda a: a[:12] + a[12:].replace(b"\x8a", b"\x8b", 1), nth=4)),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 ISO7816_G_35",
        "object 8A in PACE with generic mapping",
        pace(altered(STEP, _add_data, nth=4)),
    ),
    failed(
        "TR-03105-5.1 ISO7816_G_39",
        "EF.CardSecurity with another key",
        lambda: own(issued("no_chip_authentication", "no_private_key", **opened(CHIP))),
        chip_authenticity=FAILED,
    ),
    refused(
        "TR-03105-5.1 ISO7816_G_40",
        "EF.CardSecurity without the chip's key",
        card_security(lambda infos: infos[:1]),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "9303-11 §9.2.10",
        "EF.CardSecurity is missing",
        _without_card_security,
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 LDS_H_93",
        "signature of EF.CardSecurity is wrong",
        _broken_card_security,
        chip_authenticity=FAILED,
    ),
    refused(
        "TR-03135-1 §5.6.4.3",
        "EF.CardSecurity signed under a CSCA in no store",
        lambda: own(issued("no_chip_authentication", "own_card_security", **opened(CHIP))),
        chip_authenticity=NOT_HELD,
    ),
    fine(
        "TR-03105-5.1 LDS_J_01",
        "EF.CardSecurity has one info more than EF.CardAccess",
        card_security(lambda infos: [*infos, unknown_info()]),
    ),
    refused(
        "TR-03105-5.1 LDS_J_02",
        "EF.CardSecurity lacks the PACEInfo of EF.CardAccess",
        card_security(lambda infos: infos[1:]),
        chip_authenticity=FAILED,
    ),
    refused(
        "TR-03105-5.1 LDS_J_03",
        "EF.CardSecurity has other parameters than EF.CardAccess",
        card_security(lambda infos: [pace_info(CHIP.oid, parameters=13), *infos[1:]]),
    ),
)


# ── Chip Authentication ──────────────────────────────────────────────────────────────────────────────────────────────

CURVE = Agreement(12)


def agreeing(*orders: Agreement) -> Passport:
    return issued("no_chip_authentication", features=Features(chip_authentication=orders or (CURVE,)))


def announced(*infos: bytes, base: Callable[[], Passport] = agreeing) -> Callable[[], Case]:
    """EF.DG14 with these infos, signed."""
    return lambda: document({14: lds.dg14(infos)}, base=base())


def ca_key(
    oid: str = "0.4.0.127.0.7.2.2.1.2",
    *,
    point: Callable[[bytes], bytes] = lambda point: point,
    key_id: int | None = None,
) -> bytes:
    (key,) = agreeing().abilities.agreement_keys
    usual = security_infos.public_info(key, explicit=False)
    public = usual.replace(key.public, point(key.public))
    return der.sequence(der.oid(oid), public, *([] if key_id is None else [der.integer(key_id)]))


def ca_info(version: int | None = 1, key_id: int | None = None, cipher: int = 2) -> bytes:
    return der.sequence(
        der.oid(f"0.4.0.127.0.7.2.2.3.2.{cipher}"),
        *([] if version is None else [der.integer(version)]),
        *([] if key_id is None else [der.integer(key_id)]),
    )


@dataclass(frozen=True)
class Played(Case):
    """A case whose card was meddled with after it was made."""

    meddle: Callable[[Card], None] = lambda _: None

    def inspect(self) -> Inspection:
        card = Card(self.passport, random_bytes=random.Random(1).randbytes)
        self.meddle(card)
        conversation = inspect(
            parse(self.printed or self.passport.mrz_lines),
            anchors=self.against or anchors(),
            now=self.now,
            random=random.Random(2).randbytes,
        )
        return converse(conversation, card.transmit)[0]


def _keeps_old_keys(card: Card) -> None:
    """Answers the agreement and then goes on under the keys of before."""
    application = card._application
    agree = application._agree

    def agree_and_forget(key: Any, terminal_key: bytes) -> None:
        agree(key, terminal_key)
        application._next_session = None

    application._agree = agree_and_forget  # type: ignore[method-assign]


def _cloned(passport: Passport) -> Passport:
    return replace(passport, abilities=personalise.with_other_agreement_keys(passport.abilities, "another chip"))


CHIP_AUTHENTICATION = (
    fine("TR-03105-5.1 ISO7816_D_01", "Chip Authentication with DH", lambda: own(agreeing(Agreement(2)))),
    fine(
        "TR-03105-5.1 ISO7816_D_02",
        "Chip Authentication with ECDH",
        lambda: own(agreeing()),
        chip_authenticity=SUCCESSFUL,
    ),
    fine("TR-03105-5.1 ISO7816_D_03", "one key with a reference", lambda: own(agreeing(Agreement(12, key_id=5)))),
    fine(
        "TR-03105-5.1 ISO7816_D_04",
        "two keys with references",
        lambda: own(agreeing(Agreement(12, key_id=5), Agreement(13, key_id=6))),
    ),
    fine("9303-11 §6.2", "a key without an info: triple DES", lambda: own(agreeing(Agreement(12, cipher=None)))),
    refused(
        "TR-03105-5.1 ISO7816_D_08",
        "public key is off the curve",
        announced(ca_info(), ca_key(point=lambda point: point[:-1] + bytes((point[-1] ^ 1,)))),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 ISO7816_D_13",
        "reference of the key is not that of the info",
        announced(ca_info(key_id=1), ca_key(key_id=2)),
        chip_authenticity=NOT_HELD,
    ),
    failed(
        "TR-03105-5.1 ISO7816_D_09",
        "old session keys after Chip Authentication",
        lambda: Played(agreeing(), against=anchors(), meddle=_keeps_old_keys),
        chip_authenticity=FAILED,
    ),
    failed(
        "TR-03135-1 table 5.25",
        "the chip lacks the private key",
        lambda: own(_cloned(agreeing())),
        chip_authenticity=FAILED,
    ),
    refused(
        "TR-03105-5.1 LDS_F_04",
        "identifier of the public key not allowed",
        announced(ca_info(), ca_key("0.4.0.127.0.7.2.2.1.3")),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 LDS_F_05",
        "identifier missing",
        announced(der.sequence(der.integer(1)), ca_key()),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 LDS_F_06",
        "ChipAuthenticationInfo of version 10",
        announced(ca_info(10), ca_key()),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 LDS_F_07",
        "ChipAuthenticationInfo without version",
        announced(ca_info(None), ca_key()),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "9303-11 §9.2",
        "EF.DG14 on the chip with the cloner's key",
        lambda: own(issued("no_chip_authentication", "own_keys", features=Features(chip_authentication=(CURVE,)))),
        dg_hashes=FAILED,
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "TR-03135-1 §5.6.4.1",
        "EF.DG14 and EF.DG15 are signed, and not on the chip",
        lambda: own(issued("clone_without_dg15")),
        com_sod=FAILED,
        chip_authenticity=NOT_HELD,
    ),
)


# ── Active Authentication ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Rsa:
    """A chip's RSA key that answers by ISO/IEC 9796-2 scheme 1 with any hash and trailer."""

    digest: str
    trailer: bytes
    header: bytes = b"\x6a"

    def public_info(self) -> bytes:
        return SigningKey(rsa_key("chip")).public_info()

    def answer(self, challenge: bytes) -> bytes:
        numbers = rsa_key("chip").private_numbers()
        modulus = numbers.public_numbers.n
        size = (modulus.bit_length() + 7) // 8
        rest = size - len(self.header) - hashlib.new(self.digest).digest_size - len(self.trailer)
        own_part = secrets.token_bytes(rest)
        representative = self.header + own_part + hashlib.new(self.digest, own_part + challenge).digest() + self.trailer
        return pow(int.from_bytes(representative), numbers.d, modulus).to_bytes(size)


def answering(digest: str, trailer: str, header: bytes = b"\x6a") -> Callable[[], Case]:
    def make() -> Case:
        key = Rsa(digest, bytes.fromhex(trailer), header)
        return document({14: None, 15: lds.dg15(key.public_info())}, base=replace(plain(), chip_key=key))  # type: ignore[arg-type]

    return make


@dataclass(frozen=True)
class Other:
    """The plain passport's key, whose answer is changed."""

    change: Callable[[bytes], bytes]

    def answer(self, challenge: bytes) -> bytes:
        key = plain().chip_key
        assert key is not None
        return self.change(key.answer(challenge))


def answered(change: Callable[[bytes], bytes]) -> Callable[[], Case]:
    return lambda: own(replace(plain(), chip_key=Other(change)))  # type: ignore[arg-type]


ACTIVE_AUTHENTICATION = (
    *(
        fine(
            f"TR-03105-5.1 ISO7816_F_{case}",
            f"RSA with {digest}, trailer {trailer}",
            answering(digest, trailer),
            chip_authenticity=SUCCESSFUL,
        )
        for case, digest, trailer in (
            ("01", "sha1", "bc"),
            ("01", "sha1", "33cc"),
            ("04", "sha224", "38cc"),
            ("05", "sha256", "34cc"),
            ("06", "sha384", "36cc"),
            ("07", "sha512", "35cc"),
        )
    ),
    fine("TR-03105-5.1 ISO7816_F_02", "ECDSA", lambda: own(plain()), chip_authenticity=SUCCESSFUL),
    *(
        failed(f"TR-03105-5.1 ISO7816_F_{case}", wrong, answering(digest, trailer, header), chip_authenticity=FAILED)
        for case, wrong, digest, trailer, header in (
            ("08", "trailer of another hash", "sha256", "36cc", b"\x6a"),
            ("08", "trailer BC for SHA-256", "sha256", "bc", b"\x6a"),
            ("08", "trailer DD", "sha1", "dd", b"\x6a"),
            ("08", "header of another format", "sha1", "bc", b"\x2a"),
        )
    ),
    failed(
        "TR-03135-1 table 5.24", "signature over an earlier challenge", lying("aa_replay"), chip_authenticity=FAILED
    ),
    failed(
        "TR-03135-1 table 5.24",
        "the chip lacks the private key",
        lambda: own(issued("no_private_key")),
        chip_authenticity=FAILED,
    ),
    failed(
        "9303-11 §6.1.2.3",
        "an answer of r and s zero",
        answered(lambda answer: bytes(len(answer))),
        chip_authenticity=FAILED,
    ),
    failed(
        "9303-11 §6.1.2.3", "an answer one byte short", answered(lambda answer: answer[:-1]), chip_authenticity=FAILED
    ),
    refused(
        "TR-03135-1 table 5.24",
        "the chip refuses, although EF.DG15 has its key",
        lambda: own(replace(plain(), chip_key=None)),
        chip_authenticity=FAILED,
    ),
    fine(
        "TR-03135-1 table 5.23",
        "the chip supports no proof",
        lambda: own(issued("no_chip_authentication")),
        chip_authenticity=NOT_SUPPORTED,
    ),
)


ROWS: tuple[Row, ...] = MAPPED + CHIP_AUTHENTICATION + ACTIVE_AUTHENTICATION
