"""Makes deviation lists (ICAO 9303-12 §10) and defect lists (BSI TR-03129-2 §7) with the simulator's DER writer."""

from __future__ import annotations

from datetime import datetime

from document_fakes.master_lists import NOW, Party, signed_list

from hardware_sim.passport import der

DEVIATION_LIST = "2.23.136.1.1.7"
DEVIATION_SIGNER = "2.23.136.1.1.8"
DEFECT_LIST = "0.4.0.127.0.7.3.1.5"
SHA256 = "2.16.840.1.101.3.4.2.1"


def printable(text: str) -> bytes:
    return der.tlv(0x13, text.encode())


def generalized(moment: datetime) -> bytes:
    return der.tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def issuer_and_serial(signer: Party) -> bytes:
    """The fields without their frame, which each list gives another tag."""
    return signer.certificate.issuer.public_bytes() + der.integer(signer.certificate.serial_number)


def deviation(*documents: bytes, kinds: tuple[bytes, ...]) -> bytes:
    """One entry; `documents` are its conditions with their tags, `kinds` what `deviates` makes."""
    return der.sequence(der.sequence(*documents), der.tlv(0x31, *kinds))


def deviates(arcs: str, parameter: bytes = b"", *, text: str = "") -> bytes:
    return der.sequence(
        printable(text) if text else b"",
        der.oid(f"{DEVIATION_LIST}.{arcs}"),
        der.tlv(0xA0, parameter) if parameter else b"",
    )


def deviation_list(signer: Party, *entries: bytes, signed_at: datetime | None = NOW, version: int = 0) -> bytes:
    content = der.sequence(der.integer(version), der.sequence(der.oid(SHA256)), der.tlv(0x31, *entries))
    return signed_list(signer, content, content_type=DEVIATION_LIST, signed_at=signed_at)


def defect(signer: Party | None, *known: bytes, certificate_hash: bytes = b"", key_id: bytes = b"") -> bytes:
    """One entry on the documents of this signer."""
    return der.sequence(
        der.sequence(issuer_and_serial(signer)) if signer is not None else b"",
        der.tlv(0x80, key_id) if key_id else b"",
        der.octets(certificate_hash) if certificate_hash else b"",
        der.tlv(0x31, *known),
    )


def known(arcs: str, parameter: bytes = b"") -> bytes:
    return der.sequence(der.oid(f"{DEFECT_LIST}.{arcs}"), parameter)


def known_in_version_2(arcs: str, parameter: bytes = b"", *, text: str = "") -> bytes:
    return der.tlv(
        0xA0,
        der.oid(f"{DEFECT_LIST}.{arcs}"),
        der.tlv(0xA0, parameter) if parameter else b"",
        der.tlv(0x81, text.encode()) if text else b"",
    )


def status(code: int) -> bytes:
    return der.tlv(0x0A, bytes([code]))


def defect_list(signer: Party, *entries: bytes, signed_at: datetime | None = NOW, version: int = 0) -> bytes:
    content = der.sequence(der.integer(version), der.oid(SHA256), der.tlv(0x31, *entries))
    return signed_list(signer, content, content_type=DEFECT_LIST, signed_at=signed_at)
