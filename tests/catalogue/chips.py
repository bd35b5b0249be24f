"""Rows on access to the chip and on secure messaging (ICAO 9303-11 §4 and §9.8, BSI TR-03105-5.1 units ISO7816_A to C and G)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from catalogue.documents import Case, document, plain
from catalogue.files import ACTIVE, LINES, unknown_info
from catalogue.rows import FAILED, NOT_HELD, REFUSED, SUCCESSFUL, Row, failed, fine, refused
from document_fakes.inspections import Through, Transmit, anchors, issued
from document_fakes.sample_passports import numbered

from hardware_sim.chip import crypto
from hardware_sim.passport import der, lds, security_infos
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport


def own(passport: Passport, **more: Any) -> Case:
    """A chip as the simulated country made it."""
    return Case(passport, against=anchors(), **more)


def lying(lie: str, **features: Any) -> Callable[[], Case]:
    return lambda: own(issued(**features), switches={"lie": lie})


def altered(command: bytes, change: Callable[[bytes], bytes], *, nth: int = 1) -> Through:
    """The nth answer to commands that begin like this, changed."""

    def around(transmit: Transmit) -> Transmit:
        seen = 0

        def talk(apdu: bytes) -> bytes:
            nonlocal seen
            answer = transmit(apdu)
            # The class byte tells only of chaining and protection.
            if apdu[1 : len(command) + 1] == command:
                seen += 1
                if seen == nth:
                    return change(answer)
            return answer

        return talk

    return around


def status(word: int) -> Callable[[bytes], bytes]:
    return lambda _: word.to_bytes(2)


def flipped(offset: int) -> Callable[[bytes], bytes]:
    def change(answer: bytes) -> bytes:
        at = offset % len(answer)
        return answer[:at] + bytes((answer[at] ^ 1,)) + answer[at + 1 :]

    return change


def through(alteration: Through, **features: Any) -> Callable[[], Case]:
    return lambda: own(issued(**features), through=alteration)


# ── Basic Access Control and secure messaging ────────────────────────────────────────────────────────────────────────

MUTUAL = b"\x82"
READ = b"\xb0"


def _another_nonce(answer: bytes) -> bytes:
    """A proof under the right keys that answers another challenge than the terminal's."""
    keys = crypto.document_keys(LINES)
    opened = crypto.decipher(keys.enc, answer[:32])
    changed = crypto.encipher(keys.enc, opened[:8] + bytes(8) + opened[16:])
    return changed + crypto.mac(keys, changed) + answer[-2:]


def _without(tag: int) -> Callable[[bytes], bytes]:
    """A protected answer without one of its objects."""

    def change(answer: bytes) -> bytes:
        kept, at, body = b"", 0, answer[:-2]
        while at < len(body):
            size, start = body[at + 1], at + 2
            if size > 0x80:
                start += size & 0x7F
                size = int.from_bytes(body[at + 2 : start])
            if body[at] != tag:
                kept += body[at : start + size]
            at = start + size
        return kept + answer[-2:]

    return change


def _lacking(file: str) -> Callable[[], Case]:
    return lambda: own(replace(plain(), files={name: held for name, held in plain().files.items() if name != file}))


