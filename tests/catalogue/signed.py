"""Rows on EF.SOD (ICAO 9303-10 §4.6.2, RFC 5652, BSI TR-03105-5.1 unit LDS_H).

What a signature covers is signed after it was changed, so that only the part in question is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from catalogue.documents import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_TIME,
    Case,
    Parts,
    Sod,
    attribute,
    authority,
    com,
    document,
    elliptic,
    group_hash,
    groups_of,
    hashes,
    plain,
    signer,
    versions,
)
from catalogue.files import longer, retagged, shorter
from catalogue.rows import (
    FAILED,
    NOT_HELD,
    NOT_SUPPORTED,
    SUCCESSFUL,
    UNDETERMINED,
    Row,
    failed,
    fine,
    refused,
    undetermined,
)

from hardware_sim.passport import der, lds
from hardware_sim.passport.keys import digest_algorithm

GROUPS = groups_of(plain())
MD5 = der.sequence(der.oid("1.2.840.113549.2.5"), der.null())
MD5_WITH_RSA = der.sequence(der.oid("1.2.840.113549.1.1.4"), der.null())
ID_DATA = "1.2.840.113549.1.7.1"
STRANGER = der.sequence(der.oid("1.3.6.1.4.1.99999.1"))


def signed(sod: Sod, **more: object) -> Callable[[], Case]:
    return lambda: document(sod=sod, **more)  # type: ignore[arg-type]


def info(**parts: bytes | None) -> Callable[[], Case]:
    return signed(Sod(info=parts))


def data(**parts: bytes | None) -> Callable[[], Case]:
    return signed(Sod(data=parts))


def lds_object(**parts: bytes | None) -> Callable[[], Case]:
    return signed(Sod(lds=parts))


def attributes(**parts: bytes | None) -> Callable[[], Case]:
    return signed(Sod(attributes=parts))


def listed(*entries: bytes) -> Parts:
    return {"hashes": der.sequence(*entries)}


def entries(*left_out: int) -> list[bytes]:
    return [group_hash(number, content) for number, content in sorted(GROUPS.items()) if number not in left_out]


def of_file(change: Callable[[bytes], bytes]) -> Callable[[], Case]:
    return lambda: document(shown={"EF_SOD": change(Sod()(GROUPS))})


# ── the file and SignedData ──────────────────────────────────────────────────────────────────────────────────────────

STRUCTURE = (
    failed(
        "TR-03105-5.1 LDS_H_17",
        "tag 78 instead of 77",
        of_file(lambda file: retagged(file, 0x78)),
        sod_signature=FAILED,
    ),
    failed("TR-03105-5.1 LDS_H_18", "length byte too small", of_file(shorter), sod_signature=FAILED),
    refused("TR-03105-5.1 LDS_H_19", "length byte too big", of_file(longer), sod_signature=NOT_HELD),
    failed(
        "TR-03135-1 §5.6.4.2.1",
        "security object present but empty",
        lambda: document(shown={"EF_SOD": der.tlv(0x77)}),
        sod_signature=FAILED,
    ),
    refused("TR-03135-1 §5.6.4.2.1", "no EF.SOD", lambda: document(shown={"EF_SOD": None}), sod_signature=NOT_HELD),
    failed("TR-03105-5.1 LDS_H_20", "SignedData version 2", data(version=der.integer(2)), sod_signature=FAILED),
    failed("TR-03105-5.1 LDS_H_21", "SignedData version missing", data(version=None), sod_signature=FAILED),
    refused("TR-03105-5.1 LDS_H_22", "digest algorithm MD5", data(digests=der.set_of(MD5)), sod_signature=NOT_HELD),
    failed("TR-03105-5.1 LDS_H_23", "digest algorithm list missing", data(digests=None), sod_signature=FAILED),
    failed(
        "TR-03105-5.1 LDS_H_24",
        "content type is not that of the security object",
        signed(Sod(content={"type": der.oid("2.23.136.1.1.2")})),
        sod_signature=FAILED,
    ),
    failed("TR-03105-5.1 LDS_H_25", "content type missing", signed(Sod(content={"type": None})), sod_signature=FAILED),
    failed(
        "RFC 5652 §3",
        "root content type is not SignedData",
        signed(Sod(outer={"type": der.oid("1.2.840.113549.1.7.4")})),
        sod_signature=FAILED,
    ),
    failed("9303-10 §4.6.2.2", "content missing", signed(Sod(content={"content": None})), sod_signature=FAILED),
    failed("RFC 5652 §5.1", "no SignerInfo", data(infos=der.tlv(0x31)), sod_signature=FAILED),
    undetermined(
        "TR-03135-1 table 5.28",
        "the signer's certificate is missing",
        data(certificates=None),
        sod_signature=UNDETERMINED,
    ),
    fine(
        "TR-03135-1 §5.6.4.2.1",
        "several certificates, the signer's last",
        lambda: document(sod=Sod(data={"certificates": der.tlv(0xA0, authority().certificate, signer().certificate)})),
        sod_signature=SUCCESSFUL,
    ),
    refused(
        "TR-03135-1 §5.6.4.3.3",
        "no trusted CSCA, but one inside the security object",
        lambda: document(
            sod=Sod(
                by=signer(authority("Nobody's CSCA")),
                data={
                    "certificates": der.tlv(
                        0xA0,
                        signer(authority("Nobody's CSCA")).certificate,
                        authority("Nobody's CSCA").certificate,
                    )
                },
            )
        ),
        ds_signature=UNDETERMINED,
    ),
    refused(
        "X.690 §8.1.1", "a byte after the CMS, inside tag 77", of_file(lambda file: der.tlv(0x77, file[4:], b"\x00"))
    ),
    fine("9303-10 §3.6.3", "a file longer than its object", of_file(lambda file: file + bytes(16))),
    fine(
        "X.690 §8.1.3.5",
        "outer length in four octets",
        of_file(lambda file: b"\x77\x84" + (len(file) - 4).to_bytes(4) + file[4:]),
    ),
)

# ── SignerInfo ───────────────────────────────────────────────────────────────────────────────────────────────────────


def key_identifier() -> bytes:
    return der.tlv(0x80, signer().key.identifier())


def two_signers(*, second_holds: bool) -> Callable[[], Case]:
    """A second SignerInfo of a second document signer under the same CSCA."""

    def make() -> Case:
        second = signer(key=elliptic("second signer"), serial=78)
        twisted: Parts = {} if second_holds else {"signature": der.octets(der.sequence(der.integer(5), der.integer(7)))}
        both = der.tlv(0xA0, signer().certificate, second.certificate)
        more = lambda content: [Sod(info=twisted).signer_info(second, content)]  # noqa: E731 - a field's value
        return document(sod=Sod(data={"certificates": both}, more_infos=more))

    return make


INFO = (
    failed("TR-03105-5.1 LDS_H_26", "SignerInfo version 7", info(version=der.integer(7)), sod_signature=FAILED),
    failed("TR-03105-5.1 LDS_H_27", "SignerInfo version missing", info(version=None), sod_signature=FAILED),
    refused(
        "TR-03105-5.1 LDS_H_28",
        "version 1, serial number of nobody",
        info(signer=der.sequence(authority().name, der.integer(4711))),
        sod_signature=NOT_HELD,
    ),
    refused(
        "TR-03105-5.1 LDS_H_29",
        "version 3, key identifier of nobody",
        info(version=der.integer(3), signer=der.tlv(0x80, bytes(20))),
        sod_signature=NOT_HELD,
    ),
    fine(
        "RFC 5652 §5.3",
        "version 3 with the key identifier",
        info(version=der.integer(3), signer=key_identifier()),
        sod_signature=SUCCESSFUL,
    ),
    failed(
        "TR-03105-5.1 LDS_H_84",
        "version 3 with issuer and serial number",
        info(version=der.integer(3)),
        sod_signature=FAILED,
    ),
    failed(
        "TR-03105-5.1 LDS_H_85",
        "version 1 with the key identifier",
        info(signer=key_identifier()),
        sod_signature=FAILED,
    ),
    refused("TR-03105-5.1 LDS_H_30", "digest algorithm MD5", info(digest=MD5), sod_signature=NOT_HELD),
    failed("TR-03105-5.1 LDS_H_31", "digest algorithm missing", info(digest=None), sod_signature=FAILED),
    failed(
        "TR-03105-5.1 LDS_H_32",
        "messageDigest attribute of another content",
        attributes(digest=attribute(MESSAGE_DIGEST, der.octets(bytes(32)))),
        sod_signature=FAILED,
    ),
    failed("TR-03105-5.1 LDS_H_33", "messageDigest attribute missing", attributes(digest=None), sod_signature=FAILED),
    failed("RFC 5652 §5.3", "content-type attribute missing", attributes(type=None), sod_signature=FAILED),
    failed(
        "RFC 5652 §11.1",
        "content-type attribute of another type",
        attributes(type=attribute(CONTENT_TYPE, der.oid(ID_DATA))),
        sod_signature=FAILED,
    ),
    failed(
        "RFC 5652 §11.2",
        "messageDigest attribute with two values",
        lambda: document(
            sod=Sod(
                attributes={
                    "digest": attribute(MESSAGE_DIGEST, der.octets(_right_digest()), der.octets(bytes(32))),
                }
            )
        ),
        sod_signature=FAILED,
    ),
    failed(
        "RFC 5652 §11.2",
        "messageDigest attribute twice",
        attributes(more=attribute(MESSAGE_DIGEST, der.octets(bytes(32)))),
        sod_signature=FAILED,
    ),
    refused(
        "TR-03105-5.1 LDS_H_36",
        "signature algorithm MD5 with RSA",
        info(algorithm=MD5_WITH_RSA),
        sod_signature=NOT_HELD,
    ),
    failed(
        "TR-03105-5.1 LDS_H_37",
        "signature of something else",
        signed(Sod(sign=lambda key, message: key.sign(message + b"!"))),
        sod_signature=FAILED,
    ),
    failed("TR-03105-5.1 LDS_H_38", "signature missing", info(signature=None), sod_signature=FAILED),
    failed("RFC 5652 §5.3", "signature empty", info(signature=der.octets()), sod_signature=FAILED),
    refused(
        "RFC 5652 §5.6",
        "signature algorithm of another kind of key",
        info(algorithm=der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())),
        sod_signature=NOT_HELD,
    ),
    refused(
        "RFC 5652 §5.4",
        "digest algorithm differs from that of the signature algorithm",
        info(digest=der.sequence(der.oid(digest_algorithm("sha512")))),
        sod_signature=NOT_HELD,
    ),
    fine(
        "9303-10 §4.6.2.2",
        "a signing time among the signed attributes",
        attributes(more=attribute(SIGNING_TIME, der.tlv(0x17, b"261120100000Z"))),
        sod_signature=SUCCESSFUL,
    ),
    fine(
        "9303-10 §4.6.2.2",
        "an unknown signed attribute need not be processed",
        attributes(more=attribute("1.3.6.1.4.1.99999.5", der.utf8("issuer's own"))),
        sod_signature=SUCCESSFUL,
    ),
    fine(
        "9303-10 §4.6.2.2",
        "unsigned attributes are ignored",
        info(unsigned=der.tlv(0xA1, attribute("1.3.6.1.4.1.99999.5", der.utf8("anyone's")))),
        sod_signature=SUCCESSFUL,
    ),
    fine(
        "RFC 5652 §10.1.2",
        "digest algorithms with NULL as parameters",
        info(digest=der.sequence(der.oid(digest_algorithm("sha256")), der.null())),
        sod_signature=SUCCESSFUL,
    ),
    fine("9303-10 §4.6.2.2", "two signers, both hold", two_signers(second_holds=True), sod_signature=SUCCESSFUL),
    refused(
        "TR-03135-1 table 5.28",
        "two signers, one does not hold",
        two_signers(second_holds=False),
        sod_signature=NOT_HELD,
    ),
    failed(
        "TR-03111 §5.2.1",
        "ECDSA signature with r and s zero",
        info(signature=der.octets(der.sequence(der.integer(0), der.integer(0)))),
        sod_signature=FAILED,
    ),
)


def _right_digest() -> bytes:
    content = der.sequence(
        der.integer(1), der.sequence(der.oid(digest_algorithm("sha256"))), hashes(GROUPS, "sha256"), versions()
    )
    return hashlib.sha256(content).digest()


# ── LDSSecurityObject ────────────────────────────────────────────────────────────────────────────────────────────────

OLD: Parts = {"version": der.integer(0), "versions": None}
ALIEN = group_hash(10, b"no such file")

OBJECT = (
    failed("TR-03105-5.1 LDS_H_39", "version -1", lds_object(version=der.integer(-1)), sod_signature=FAILED),
    refused("TR-03105-5.1 LDS_H_39", "version 7", lds_object(version=der.integer(7)), sod_signature=NOT_HELD),
    failed("TR-03105-5.1 LDS_H_40", "version missing", lds_object(version=None), sod_signature=FAILED),
    refused("TR-03105-5.1 LDS_H_41", "digest algorithm MD5", lds_object(algorithm=MD5), dg_hashes=NOT_HELD),
    undetermined("TR-03135-1 table 5.29", "digest algorithm unknown", lds_object(algorithm=STRANGER)),
    failed("TR-03105-5.1 LDS_H_42", "digest algorithm missing", lds_object(algorithm=None), sod_signature=FAILED),
    failed(
        "TR-03105-5.1 LDS_H_43",
        "hash of DG2 is wrong",
        signed(Sod(lds=listed(group_hash(2, b"another"), *entries(2)))),
        dg_hashes=FAILED,
    ),
    failed("TR-03105-5.1 LDS_H_44", "hash of DG1 is missing", signed(Sod(lds=listed(*entries(1)))), com_sod=FAILED),
    failed(
        "TR-03105-5.1 LDS_H_45",
        "a hash of DG10, which the chip does not have",
        signed(Sod(lds=listed(ALIEN, *entries()))),
        com_sod=FAILED,
    ),
    failed(
        "TR-03105-5.1 LDS_H_46",
        "data group number 255 for DG1",
        signed(Sod(lds=listed(group_hash(255, GROUPS[1]), *entries(1)))),
    ),
    failed(
        "TR-03105-5.1 LDS_H_47",
        "data group number of DG2 missing",
        signed(Sod(lds=listed(der.sequence(der.octets(hashlib.sha256(GROUPS[2]).digest())), *entries(2)))),
        sod_signature=FAILED,
    ),
    failed(
        "9303-10 §4.6.2.3",
        "data group number 0",
        signed(Sod(lds=listed(group_hash(0, b""), *entries()))),
        sod_signature=FAILED,
    ),
    failed(
        "9303-10 §4.6.2.3", "DG1 twice, with two hashes", signed(Sod(lds=listed(group_hash(1, b"another"), *entries())))
    ),
    failed(
        "9303-10 §4.6.2.3", "no hash at all", signed(Sod(lds=listed())), sod_signature=FAILED, com_sod=NOT_SUPPORTED
    ),
    refused(
        "9303-10 §4.6.2.3",
        "hashes cut to 20 bytes of 32",
        signed(
            Sod(
                lds=listed(
                    *(
                        der.sequence(der.integer(number), der.octets(hashlib.sha256(content).digest()[:20]))
                        for number, content in sorted(GROUPS.items())
                    )
                )
            )
        ),
        dg_hashes=NOT_HELD,
    ),
    fine("TR-03105-5.1 LDS_H_86", "LDS 1.8, version 1", signed(Sod()), sod_signature=SUCCESSFUL),
    failed(
        "TR-03105-5.1 LDS_H_87",
        "LDS 1.8 with version 0: versions where there must be none",
        lds_object(version=der.integer(0)),
        sod_signature=FAILED,
    ),
    failed(
        "TR-03105-5.1 LDS_H_88",
        "LDS 1.7 with version 1: no versions where there must be some",
        signed(Sod(lds={"versions": None}), com_file=com(lds_version="0107")),
        sod_signature=FAILED,
    ),
    failed(
        "TR-03105-5.1 LDS_H_90",
        "EF.SOD has more data groups than EF.COM",
        lambda: document({3: lds.dg3()}, com_file=com()),
        com_sod=FAILED,
    ),
    failed("TR-03105-5.1 LDS_H_91", "hash of DG2 is deleted", signed(Sod(lds=listed(*entries(2)))), com_sod=FAILED),
    failed(
        "TR-03105-5.1 LDS_H_92",
        "DG3 in place of DG2",
        signed(Sod(lds=listed(group_hash(3, lds.dg3()), *entries(2))), shown={"EF_DG3": lds.dg3()}),
        com_sod=FAILED,
    ),
    failed(
        "TR-03105-5.1 LDS_H_69",
        "DG2 with its last byte switched",
        lambda: document(shown={"EF_DG2": GROUPS[2][:-1] + bytes((GROUPS[2][-1] ^ 0xFF,))}),
        dg_hashes=FAILED,
    ),
    fine("9303-10 §4.6.2.3", "hashes not in the order of their numbers", signed(Sod(lds=listed(*reversed(entries()))))),
    fine("9303-10 §4.6.2.3", "version 0 without versions", signed(Sod(lds=OLD)), sod_signature=SUCCESSFUL),
    fine(
        "9303-10 §4.6.2.3",
        "hash algorithm with NULL as parameters",
        lds_object(algorithm=der.sequence(der.oid(digest_algorithm("sha256")), der.null())),
    ),
)


ROWS: tuple[Row, ...] = STRUCTURE + INFO + OBJECT
