"""The edge to asn1crypto: its many exceptions become MalformedError, and every input is bounded."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gate.document.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

ASN1_BYTES_MAX: Final = 1 << 20


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Translate what asn1crypto raises on bytes it cannot read. Values are parsed lazily, so read them inside."""
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise MalformedError(f"{what} is not well formed") from error


def load(kind: Any, data: bytes, what: str, *, bytes_max: int = ASN1_BYTES_MAX) -> Any:  # noqa: ANN401 - asn1crypto is untyped
    """Parse one whole value, with nothing after it."""
    if len(data) > bytes_max:
        raise MalformedError(f"{what} is longer than {bytes_max} bytes")
    with reading(what):
        return kind.load(data, strict=True)


def moment(value: Any) -> datetime:  # noqa: ANN401 - asn1crypto is untyped
    """The time of a UTCTime or GeneralizedTime, in UTC. One that names no zone, or the year 0, is malformed (RFC 5280 §4.1.2.5)."""
    native = value.native
    if type(native) is not datetime or native.tzinfo is None:
        raise MalformedError("a time without a zone, or no time at all")
    return native.astimezone(UTC)