BAC = (
    fine("TR-03105-5.1 ISO7816_A_02", "BAC", lambda: own(plain()), chip_access=SUCCESSFUL),
    failed(
        "TR-03105-5.1 ISO7816_B_01",
        "MAC of the mutual authentication",
        through(altered(MUTUAL, flipped(-3))),
        chip_access=FAILED,
    ),
    failed(
        "TR-03105-5.1 ISO7816_B_02",
        "cryptogram of the mutual authentication",
        through(altered(MUTUAL, flipped(0))),
        chip_access=FAILED,
    ),
    failed(
        "TR-03105-5.1 ISO7816_B_03",
        "mutual authentication refused",
        through(altered(MUTUAL, status(0x6300))),
        chip_access=FAILED,
    ),
    failed(
        "9303-11 §4.3.1",
        "the chip answers another challenge",
        through(altered(MUTUAL, _another_nonce)),
        chip_access=FAILED,
    ),
    failed(
        "TR-03135-1 table 5.19",
        "the printed MRZ is another document's",
        lambda: own(plain(), printed=issued(person=numbered(9)).mrz_lines),
        chip_access=FAILED,
    ),
    refused(
        "TR-03105-5.1 ISO7816_A_03", "application selection refused", through(altered(b"\xa4\x04", status(0x6A82)))
    ),
    refused(
        "TR-03105-5.1 ISO7816_B_04",
        "secure messaging error from the chip",
        through(altered(READ, status(0x6988), nth=3)),
    ),
    refused("TR-03105-5.1 ISO7816_B_05", "MAC is missing", through(altered(READ, _without(0x8E), nth=2))),
    refused("TR-03105-5.1 ISO7816_B_06", "cryptogram is missing", through(altered(READ, _without(0x87), nth=2))),
    refused("TR-03105-5.1 ISO7816_B_07", "protected status is missing", lying("sm_no_status")),
    refused("TR-03105-5.1 ISO7816_B_08", "MAC is wrong", lying("sm_wrong_mac")),
    refused("TR-03105-5.1 ISO7816_B_09", "cryptogram is wrong", through(altered(READ, flipped(9), nth=2))),
    refused("9303-11 §9.8.2", "data in clear inside a session", lying("sm_plain_answer")),
    refused("9303-11 §9.8.4", "the answer before, once more", lying("sm_replay")),
    refused("9303-11 §9.8", "status outside differs from the protected one", lying("sm_status_mismatch")),
    refused(
        "9303-11 §9.8",
        "a MAC of seven bytes",
        through(altered(READ, lambda answer: answer[:-11] + b"\x8e\x07" + answer[-10:-3] + answer[-2:], nth=2)),
    ),
    *(
        refused("TR-03105-5.1 ISO7816_C_01", f"{file} is not on the chip", _lacking(file), dg_hashes=NOT_HELD)
        for file in ("EF_DG1", "EF_DG2")
    ),
    fine("TR-03105-5.1 ISO7816_C_05", "shorter answers at most", lambda: own(plain(), switches={"le_max": 128})),
    fine(
        "TR-03105-5.1 ISO7816_C_02", "no extended length", lambda: own(plain(), switches={"no_extended_length": True})
    ),
    Row(
        "TR-03135-1 §5.6.4.4.2",
        "the chip is pulled out while it is read",
        lambda: own(plain(), switches={"pull_out_after_apdus": 12}),
        frozenset({*REFUSED}) - FAILED,
    ),
    refused(
        "TR-03105-5.1 ISO7816_C",
        "nonsense while it is read",
        lambda: own(plain(), switches={"nonsense_after_apdus": 12}),
    ),
)


# ── PACE ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

GENERIC = Pace(Mapping.GENERIC, 12, Cipher.AES_128)
INTEGRATED = Pace(Mapping.INTEGRATED, 12, Cipher.AES_128)
CHIP = Pace(Mapping.CHIP_AUTHENTICATION, 12, Cipher.AES_128)
DIFFIE_HELLMAN = Pace(Mapping.GENERIC, 2, Cipher.AES_128)
SET, STEP = b"\x22\xc1", b"\x86"


def opened(*ways: Pace, **more: Any) -> dict[str, Any]:
    return {"features": Features(pace=ways, **more)}


def pace(alteration: Through, way: Pace = GENERIC) -> Callable[[], Case]:
    return through(alteration, **opened(way))


def _tag(before: int, after: int) -> Callable[[bytes], bytes]:
    """Another tag in the dynamic authentication data, the first of this one."""
    return lambda answer: answer.replace(bytes((before,)), bytes((after,)), 1)


def broken(clause: str, wrong: str, case: Callable[[], Case]) -> Row:
    """PACE was performed and failed: the access failed, whatever else the chip would offer (TR-03135-1 table 5.20)."""
    return failed(f"TR-03105-5.1 ISO7816_{clause}", wrong, case, chip_access=FAILED)


def shown_access(*infos: bytes, way: Pace = GENERIC) -> Callable[[], Case]:
    """The same chip behind another EF.CardAccess, which nobody signs."""

    def make() -> Case:
        made = issued(**opened(way))
        return own(replace(made, files={**made.files, "EF_CARD_ACCESS": security_infos.security_infos(infos)}))

    return make


def pace_info(oid: str = GENERIC.oid, version: int = 2, parameters: int | None = 12) -> bytes:
    return der.sequence(der.oid(oid), der.integer(version), *([] if parameters is None else [der.integer(parameters)]))


