"""Rows on the files of the chip: EF.COM, EF.DG1, EF.DG2, EF.DG14, EF.DG15 (ICAO 9303-10 §4, BSI TR-03105-5.1 units LDS_A to LDS_I).

Each file is signed as it stands, so that nothing is wrong but the file itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from catalogue.documents import DOCUMENT_TYPES, Case, Sod, com, document, groups_of, plain, signer
from catalogue.rows import FAILED, NOT_HELD, NOT_SUPPORTED, SUCCESSFUL, Row, failed, fine, refused
from document_fakes.sample_passports import portrait

from hardware_sim.passport import der, lds, mrz, security_infos
from hardware_sim.passport.face_record import face_record

LINES = plain().mrz_lines
UPPER, LOWER = LINES
PICTURE = portrait()
RECORD = face_record(PICTURE)


def shorter(file: bytes) -> bytes:
    """The outer length one too small."""
    return _outer(file, -1)


def longer(file: bytes) -> bytes:
    """The outer length one too big."""
    return _outer(file, 1)


def _outer(file: bytes, by: int) -> bytes:
    size = file[1] & 0x7F if file[1] & 0x80 else 0
    if not size:
        return file[:1] + bytes((file[1] + by,)) + file[2:]
    count = int.from_bytes(file[2 : 2 + size]) + by
    return file[:2] + count.to_bytes(size) + file[2 + size :]


def long_form(file: bytes, octets: int) -> bytes:
    """The outer length in more octets than it needs, which BER leaves to the sender (X.690 §8.1.3.5)."""
    size = file[1] & 0x7F if file[1] & 0x80 else 0
    content = file[2 + size :]
    return file[:1] + bytes((0x80 | octets,)) + len(content).to_bytes(octets) + content


def retagged(file: bytes, tag: int) -> bytes:
    return bytes((tag,)) + file[1:]


# ── EF.COM ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_com(file: bytes | None) -> Callable[[], Case]:
    return lambda: document(com_file=file)


OLD = Sod(lds={"version": der.integer(0), "versions": None})  # without the versions that version 1 signs

COM = (
    failed("TR-03105-5.1 LDS_A_01", "EF.COM, tag 61 instead of 60", of_com(com(tag=0x61)), com_sod=FAILED),
    failed("TR-03105-5.1 LDS_A_02", "EF.COM, length byte too small", of_com(shorter(com())), com_sod=FAILED),
    failed("TR-03105-5.1 LDS_A_03", "EF.COM, length byte too big", of_com(longer(com())), com_sod=FAILED),
    failed("TR-03105-5.1 LDS_A_04", "EF.COM, LDS version 3.0", of_com(com(lds_version="0300")), com_sod=FAILED),
    failed("TR-03105-5.1 LDS_A_05", "EF.COM, LDS version missing", of_com(com(lds_version=None)), com_sod=FAILED),
    failed("TR-03105-5.1 LDS_A_06", "EF.COM, Unicode 5.0.0", of_com(com(unicode_version="050000")), com_sod=FAILED),
    # A chip that is tested must have it. Chips in use leave it out, and nobody signed EF.COM: what is decided rests on EF.SOD.
    fine("TR-03105-5.1 LDS_A_07", "EF.COM, Unicode missing", of_com(com(unicode_version=None)), com_sod=SUCCESSFUL),
    failed("TR-03105-5.1 LDS_A_08", "EF.COM, DG1 is not listed", of_com(com(bytes.fromhex("756E6F"))), com_sod=FAILED),
    failed("TR-03105-5.1 LDS_A_09", "EF.COM, the list is missing", of_com(com(b"")), com_sod=FAILED),
    fine("TR-03105-5.1 LDS_A_10", "EF.COM of LDS 1.8", of_com(com()), com_sod=SUCCESSFUL),
    fine(
        "9303-10 §4.6.1",
        "EF.COM of LDS 1.7, with a security object of version 0",
        lambda: document(sod=OLD, com_file=com(lds_version="0107")),
        com_sod=SUCCESSFUL,
    ),
    failed(
        "9303-10 §4.6.1",
        "EF.COM lists a tag that no data group has",
        of_com(com(bytes.fromhex("61756E6F78"))),
        com_sod=FAILED,
    ),
    failed(
        "TR-03135-1 §5.6.4.4.1",
        "EF.COM lists DG16, which EF.SOD does not",
        of_com(com(bytes.fromhex("61756E6F70"))),
        com_sod=FAILED,
    ),
    failed(
        "TR-03135-1 §5.6.4.4.1",
        "EF.SOD lists DG15, which EF.COM does not",
        of_com(com(bytes.fromhex("61756E"))),
        com_sod=FAILED,
    ),
    fine("9303-10 §4.6.1", "EF.COM in another order", of_com(com(bytes.fromhex("6F6E7561"))), com_sod=SUCCESSFUL),
    fine("X.690 §8.1.3.5", "EF.COM, length 81 xx", of_com(long_form(com(), 1)), com_sod=SUCCESSFUL),
    fine("TR-03135-1 §5.6.4.4.1", "no EF.COM", of_com(None), com_sod=NOT_SUPPORTED),
)


# ── EF.DG1 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def dg1(upper: str = UPPER, lower: str = LOWER) -> bytes:
    return lds.dg1((upper, lower))


def at(line: str, column: int, text: str) -> str:
    """The line with other characters from a column on, counted from 0."""
    return line[:column] + text + line[column + len(text) :]


def summed(line: str, *, also: tuple[tuple[int, int, int], ...] = ()) -> str:
    """The lower line of TD3 with the check digits of these fields, and the last one over all, made right."""
    for begin, end, column in also:
        line = at(line, column, mrz.check_digit(line[begin:end]))
    return at(line, 43, mrz.check_digit(line[0:10] + line[13:20] + line[21:43]))


NUMBER, BIRTH, EXPIRY, PERSONAL = (0, 9, 9), (13, 19, 19), (21, 27, 27), (28, 42, 42)


def other_than_printed(wrong: str, group: bytes, clause: str) -> Row:
    """The chip's MRZ is wrong, the printed one is right: they differ, which is a failure (TR-03135-1 §5.7.2)."""
    return refused(f"TR-03105-5.1 {clause}", wrong, lambda: document({1: group}), mrz_dg1=NOT_HELD)


