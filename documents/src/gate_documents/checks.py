"""The results of document checks and how they combine, in the terms of BSI TR-03135-1 §3.5.2.

A check terminates as successful, failed, undetermined or not supported. Aborted means that the process broke before it
could terminate, and that what was read so far is not to be used. Nothing that did not run is ever successful.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Result(enum.Enum):
    """The result of one check, or of several together."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    NOT_SUPPORTED = "not_supported"
    ABORTED = "aborted"


class Tolerance(enum.Enum):
    """A deviation from the standards by real issuers that is accepted by name. The value is its text in reasons.

    The trust store keeps the member's name, which is never changed.
    """

    DIGEST_INFO_WITHOUT_NULL = "an RSA signature without NULL in its DigestInfo"
    CSCA_NOT_CA = "a CSCA certificate whose basic constraints say that it is no CA"
    CSCA_WITHOUT_CERT_SIGN = "a CSCA certificate whose key usage lacks keyCertSign"
    CSCA_WITHOUT_USAGE = "a CSCA certificate without key usage and basic constraints"
    SEAL_OLDER_HEADER = "the older header of an arrival attestation"
    SEAL_LENGTH_BYTE_80 = "a length of 128 in the single byte 80"


def tolerating(reason: str, tolerated: Iterable[Tolerance]) -> str:
    """The reason, with what was tolerated."""
    return "; tolerated: ".join([reason, *sorted(one.value for one in tolerated)])


class CheckId(enum.Enum):
    """The checks of one inspection, in the order in which they are reported."""

    MRZ = "mrz"
    CHIP_ACCESS = "chip_access"
    SOD_SIGNATURE = "sod_signature"
    DS_SIGNATURE = "ds_signature"
    DS_VALIDITY = "ds_validity"
    CSCA_VALIDITY = "csca_validity"
    REVOCATION = "revocation"
    COM_SOD = "com_sod"
    DG_HASHES = "dg_hashes"
    COUNTRY = "country"
    CHIP_AUTHENTICITY = "chip_authenticity"
    TERMINAL_AUTHENTICATION = "terminal_authentication"
    EXPIRY = "expiry"
    MRZ_DG1 = "mrz_dg1"


CLAUSES = {
    CheckId.MRZ: "ICAO 9303-3 §4.9",
    CheckId.CHIP_ACCESS: "TR-03135-1 §5.6.3.1",
    CheckId.SOD_SIGNATURE: "TR-03135-1 §5.6.4.2",
    CheckId.DS_SIGNATURE: "TR-03135-1 §5.6.4.3.3",
    CheckId.DS_VALIDITY: "TR-03135-1 §5.6.4.3.4",
    CheckId.CSCA_VALIDITY: "TR-03135-1 §5.6.4.3.4",
    CheckId.REVOCATION: "TR-03135-1 §5.6.4.3.5",
    CheckId.COM_SOD: "TR-03135-1 §5.6.4.4.1",
    CheckId.DG_HASHES: "TR-03135-1 §5.6.4.4.2",
    CheckId.COUNTRY: "TR-03135-1 §5.6.4.5",
    CheckId.CHIP_AUTHENTICITY: "TR-03135-1 §5.6.4.1",
    CheckId.TERMINAL_AUTHENTICATION: "TR-03135-1 §5.6.3.2",
    CheckId.EXPIRY: "TR-03135-1 §5.7.1",
    CheckId.MRZ_DG1: "TR-03135-1 §5.7.2",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its result and the reason as text. The reason holds no personal data."""

    id: CheckId
    result: Result
    reason: str = ""

    @property
    def clause(self) -> str:
        """The clause of the standard that the check comes from."""
        return CLAUSES[self.id]


# §5.4 leaves open what wins when one check failed and another was aborted; §5.7 names this order for combined checks.
_WORST_FIRST = (Result.FAILED, Result.ABORTED, Result.UNDETERMINED)


def combine(results: Iterable[Result]) -> Result:
    """The result of several checks together: failed, then aborted, then undetermined outweigh the rest.

    A feature that the document lacks (not supported) neither helps nor harms; policy decides what it is worth. Of nothing
    but unsupported checks, or of none, the result is undetermined.
    """
    seen = set(results)
    for result in _WORST_FIRST:
        if result in seen:
            return result
    return Result.SUCCESSFUL if Result.SUCCESSFUL in seen else Result.UNDETERMINED