def _card_access(change: Callable[[bytes], bytes]) -> Case:
    made = issued(**opened(GENERIC))
    changed = change(made.files["EF_CARD_ACCESS"])
    files = {name: content for name, content in made.files.items() if name != "EF_CARD_ACCESS"}
    return own(replace(made, files=files | ({"EF_CARD_ACCESS": changed} if changed else {})))


PACE = (
    fine(
        "TR-03105-5.1 ISO7816_G_01",
        "PACE with generic mapping",
        lambda: own(issued(**opened(GENERIC))),
        chip_access=SUCCESSFUL,
    ),
    fine(
        "TR-03105-5.1 ISO7816_G_03",
        "PACE with integrated mapping",
        lambda: own(issued(**opened(INTEGRATED))),
        chip_access=SUCCESSFUL,
    ),
    fine(
        "TR-03105-5.1 ISO7816_G_02",
        "PACE in a 2048-bit group",
        lambda: own(issued(**opened(DIFFIE_HELLMAN))),
        chip_access=SUCCESSFUL,
    ),
    fine(
        "TR-03105-5.1 ISO7816_G_05",
        "further entries in EF.CardAccess",
        shown_access(pace_info(), unknown_info()),
        chip_access=SUCCESSFUL,
    ),
    broken("G_08", "MSE:Set AT refused", pace(altered(SET, status(0x6A80)))),
    broken("G_09", "nonce changed after the first step", pace(altered(STEP, flipped(6)))),
    broken("G_10", "first step refused", pace(altered(STEP, status(0x6A80)))),
    broken("G_11", "first step, tag 90 instead of 80", pace(altered(STEP, _tag(0x80, 0x90)))),
    broken("G_12", "second step refused", pace(altered(STEP, status(0x6A80), nth=2))),
    broken("G_13", "second step, tag 92 instead of 82", pace(altered(STEP, _tag(0x82, 0x92), nth=2))),
    broken("G_16", "mapping key is off the curve", pace(altered(STEP, flipped(-3), nth=2))),
    broken("G_18", "third step refused", pace(altered(STEP, status(0x6A80), nth=3))),
    broken("G_19", "third step, tag 94 instead of 84", pace(altered(STEP, _tag(0x84, 0x94), nth=3))),
    broken("G_21", "ephemeral key is off the curve", lying("pace_key_outside", **opened(GENERIC))),
    broken("G_21", "ephemeral key is the point at infinity", lying("pace_neutral_key", **opened(GENERIC))),
    broken("G_22", "ephemeral key is outside the subgroup", lying("pace_key_outside", **opened(DIFFIE_HELLMAN))),
    broken("G_22", "ephemeral key is 1", lying("pace_neutral_key", **opened(DIFFIE_HELLMAN))),
    broken("G_23", "ephemeral keys are the same", lying("pace_echoes_key", **opened(GENERIC))),
    broken("G_24", "fourth step refused", pace(altered(STEP, status(0x6300), nth=4))),
    broken("G_25", "fourth step, tag 96 instead of 86", pace(altered(STEP, _tag(0x86, 0x96), nth=4))),
    broken("G_26", "token is wrong", lying("pace_wrong_token", **opened(GENERIC))),
    refused(
        "TR-03105-5.1 ISO7816_G_27",
        "EF.CardAccess is cut",
        lambda: _card_access(lambda file: file[:-3]),
    ),
    refused(
        "TR-03105-5.1 ISO7816_G_28",
        "EF.CardAccess names parameters that do not exist",
        shown_access(pace_info(parameters=99)),
    ),
    refused("9303-11 §9.2.1", "PACEInfo of version 1", shown_access(pace_info(version=1))),
    refused(
        "TR-03105-5.1 ISO7816_G_36",
        "EF.CardAccess with an invalid identifier of PACE",
        shown_access(pace_info("0.4.0.127.0.7.2.2.4.6.9")),
    ),
    refused(
        "9303-11 §4.2",
        "EF.CardAccess offers weaker PACE than EF.DG14",
        lambda: own(issued("card_access_weaker", **opened(GENERIC))),
    ),
    refused(
        "9303-11 §9.2",
        "EF.DG14 announces no PACE although EF.CardAccess does",
        lambda: document({14: lds.dg14([ACTIVE])}, base=issued(**opened(GENERIC))),
    ),
    refused("9303-11 §4.2", "EF.CardAccess hides the PACE that EF.DG14 announces", lambda: _card_access(lambda _: b"")),
)


ROWS: tuple[Row, ...] = BAC + PACE