def same_as_printed(clause: str, unusual: str, upper: str = UPPER, lower: str = LOWER) -> Row:
    """An unusual MRZ, the same in print and chip."""
    return fine(clause, unusual, lambda: _printed(upper, lower), mrz=SUCCESSFUL, mrz_dg1=SUCCESSFUL)


def printed_wrong(clause: str, wrong: str, upper: str = UPPER, lower: str = LOWER) -> Row:
    """A wrong MRZ, the same in print and chip."""
    return refused(clause, wrong, lambda: _printed(upper, lower), mrz=NOT_HELD)


def _printed(upper: str, lower: str) -> Case:
    base = replace(plain(), mrz_lines=(upper, lower))
    # A signer for every kind of document: what is wrong is the MRZ alone.
    by = signer(extensions={DOCUMENT_TYPES: None})
    return document({1: dg1(upper, lower)}, base=base, sod=Sod(by=by))


DG1 = (
    same_as_printed(
        "TR-03105-5.1 LDS_B_01",
        "optional data",
        lower=summed(at(LOWER, 28, "ZE184226B<<<<<"), also=(PERSONAL,)),
    ),
    same_as_printed(
        "TR-03105-5.1 LDS_B_02",
        "secondary identifier cut",
        upper="P<UTOERIKSSON<<" + "ANNAMARIA<" * 2 + "ANNAMARI" + "A",
    ),
    same_as_printed("TR-03105-5.1 LDS_B_03", "no secondary identifier", upper="P<UTOERIKSSON".ljust(44, "<")),
    same_as_printed(
        "TR-03105-5.1 LDS_B_04",
        "no optional data, check digit 0",
        lower=summed(at(at(LOWER, 28, "<" * 14), 42, "0")),
    ),
    same_as_printed(
        "9303-4 §4.2.2.2", "no optional data, check digit a filler", lower=summed(at(at(LOWER, 28, "<" * 14), 42, "<"))
    ),
    refused("TR-03105-5.1 LDS_B_05", "EF.DG1, tag 62 instead of 61", lambda: document({1: retagged(dg1(), 0x62)})),
    refused("TR-03105-5.1 LDS_B_06", "EF.DG1, length byte too small", lambda: document({1: shorter(dg1())})),
    refused("TR-03105-5.1 LDS_B_07", "EF.DG1, length byte too big", lambda: document({1: longer(dg1())})),
    printed_wrong("TR-03105-5.1 LDS_B_08", "document type unknown", upper=at(UPPER, 0, "Q<")),
    printed_wrong("9303-4 §4.2.2", "document code of a card on a passport", upper=at(UPPER, 0, "I<")),
    refused("9303-10 §4.7.1", "EF.DG1 holds the MRZ of a visa", lambda: _printed(at(UPPER, 0, "V<"), LOWER)),
    printed_wrong("TR-03105-5.1 LDS_B_09", "issuing state, syntax error", upper=at(UPPER, 2, "U1O")),
    printed_wrong("TR-03105-5.1 LDS_B_10", "name is void", upper="P<UTO".ljust(44, "<")),
    failed(
        "TR-03105-5.1 LDS_B_11",
        "name different from data page",
        lambda: document({1: dg1(at(UPPER, 5, "B"))}),
        mrz_dg1=FAILED,
    ),
    failed(
        "TR-03105-5.1 LDS_B_12",
        "document number different from data page",
        lambda: document({1: dg1(lower=summed(at(LOWER, 0, "L898902C4"), also=(NUMBER,)))}),
        mrz_dg1=FAILED,
    ),
    other_than_printed("wrong document number checksum", dg1(lower=at(LOWER, 9, "7")), "LDS_B_13"),
    other_than_printed("nationality, syntax error", dg1(lower=at(LOWER, 10, "U1O")), "LDS_B_14"),
    other_than_printed("date of birth, syntax error", dg1(lower=at(LOWER, 13, "94O812")), "LDS_B_15"),
    other_than_printed("date of birth error", dg1(lower=summed(at(LOWER, 13, "941312"), also=(BIRTH,))), "LDS_B_16"),
    other_than_printed("incorrect date of birth checksum", dg1(lower=at(LOWER, 19, "9")), "LDS_B_17"),
    other_than_printed("incorrect sex", dg1(lower=at(LOWER, 20, "D")), "LDS_B_18"),
    other_than_printed("date of expiry, syntax error", dg1(lower=at(LOWER, 21, "31O415")), "LDS_B_19"),
    other_than_printed("date of expiry error", dg1(lower=summed(at(LOWER, 21, "311315"), also=(EXPIRY,))), "LDS_B_20"),
    other_than_printed("incorrect date of expiry checksum", dg1(lower=at(LOWER, 27, "1")), "LDS_B_21"),
    other_than_printed("incorrect optional data checksum", dg1(lower=at(LOWER, 42, "5")), "LDS_B_22"),
    other_than_printed("incorrect checksum", dg1(lower=at(LOWER, 43, str((int(LOWER[43]) + 1) % 10))), "LDS_B_23"),
    refused("TR-03105-5.1 LDS_B_24", "the MRZ's data object is missing", lambda: document({1: der.tlv(0x61)})),
    same_as_printed(
        "TR-03105-5.1 LDS_B_25", "day of birth unknown", lower=summed(at(LOWER, 13, "9408<<"), also=(BIRTH,))
    ),
    same_as_printed(
        "TR-03105-5.1 LDS_B_26", "month of birth unknown", lower=summed(at(LOWER, 13, "94<<12"), also=(BIRTH,))
    ),
    same_as_printed(
        "TR-03105-5.1 LDS_B_27", "year of birth unknown", lower=summed(at(LOWER, 13, "<<0812"), also=(BIRTH,))
    ),
    same_as_printed(
        "TR-03105-5.1 LDS_B_28", "date of birth unknown", lower=summed(at(LOWER, 13, "<<<<<<"), also=(BIRTH,))
    ),
    same_as_printed("9303-4 §4.2.2.2", "sex unspecified", lower=at(LOWER, 20, "<")),
    fine("X.690 §8.1.3.5", "EF.DG1, length 82 00 5B", lambda: document({1: long_form(dg1(), 2)})),
    printed_wrong("9303-3 §4.9", "composite check digit wrong", lower=at(LOWER, 43, str((int(LOWER[43]) + 1) % 10))),
    printed_wrong("9303-4 §4.2.2.2", "sex is no letter of the table", lower=at(LOWER, 20, "D")),
    printed_wrong("9303-3 §4.8", "month of birth is 13", lower=summed(at(LOWER, 13, "941312"), also=(BIRTH,))),
    failed(
        "TR-03135-1 §5.7.1",
        "date of expiry is past",
        lambda: _printed(UPPER, summed(at(LOWER, 21, "261124"), also=(EXPIRY,))),
        expiry=FAILED,
    ),
    fine(
        "TR-03135-1 §5.7.1",
        "date of expiry is today",
        lambda: _printed(UPPER, summed(at(LOWER, 21, "261125"), also=(EXPIRY,))),
        expiry=SUCCESSFUL,
    ),
    refused(
        "TR-03135-1 §5.7.1",
        "date of expiry cannot be read",
        lambda: _printed(UPPER, summed(at(LOWER, 21, "311315"), also=(EXPIRY,))),
        expiry=NOT_HELD,
    ),
    failed(
        "TR-03135-1 §5.7.1",
        "year of expiry is sixteen years from now: past",
        lambda: _printed(UPPER, summed(at(LOWER, 21, "421126"), also=(EXPIRY,))),
        expiry=FAILED,
    ),
)


