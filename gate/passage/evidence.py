"""What a crossing knows: the document, the face, the lane, the officer, the lists, the clock.

Every value says how it could be absent. Nothing here is personal: names, numbers, pictures and templates never enter
`gate.passage`. Enum values are stored in the audit log and are never renamed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date


class CheckResult(enum.Enum):
    """The result of one check, in the terms of BSI TR-03135-1 §3.5.2."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    NOT_SUPPORTED = "not_supported"
    ABORTED = "aborted"


class CheckId(enum.Enum):
    """The document checks a decision looks at."""

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
    EXPIRY = "expiry"
    MRZ_DG1 = "mrz_dg1"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its result, a reason in the checker's words, the clause it comes from."""

    id: CheckId
    result: CheckResult
    reason: str = ""
    clause: str = ""


@dataclass(frozen=True, slots=True)
class DocumentEvidence:
    """What the inspection of the document found. `issuer` is the MRZ's three-letter code."""

    checks: tuple[Check, ...]
    issuer: str = ""
    document_type: str = ""
    issued: date | None = None
    expires: date | None = None
    test_issuer: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A probability or similarity from -1 (unlike) to 1 (alike), as the model gives it."""

    value: float

    def __post_init__(self) -> None:
        """Refuse what no model gives, NaN included."""
        if not -1.0 <= self.value <= 1.0:
            raise ValueError(f"score out of range: {self.value}")


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """What the camera and the matcher found. None means: not run, or no usable picture.

    `track_held` says that the compared face is still the one in front of the camera.
    """

    faces: int
    match: Score | None = None
    liveness: Score | None = None
    portrait_usable: bool | None = None
    track_held: bool = False
    model: str = ""


@dataclass(frozen=True, slots=True)
class LaneEvidence:
    """What the barrier controller says, and how old that is, in milliseconds."""

    age_ms: int
    closed: bool
    bodies: int
    grants_left: int
    emergency: bool
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteEvidence:
    """What surrounds the crossing: officer, lists, clock. None means never seen."""

    officer_seen_ago_s: float | None
    trust_age_days: float | None
    clock_sure: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a decision is taken from."""

    document: DocumentEvidence | None
    face: FaceEvidence | None
    lane: LaneEvidence | None
    site: SiteEvidence
