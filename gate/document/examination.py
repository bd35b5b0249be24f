"""What is known about one document so far, and what follows from it.

The same code judges a chip that is being read and files that someone else has read. Files come in as they are read;
`conclude` gives every check its result. What is missing when the process broke is aborted, else undetermined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.document.access_checks import judge_offer
from gate.document.authenticity.card_security import judge_mapping
from gate.document.authenticity.chip import ActiveAnswer, AgreementOutcome, Proofs, judge_chip
from gate.document.authenticity.passive import (
    SecurityVerdict,
    hash_agrees,
    judge_com,
    judge_country,
    judge_hashes,
    judge_sod,
)
from gate.document.checks import Check, CheckId, Result
from gate.document.errors import DocumentError
from gate.document.lds.dg1 import parse_dg1
from gate.document.lds.dg2 import PortraitImage, parse_dg2
from gate.document.lds.dg12 import parse_dg12
from gate.document.lds.dg14 import parse_dg14
from gate.document.lds.formats import check_format
from gate.document.outcome import AgreementFacts, DocumentFields, Inspection
from gate.document.refinement import Evidence, refine
from gate.document.softening import ChipProof
from gate.document.zone_checks import judge_expiry, judge_mrz, judge_printed_and_chip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from gate.document.access.pace import MappingProof
    from gate.document.access_checks import AccessFacts
    from gate.document.lds.security_infos import SecurityInfos
    from gate.document.mrz import Mrz
    from gate.document.pki.anchors import TrustAnchors

UTOPIA: Final = "UTO"  # the issuer of specimens (ICAO 9303-3 §5)
# EF.DG1 and EF.DG2 are in every passport; without them a document is not read (TR-03135-1 §5.6.2).
DATA_GROUPS_WANTED: Final = frozenset({1, 2})
_SOD_CHECKS: Final = (
    CheckId.SOD_SIGNATURE,
    CheckId.DS_SIGNATURE,
    CheckId.DS_VALIDITY,
    CheckId.CSCA_VALIDITY,
    CheckId.REVOCATION,
)


class Examination:
    """One document under examination. `printed` is the zone as printed; None when nobody saw the page."""

    def __init__(
        self,
        *,
        anchors: TrustAnchors,
        now: datetime,
        printed: Mrz | None,
        wanted: frozenset[int] = DATA_GROUPS_WANTED,
    ) -> None:
        self._anchors = anchors
        self._now = now
        self._printed = printed
        self._wanted = wanted
        self._access = Check(CheckId.CHIP_ACCESS, Result.NOT_SUPPORTED, "the files were read by someone else")
        self._verdict: SecurityVerdict | None = None
        self._com: bytes | None = None
        self._files: dict[int, bytes] = {}
        self._withheld: set[int] = set()
        self._opened: tuple[AccessFacts, SecurityInfos | None] | None = None
        self._answer: ActiveAnswer | None = None
        self._agreement: AgreementOutcome | None = None
        self._mapping_proofs: Sequence[MappingProof] = ()
        self._card_security: bytes | None = None
        self._broken: str | None = None
        self._not_conforming = False

    # ── what is learned ──────────────────────────────────────────────────────────────────────────────────────────────

    def take_access(self, result: Result, reason: str) -> None:
        """The chip was not opened, or not yet."""
        self._access = Check(CheckId.CHIP_ACCESS, result, reason)

    def take_opening(self, facts: AccessFacts, offered: SecurityInfos | None) -> None:
        """The chip was opened. `offered` is what EF.CardAccess said, None when there was none."""
        self._opened = (facts, offered)

    def take_mapping(self, proofs: Sequence[MappingProof], card_security: bytes | None) -> None:
        """The chip's proofs of PACE-CAM, a list that grows as the chip is opened anew; and its EF.CardSecurity."""
        self._mapping_proofs = proofs
        self._card_security = card_security

    def take_com(self, content: bytes | None) -> None:
        """EF.COM, None when there is none, empty when it could not be read."""
        self._com = content

    def take_sod(self, content: bytes | None) -> None:
        """EF.SOD; its signatures are checked at once. Every passport has one: none at all fails as an empty one does."""
        self._verdict = judge_sod(content or b"", self._anchors, self._now)

    def take_data_group(self, number: int, content: bytes | None) -> None:
        """A data group; None or empty when the chip would not give it, or gave something else."""
        if content:
            self._files[number] = content
        else:
            self._withheld.add(number)

    def take_answer(self, answer: ActiveAnswer) -> None:
        """What the chip made of the challenge of Active Authentication."""
        self._answer = answer

    def take_agreement(self, outcome: AgreementOutcome) -> None:
        """What came of Chip Authentication."""
        self._agreement = outcome

    def take_break(self, reason: str) -> None:
        """The process broke: the chip was pulled out, or its answers make no sense."""
        self._broken = reason

    # ── what follows while reading ───────────────────────────────────────────────────────────────────────────────────

    def lists(self, number: int) -> bool:
        """True when EF.SOD has a hash for this data group."""
        return (
            self._verdict is not None and self._verdict.security is not None and number in self._verdict.security.hashes
        )

    def file(self, number: int) -> bytes | None:
        """A data group as it was read, if its hash agrees with EF.SOD."""
        content = self._files.get(number)
        security = None if self._verdict is None else self._verdict.security
        if content is None or security is None or not hash_agrees(security, number, content):
            return None
        return content

    def portrait(self) -> PortraitImage | None:
        """The portrait of EF.DG2, if its hash agrees with EF.SOD and it is a picture."""
        content = self.file(2)
        if content is None:
            return None
        try:
            return parse_dg2(content)
        except DocumentError:
            self._not_conforming = True
            return None

    def infos(self) -> SecurityInfos | None:
        """EF.DG14, if its hash agrees with EF.SOD and it can be read."""
        content = self.file(14)
        try:
            return None if content is None else parse_dg14(content)
        except DocumentError:
            return None  # `check_format` says so in the end

    def mapping_shown(self) -> bool:
        """True when PACE-CAM has shown that the chip is genuine, so that it need not prove itself again."""
        check = self._judge_mapping()
        return check is not None and check.result is Result.SUCCESSFUL

    # ── what follows in the end ──────────────────────────────────────────────────────────────────────────────────────

    def conclude(self) -> Inspection:
        """Every check with its result."""
        zone, issued = self._zone(), self._issued()  # first: they tell whether the data groups keep to their format
        self._check_formats()
        evidence = Evidence(self._verdict, zone, issued, self._files, self._proofs())
        checks = {check.id: check for check in refine(self._checks(zone), evidence, self._anchors)}
        known = zone or self._printed
        today = self._now.date()
        document = DocumentFields(
            type="" if known is None else known.document_type,
            issuer="" if known is None else known.issuer,
            number_present=known is not None and bool(known.number),
            issued=issued,
            expires=None if known is None else known.expires_on(today),
        )
        anchor = None if self._verdict is None else self._verdict.anchor
        return Inspection(
            checks=tuple(checks[check_id] for check_id in CheckId),
            document=document,
            test_issuer=document.issuer == UTOPIA or (anchor is not None and anchor.test),
            access=None if self._opened is None else self._opened[0],
            agreement=self._agreement_facts(),
        )

    def _checks(self, zone: Mrz | None) -> tuple[Check, ...]:
        return (
            judge_mrz(self._printed),
            self._judge_access(),
            *self._judge_sod(),
            self._judge_com(),
            self._judge_hashes(),
            self._judge_country(zone),
            self._judge_chip(),
            judge_expiry(zone or self._printed, self._now.date()),
            self._judge_printed_and_chip(zone),
        )

    def _zone(self) -> Mrz | None:
        """The zone of EF.DG1, if it was read and is one."""
        try:
            return parse_dg1(self._files[1]) if 1 in self._files else None
        except DocumentError:
            self._not_conforming = True
            return None

    def _issued(self) -> date | None:
        """The date of issue, only where it is proven to be the issuer's word."""
        content = self.file(12)
        try:
            return None if content is None else parse_dg12(content).issued
        except DocumentError:
            self._not_conforming = True
            return None

    def _check_formats(self) -> None:
        """Data groups that are as they were signed must keep to their format, used here or not."""
        for number in self._files:
            content = self.file(number)
            if content is None:
                continue
            try:
                check_format(number, content)
            except DocumentError:
                self._not_conforming = True

    def _proofs(self) -> frozenset[ChipProof]:
        """The protocols by which the chip was asked to prove itself."""
        asked = {
            ChipProof.ACTIVE_AUTHENTICATION: self._answer is not None,
            ChipProof.CHIP_AUTHENTICATION: self._agreement is not None,
            ChipProof.PACE_CAM: bool(self._mapping_proofs),
        }
        return frozenset(proof for proof, was_asked in asked.items() if was_asked)

    def _agreement_facts(self) -> AgreementFacts | None:
        if self._agreement is None:
            return None
        offer = self._agreement.offer
        return AgreementFacts(offer.protocol, offer.cipher.value, offer.key.group.name)

    def _open(self, check_id: CheckId, reason: str) -> Check:
        """A check that could not terminate: aborted when the process broke, else undetermined."""
        if self._broken is not None:
            return Check(check_id, Result.ABORTED, self._broken)
        return Check(check_id, Result.UNDETERMINED, reason)

    def _judge_access(self) -> Check:
        if self._opened is not None:
            check = judge_offer(*self._opened, self.infos())
            return self._open(check.id, check.reason) if check.result is Result.UNDETERMINED else check
        if self._access.result is Result.UNDETERMINED:
            return self._open(CheckId.CHIP_ACCESS, self._access.reason)
        return self._access

    def _judge_sod(self) -> tuple[Check, ...]:
        if self._verdict is None:
            return tuple(self._open(check_id, "EF.SOD was not read") for check_id in _SOD_CHECKS)
        return self._verdict.checks

    def _judge_com(self) -> Check:
        if self._verdict is None:
            return self._open(CheckId.COM_SOD, "EF.SOD was not read")
        return judge_com(self._verdict.security, self._com)

    def _judge_hashes(self) -> Check:
        if self._verdict is None or self._verdict.security is None:
            return self._open(CheckId.DG_HASHES, "there are no hashes to compare with")
        check = judge_hashes(self._verdict.security, self._files, self._wanted)
        if check.result is Result.UNDETERMINED:
            return self._open(CheckId.DG_HASHES, check.reason)
        if check.result is Result.SUCCESSFUL and self._not_conforming:
            return Check(
                CheckId.DG_HASHES, Result.UNDETERMINED, "a data group is as it was signed, but breaks its format"
            )
        return check

    def _judge_country(self, zone: Mrz | None) -> Check:
        if self._verdict is None or zone is None:
            return self._open(CheckId.COUNTRY, "EF.SOD or EF.DG1 was not read")
        return judge_country(self._verdict.signer, zone.issuer)

    def _judge_chip(self) -> Check:
        if self._verdict is None:
            return self._open(CheckId.CHIP_AUTHENTICITY, "EF.SOD was not read")
        proofs = Proofs(self._answer, self._agreement, self._judge_mapping())
        check = judge_chip(self._verdict, self._files, frozenset(self._withheld), proofs)
        if check.result is Result.UNDETERMINED and proofs == Proofs():
            return self._open(CheckId.CHIP_AUTHENTICITY, check.reason)
        return check

    def _judge_mapping(self) -> Check | None:
        if not self._mapping_proofs or self._opened is None:
            return None
        return judge_mapping(self._mapping_proofs, self._card_security, self._opened[1], self._anchors, self._now)

    def _judge_printed_and_chip(self, zone: Mrz | None) -> Check:
        if self._printed is None:
            return Check(CheckId.MRZ_DG1, Result.NOT_SUPPORTED, "no printed zone was given")
        if zone is None:
            return self._open(CheckId.MRZ_DG1, "EF.DG1 was not read")
        return judge_printed_and_chip(self._printed, zone)