# ── EF.DG2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

HEADER = {
    0x80: bytes.fromhex("0101"),
    0x81: b"\x02",
    0x82: b"\x00",
    0x87: bytes.fromhex("0101"),
    0x88: bytes.fromhex("0008"),
}


def face(
    header: dict[int, bytes | None] | None = None,
    *,
    record: bytes | None = RECORD,
    count: bytes | None = b"\x01",
    data_tag: int = 0x5F2E,
) -> bytes:
    """EF.DG2 with one biometric information template (ICAO 9303-10 §4.7.2)."""
    wanted = HEADER | (header or {})
    listed = b"".join(der.tlv(tag, value) for tag, value in wanted.items() if value is not None)
    template = der.tlv(0x7F60, der.tlv(0xA1, listed), b"" if record is None else der.tlv(data_tag, record))
    counted = b"" if count is None else der.tlv(0x02, count)
    return der.tlv(0x75, der.tlv(0x7F61, counted, template))


def record(offset: int, value: bytes) -> bytes:
    """The face record with other bytes at an offset: 0 identifier, 4 version, 8 length, 12 count, 14 block."""
    return RECORD[:offset] + value + RECORD[offset + len(value) :]


def with_points(claimed: int) -> bytes:
    """A record with one feature point, its length counted or not."""
    point = bytes.fromhex("0121000A000A0000")
    block_bytes = int.from_bytes(RECORD[14:18])
    block = (block_bytes + claimed).to_bytes(4) + b"\x00\x01" + RECORD[20:34] + point + RECORD[34:]
    return RECORD[:8] + (len(RECORD) + len(point)).to_bytes(4) + RECORD[12:14] + block


