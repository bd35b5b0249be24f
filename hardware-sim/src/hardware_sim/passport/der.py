"""Writes DER and BER-TLV. There is no reader here: the gate has its own.

Functions take Python values and return encoded objects. Nothing here depends on certificates.
"""

from __future__ import annotations

from datetime import UTC, datetime

_LONG_FORM = 0x80
_GENERALIZED_FROM_YEAR = 2050  # RFC 5280 §4.1.2.5


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return one object: a tag of any number of bytes, and `parts` joined as its content (X.690 §8.1)."""
    content = b"".join(parts)
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1) + _length(len(content)) + content


def indefinite(tag: int, *parts: bytes) -> bytes:
    """Return one constructed object of indefinite length, as BER permits and some issuers write (X.690 §8.1.3.6)."""
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1) + b"\x80" + b"".join(parts) + b"\x00\x00"


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of encoded objects, in this order."""
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF encoded objects, sorted as DER requires (X.690 §11.6)."""
    return tlv(0x31, *sorted(parts))


def boolean(value: bool) -> bytes:  # noqa: FBT001 - the value itself is the argument
    """Return an encoded BOOLEAN."""
    return tlv(0x01, b"\xff" if value else b"\x00")


def integer(value: int) -> bytes:
    """Return an encoded INTEGER of minimal length, with an extra byte for the sign bit where needed."""
    magnitude_bits = (value if value >= 0 else ~value).bit_length()
    return tlv(0x02, value.to_bytes(magnitude_bits // 8 + 1, signed=True))


def oid(dotted: str) -> bytes:
    """Return an encoded OBJECT IDENTIFIER from dotted decimals."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(0x06, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def octets(*parts: bytes) -> bytes:
    """Return an encoded OCTET STRING of `parts` joined."""
    return tlv(0x04, *parts)


def bits(content: bytes, unused: int = 0) -> bytes:
    """Return an encoded BIT STRING; its last `unused` bits are padding."""
    return tlv(0x03, bytes([unused]), content)


def null() -> bytes:
    """Return an encoded NULL."""
    return tlv(0x05)


def printable(text: str) -> bytes:
    """Return an encoded PrintableString."""
    return tlv(0x13, text.encode("ascii"))


def utf8(text: str) -> bytes:
    """Return an encoded UTF8String."""
    return tlv(0x0C, text.encode())


def generalized_time(moment: datetime) -> bytes:
    """Return an encoded GeneralizedTime in UTC, without fractions of a second."""
    return tlv(0x18, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def time(moment: datetime) -> bytes:
    """Return an encoded UTCTime up to 2049, a GeneralizedTime from 2050 (RFC 5280 §4.1.2.5)."""
    if moment.year >= _GENERALIZED_FROM_YEAR:
        return generalized_time(moment)
    return tlv(0x17, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def _length(count: int) -> bytes:
    if count < _LONG_FORM:
        return bytes([count])
    body = count.to_bytes((count.bit_length() + 7) // 8)
    return bytes([_LONG_FORM | len(body)]) + body


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | (arc & 0x7F))
    return bytes(reversed(groups))
