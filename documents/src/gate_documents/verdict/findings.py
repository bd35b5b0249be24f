"""What was found in one document so far, and its consequences while it is still being read.

The same findings serve a chip that is being read and files that were read elsewhere. `conclusion` gives every check its
result in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gate_documents.authenticity.integrity import Absence
from gate_documents.authenticity.pace_cam import judge_copied_card, judge_mapping
from gate_documents.authenticity.passive_authentication import hash_agrees, judge_sod
from gate_documents.authenticity.proofs import ChipProof
from gate_documents.checks import Check, CheckId, Result
from gate_documents.errors import DocumentError
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.com import parse_com
from gate_documents.lds.dg1 import parse_dg1
from gate_documents.lds.dg2 import PortraitImage, parse_dg2
from gate_documents.lds.dg12 import parse_dg12
from gate_documents.lds.dg14 import parse_dg14

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from gate_documents.access.checks import AccessFacts
    from gate_documents.access.pace import MappingProof
    from gate_documents.authenticity.passive_authentication import SecurityVerdict
    from gate_documents.authenticity.proofs import ActiveAnswer, AgreementOutcome
    from gate_documents.authenticity.terminal_authentication import TerminalOutcome
    from gate_documents.lds.security_infos import SecurityInfos
    from gate_documents.lds.sod import SecurityObject
    from gate_documents.mrz.parser import Mrz
    from gate_documents.pki.anchors import TrustAnchors

# EF.DG1 and EF.DG2 are in every passport; without them a document is not read (TR-03135-1 §5.6.2).
DATA_GROUPS_WANTED: Final = frozenset({1, 2})
_FROM_ELSEWHERE: Final = Check(CheckId.CHIP_ACCESS, Result.NOT_SUPPORTED, "the files were read by someone else")


@dataclass(slots=True, kw_only=True, repr=False)
class Findings:
    """What was found in one document. `printed`: the printed MRZ; None if the page was not read.

    `access`: progress of opening the chip; `opening`: how it was opened, with EF.CardAccess's offer (None: there is
    none). `card_access`: EF.CardAccess of files read elsewhere. `com`: EF.COM, None if there is none, empty if
    unreadable. `absent`: why requested data groups have no content. `mapping_proofs`: a list that grows with each
    reopening. `broken`: why the process broke: the chip was removed, or its answers are invalid. `complete` is False
    for files that need not be all of the chip's. `guarded`: the data groups for Terminal Authentication, and
    `terminal`: its result.
    """

    anchors: TrustAnchors
    now: datetime
    clock_sure: bool = True
    printed: Mrz | None
    wanted: frozenset[int] = DATA_GROUPS_WANTED
    access: Check = _FROM_ELSEWHERE
    opening: tuple[AccessFacts, SecurityInfos | None] | None = None
    card_access: bytes | None = None
    com: bytes | None = None
    sod: SecurityVerdict | None = None
    files: dict[int, bytes] = field(default_factory=dict)
    absent: dict[int, Absence] = field(default_factory=dict)
    complete: bool = True
    guarded: frozenset[int] = frozenset()
    terminal: TerminalOutcome | None = None
    answer: ActiveAnswer | None = None
    agreement: AgreementOutcome | None = None
    mapping_proofs: Sequence[MappingProof] = ()
    card_security: bytes | None = None
    broken: str | None = None

    def take_access(self, result: Result, reason: str) -> None:
        """The chip was not opened, or not yet."""
        self.access = Check(CheckId.CHIP_ACCESS, result, reason)

    def take_sod(self, content: bytes | None) -> None:
        """Take EF.SOD; its signatures are checked at once. Every passport has one: a missing one fails like an empty one."""
        self.sod = judge_sod(content or b"", self.anchors, self.now)

    def take(self, number: int, content: bytes | None) -> None:
        """Take a data group; None if the chip has none with that number."""
        if content is None:
            self.absent[number] = Absence.MISSING
        else:
            self.files[number] = content

    @property
    def security(self) -> SecurityObject | None:
        """EF.SOD's content, if it was read and could be parsed."""
        return None if self.sod is None else self.sod.security

    def listed(self) -> frozenset[int]:
        """The data groups that EF.SOD or EF.COM lists."""
        hashed = frozenset[int]() if self.security is None else frozenset(self.security.hashes)
        try:
            return hashed | (parse_com(self.com).data_groups if self.com else frozenset())
        except DocumentError:
            return hashed  # the comparison of both reports the error

    def lists(self, number: int) -> bool:
        """True when EF.SOD has a hash for this data group."""
        return self.security is not None and number in self.security.hashes

    def file(self, number: int) -> bytes | None:
        """Return a data group, if its hash agrees with EF.SOD."""
        content = self.files.get(number)
        if content is None or self.security is None or not hash_agrees(self.security, number, content):
            return None
        return content

    def chip_mrz(self) -> Mrz | None:
        """The MRZ of EF.DG1, if it was read and is one."""
        try:
            return parse_dg1(self.files[1]) if 1 in self.files else None
        except DocumentError:
            return None

    def issued(self) -> date | None:
        """The date of issue, only if it is proven to be the issuer's."""
        content = self.file(12)
        try:
            return None if content is None else parse_dg12(content).issued
        except DocumentError:
            return None

    def proofs(self) -> frozenset[ChipProof]:
        """The protocols by which the chip was asked to prove itself."""
        asked = {
            ChipProof.ACTIVE_AUTHENTICATION: self.answer is not None,
            ChipProof.CHIP_AUTHENTICATION: self.agreement is not None,
            ChipProof.PACE_CAM: bool(self.mapping_proofs),
        }
        return frozenset(proof for proof, was_asked in asked.items() if was_asked)

    def portrait(self) -> PortraitImage | None:
        """The portrait of EF.DG2, if its hash agrees with EF.SOD and it is a picture."""
        content = self.file(2)
        try:
            return None if content is None else parse_dg2(content)
        except DocumentError:
            return None  # the conclusion finds that it breaks its format

    def infos(self) -> SecurityInfos | None:
        """EF.DG14, if its hash agrees with EF.SOD and it can be read."""
        content = self.file(14)
        try:
            return None if content is None else parse_dg14(content)
        except DocumentError:
            return None  # the verdict on the chip parses it again and reports the error

    def mapping_check(self) -> Check | None:
        """Return the verdict on PACE-CAM, None if the chip was not opened with it or EF.SOD was not read.

        For files read elsewhere, the objection to EF.CardSecurity.
        """
        if self.sod is None:
            return None
        if self.access is _FROM_ELSEWHERE:
            return self._copied_card(self.sod)
        if not self.mapping_proofs or self.opening is None:
            return None
        return judge_mapping(
            self.mapping_proofs,
            self.card_security,
            offered=self.opening[1],
            sod=self.sod,
            anchors=self.anchors,
            now=self.now,
        )

    def _copied_card(self, verdict: SecurityVerdict) -> Check | None:
        if self.card_security is None:
            return None
        try:
            offered = None if self.card_access is None else parse_card_access(self.card_access)
        except DocumentError:
            offered = None  # its own check reports it
        return judge_copied_card(self.card_security, offered=offered, sod=verdict, anchors=self.anchors, now=self.now)

    def mapping_shown(self) -> bool:
        """True when PACE-CAM has shown that the chip is genuine, so that it need not prove itself again."""
        check = self.mapping_check()
        return check is not None and check.result is Result.SUCCESSFUL