def of_dg2(group: bytes) -> Callable[[], Case]:
    return lambda: document({2: group})


PLAN = "TR-03105-5.1 LDS_C"
DG2 = (
    fine(f"{PLAN}_02", "JPEG image, full frontal", of_dg2(face())),
    fine(f"{PLAN}_03", "additional facial feature points", of_dg2(face(record=with_points(8)))),
    refused(f"{PLAN}_04", "tag 76 instead of 75", of_dg2(retagged(face(), 0x76))),
    refused(f"{PLAN}_05", "length byte too small", of_dg2(shorter(face()))),
    refused(f"{PLAN}_06", "length byte too big", of_dg2(longer(face()))),
    refused(f"{PLAN}_07", "number of instances is missing", of_dg2(face(count=None))),
    refused(f"{PLAN}_08", "format owner not allowed", of_dg2(face({0x87: bytes.fromhex("0001")}))),
    refused(f"{PLAN}_09", "format owner is missing", of_dg2(face({0x87: None}))),
    refused(f"{PLAN}_10", "format type not allowed", of_dg2(face({0x88: bytes.fromhex("0001")}))),
    refused(f"{PLAN}_11", "format type is missing", of_dg2(face({0x88: None}))),
    refused(f"{PLAN}_13", "biometric type is a fingerprint's", of_dg2(face({0x81: b"\x08"}))),
    refused(f"{PLAN}_14", "format identifier of the record", of_dg2(face(record=record(0, b"FIR\x00")))),
    refused(f"{PLAN}_15", "version of the record", of_dg2(face(record=record(4, b"030\x00")))),
    refused(f"{PLAN}_28", "facial image (5F2E) is missing", of_dg2(face(record=None))),
    refused("TR-03105-5.1 ISO7816_C_08", "image of no bytes", of_dg2(face(record=RECORD[: -len(PICTURE)]))),
    refused("9303-10 §4.7.2", "number of instances is 0", of_dg2(face(count=b"\x00"))),
    refused("9303-10 §4.7.2", "number of instances is 2 of 1", of_dg2(face(count=b"\x02"))),
    refused("19794-5 §5.4", "number of facial images is 0", of_dg2(face(record=record(12, b"\x00\x00")))),
    refused("19794-5 §5.4", "record length beyond the data", of_dg2(face(record=record(8, b"\x00\xff\xff\xff")))),
    refused("19794-5 §5.5", "block length beyond the record", of_dg2(face(record=record(14, b"\x00\xff\xff\xff")))),
    fine("9303-10 §4.7.2", "header without its optional fields", of_dg2(face({0x80: None, 0x82: None}))),
    fine("X.690 §8.1.3.5", "length in four octets", of_dg2(long_form(face(), 4))),
    fine("9303-10 §4.7.2", "ISO/IEC 39794-5", of_dg2(lds.dg2_39794(PICTURE))),
)


