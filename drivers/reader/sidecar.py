"""What a vendor's service writes beside a picture: its verdicts on the page, schema `page-verdicts/1`. Pure.

Strict and bounded: an unknown key or check, a value out of range or a second verdict on one check is a BadFrameError, and
nothing of the file is believed. docs/protocols/readers.md is the specification for whoever writes the vendor's side.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from gate_core.errors import BadFrameError
from gate_core.ports.values import PageResult, PageVerdict, PageVerdicts, VendorCheck

SIDECAR_BYTES_MAX = 16 * 1024
_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class _Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    check: VendorCheck
    result: PageResult
    score: _Share | None = None
    false_alarm_rate: _Share | None = None


class _Sidecar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal["page-verdicts/1"]
    reader: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,64}$")]
    verdicts: Annotated[tuple[_Verdict, ...], msgspec.Meta(max_length=len(VendorCheck))]


def parse_sidecar(content: bytes) -> PageVerdicts:
    """Read a sidecar. Raises BadFrameError."""
    if len(content) > SIDECAR_BYTES_MAX:
        raise BadFrameError(f"a sidecar of more than {SIDECAR_BYTES_MAX} bytes")
    try:
        sidecar = msgspec.json.decode(content, type=_Sidecar)
        return PageVerdicts(
            reader=sidecar.reader,
            verdicts=tuple(
                PageVerdict(found.check, found.result, found.score, found.false_alarm_rate)
                for found in sidecar.verdicts
            ),
        )
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadFrameError(f"no sidecar: {error}") from error
