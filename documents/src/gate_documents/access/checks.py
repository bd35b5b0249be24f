"""The check of how the chip was opened (TR-03135-1 §5.6.3.1), and against weakening it (ICAO 9303-11 §4.2, §9.2.11).

EF.CardAccess is read unprotected and is unsigned: an attacker between chip and reader can remove it or reduce it to the
weakest protocol. EF.DG14 repeats it under the issuer's signature, so the two must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.checks import Check, CheckId, Result
from gate_documents.errors import DocumentError
from gate_documents.lds.card_access import parse_card_access

if TYPE_CHECKING:
    from gate_documents.access.pace import PaceWay
    from gate_documents.lds.security_infos import PaceDomainParameters, PaceInfo, SecurityInfos

    _Pace = PaceInfo | PaceDomainParameters


NO_ACCESS_CONTROL: Final = "none"


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """How the chip was opened, as logged by TR-03135-1 §5.6.3.1. For Basic Access Control the last five are empty.

    A chip without access control has the protocol `none` and everything else empty.
    """

    protocol: str
    password: str
    version: int | None = None
    mapping: str = ""
    agreement: str = ""
    cipher: str = ""
    parameters: str = ""

    @classmethod
    def of(cls, way: PaceWay | None, *, with_number: bool, in_clear: bool) -> AccessFacts:
        """From the PACE used; None: Basic Access Control, or nothing for a chip that is read `in_clear`."""
        if in_clear:
            return cls(NO_ACCESS_CONTROL, "")
        if way is None:
            return cls("BAC", "MRZ")
        info = way.info
        return cls(
            "PACE",
            "CAN" if with_number else "MRZ",
            info.version,
            info.mapping.value,
            info.agreement.value,
            info.cipher.value,
            way.group.name,
        )

    def __str__(self) -> str:
        """For the reason of a check."""
        if self.version is None:
            return f"{self.protocol} with the {self.password}"
        return (
            f"{self.protocol} {self.version} {self.agreement}-{self.mapping} {self.cipher} on {self.parameters} "
            f"with the {self.password}"
        )


def judge_offer(facts: AccessFacts, offered: SecurityInfos | None, signed: SecurityInfos | None) -> Check:
    """Return the check of an opened chip. `offered`: EF.CardAccess; `signed`: EF.DG14's copy of it; None if missing."""
    repeated = _pace_of(signed)
    if offered is None:
        if repeated:
            return Check(CheckId.CHIP_ACCESS, Result.FAILED, "EF.DG14 offers PACE, but EF.CardAccess was not there")
        if facts.protocol == NO_ACCESS_CONTROL:
            return Check(
                CheckId.CHIP_ACCESS,
                Result.NOT_SUPPORTED,
                "the chip has neither PACE nor Basic Access Control: anyone may read it",
            )
        return Check(CheckId.CHIP_ACCESS, Result.SUCCESSFUL, f"opened by {facts}")
    objection = _compare(offered, repeated)
    return objection or Check(CheckId.CHIP_ACCESS, Result.SUCCESSFUL, f"opened by {facts}, as EF.DG14 offers it")


def judge_copied_offer(content: bytes, signed: SecurityInfos | None) -> Check | None:
    """Return an objection to the EF.CardAccess of a chip read elsewhere, or None."""
    try:
        offered = parse_card_access(content)
    except DocumentError as error:
        return Check(CheckId.CHIP_ACCESS, Result.FAILED, f"EF.CardAccess: {error}")
    return _compare(offered, _pace_of(signed))


def _compare(offered: SecurityInfos, repeated: frozenset[_Pace]) -> Check | None:
    """Return an objection to EF.CardAccess, given EF.DG14's copy of it."""
    if not repeated:
        return Check(CheckId.CHIP_ACCESS, Result.UNDETERMINED, "nothing that is signed repeats EF.CardAccess")
    if repeated != _pace_of(offered):
        return Check(CheckId.CHIP_ACCESS, Result.FAILED, "EF.CardAccess is not what EF.DG14 repeats of it")
    return None


def _pace_of(infos: SecurityInfos | None) -> frozenset[_Pace]:
    return frozenset() if infos is None else frozenset((*infos.pace, *infos.pace_parameters))