# ── EF.DG14 and EF.DG15 ──────────────────────────────────────────────────────────────────────────────────────────────

DG14_FILE, DG15_FILE = groups_of(plain())[14], groups_of(plain())[15]
ACTIVE = security_infos.active_authentication_info()


def active_info(*, version: int | None = 1, algorithm: str = "0.4.0.127.0.7.1.1.4.1.3") -> bytes:
    return der.sequence(
        der.oid("2.23.136.1.1.5"), *([] if version is None else [der.integer(version)]), der.oid(algorithm)
    )


def of_dg14(group: bytes) -> Callable[[], Case]:
    return lambda: document({14: group})


def of_dg15(group: bytes) -> Callable[[], Case]:
    return lambda: document({15: group})


def unknown_info() -> bytes:
    return der.sequence(der.oid("1.3.6.1.4.1.99999.7"), der.integer(1))


KEYS = (
    refused("TR-03105-5.1 LDS_F_01", "EF.DG14, tag 6F instead of 6E", of_dg14(retagged(DG14_FILE, 0x6F))),
    refused("TR-03105-5.1 LDS_F_02", "EF.DG14, length byte too small", of_dg14(shorter(DG14_FILE))),
    refused("TR-03105-5.1 LDS_F_03", "EF.DG14, length byte too big", of_dg14(longer(DG14_FILE))),
    refused("TR-03105-5.1 LDS_I_01", "EF.DG15, tag 70 instead of 6F", of_dg15(retagged(DG15_FILE, 0x70))),
    refused("TR-03105-5.1 LDS_I_02", "EF.DG15, length too small", of_dg15(shorter(DG15_FILE))),
    refused("TR-03105-5.1 LDS_I_03", "EF.DG15, length too big", of_dg15(longer(DG15_FILE))),
    refused(
        "TR-03105-5.1 ISO7816_F_09",
        "ActiveAuthenticationInfo, signature algorithm unknown",
        of_dg14(lds.dg14([active_info(algorithm="1.3.6.1.4.1.99999.3")])),
        chip_authenticity=NOT_HELD,
    ),
    refused(
        "9303-11 §6.1",
        "ActiveAuthenticationInfo names another hash than the chip used",
        of_dg14(lds.dg14([active_info(algorithm="0.4.0.127.0.7.1.1.4.1.5")])),
        chip_authenticity=FAILED,
    ),
    fine(
        "9303-11 §9.2",
        "EF.DG14, an info of an unknown protocol beside the others",
        of_dg14(lds.dg14([ACTIVE, unknown_info()])),
        chip_authenticity=SUCCESSFUL,
    ),
    refused("9303-10 §4.7.15", "EF.DG15 without a key", of_dg15(der.tlv(0x6F)), chip_authenticity=NOT_HELD),
)

ROWS = COM + DG1 + DG2 + KEYS
