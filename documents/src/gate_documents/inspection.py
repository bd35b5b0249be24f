"""The inspection of one document: the sequence of TR-03135-1 §5.6.2 as a conversation.

`inspect` yields what to do (send these bytes to the chip; take the portrait; query the control centre) and receives the
answers, so that the same code runs against a reader, an in-process chip, a recorded trace and a fuzzer. `inspect_files`
judges the files of a chip that was read elsewhere. Both end with an Inspection, whatever the chip answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gate_documents.access.checks import AccessFacts
from gate_documents.access.chip_access import Chip
from gate_documents.access.commands import OK, Transmit
from gate_documents.authenticity.active_authentication import CHALLENGE_BYTES, internal_authenticate
from gate_documents.authenticity.chip_authentication import choose_offer, prove
from gate_documents.authenticity.integrity import GUARDED, Absence
from gate_documents.authenticity.proofs import ActiveAnswer, AgreementOutcome
from gate_documents.authenticity.terminal_authentication import CentreRequest, TerminalOutcome, authenticate_terminal
from gate_documents.checks import Result
from gate_documents.errors import (
    AccessDeniedError,
    ChipLostError,
    ChipStatusError,
    DocumentError,
    FileTooLongError,
    MalformedError,
    SecureMessagingError,
)
from gate_documents.lds.dg15 import parse_dg15
from gate_documents.lds.files import CARD_ACCESS, CARD_SECURITY, COM, SOD, File, data_group
from gate_documents.verdict.conclusion import Inspection, conclude
from gate_documents.verdict.findings import DATA_GROUPS_WANTED, Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from gate_documents.mrz.parser import Mrz
    from gate_documents.pki.anchors import TrustAnchors


@dataclass(frozen=True, slots=True, repr=False)
class Portrait:
    """The picture of EF.DG2 as in the chip, its hash agreeing with EF.SOD. `encoding` is `jpeg` or `jpeg2000`.

    Answered by None. The bytes are untrusted: they are decoded in the crossing's child process only.
    """

    encoding: str
    image: bytes

    def __repr__(self) -> str:
        """Never shows the picture."""
        return f"Portrait({self.encoding}, {len(self.image)} bytes)"


Step = Transmit | Portrait | CentreRequest


def inspect(
    mrz: Mrz | None,
    *,
    anchors: TrustAnchors,
    now: datetime,
    random: Callable[[int], bytes],
    clock_sure: bool = True,
    card_access_number: str | None = None,
    guarded: frozenset[int] = frozenset(),
    extended: bool = True,
) -> Generator[Step, bytes | None, Inspection]:
    """Open, read and judge the chip of the document with this printed MRZ, or with this card access number.

    Start it with `next` or `send(None)`, answer each step with `send`; the Inspection is the value of StopIteration. Once started,
    throw ChipLostError in when the chip or its reader is gone: unfinished checks are then aborted. `now` is aware, with the date at
    the place of the check; if it may be wrong (`clock_sure` False), checks that depend on it stay undetermined. `random` returns
    unpredictable bytes. `guarded`: the data groups, of 3 and 4, for Terminal Authentication; without any, it is not run. `extended`
    is False for a reader without answers of more than 256 bytes. Raises CardAccessNumberError for an invalid number.
    """
    findings = Findings(anchors=anchors, now=now, clock_sure=clock_sure, printed=mrz, guarded=guarded)
    findings.take_access(Result.UNDETERMINED, "the chip was not opened")
    mrz_key = None if mrz is None else mrz.key
    chip = Chip(mrz_key=mrz_key, card_access_number=card_access_number, random=random, extended=extended)
    try:
        yield from _sequence(findings, chip, random)
    except ChipLostError:
        findings.broken = "the chip or its reader went away"
    except DocumentError as error:
        findings.broken = f"the conversation with the chip broke: {error}"
    return conclude(findings)


def inspect_files(
    files: Mapping[str, bytes],
    *,
    anchors: TrustAnchors,
    now: datetime,
    mrz: Mrz | None = None,
    wanted: frozenset[int] = DATA_GROUPS_WANTED,
    complete: bool = False,
) -> Inspection:
    """Judge the files of one chip that was read elsewhere, by name: `EF.COM`, `EF.SOD`, `EF.DG1` to `EF.DG16`.

    `EF.CardAccess` and `EF.CardSecurity` prove nothing about the chip here. They are only compared with EF.DG14 and
    with permitted signers, so that a changed file is never part of a success.

    The data groups that are `wanted` must be present for their check to be successful. `complete` files are all that
    the chip gives without Terminal Authentication, so each group that EF.SOD lists must be present.
    """
    findings = Findings(anchors=anchors, now=now, printed=mrz, wanted=wanted, complete=complete)
    findings.card_access, findings.card_security = files.get(CARD_ACCESS.name), files.get(CARD_SECURITY.name)
    findings.com = files.get(COM.name)
    findings.take_sod(files.get(SOD.name))
    for number in range(1, 17):
        content = files.get(data_group(number).name)
        if content:
            findings.files[number] = content
        elif content is not None:
            findings.absent[number] = Absence.MALFORMED
    return conclude(findings)


def _sequence(findings: Findings, chip: Chip, random: Callable[[int], bytes]) -> Generator[Step, bytes | None, None]:
    """Run TR-03135-1 §5.6.2: access, EF.SOD, chip authenticity, EF.DG1, the long EF.DG2, the rest."""
    try:
        yield from chip.open()
        if chip.proofs:
            findings.mapping_proofs = chip.proofs
            findings.card_security = yield from _read(chip, CARD_SECURITY)
        yield from chip.enter()
    except AccessDeniedError as error:
        findings.take_access(Result.FAILED, str(error))
        return
    facts = AccessFacts.of(chip.way, with_number=chip.opened_with_number, in_clear=bool(chip.in_clear))
    findings.opening = facts, chip.offered
    findings.com = yield from _read(chip, COM)
    findings.take_sod((yield from _read(chip, SOD)))
    yield from _take_data_groups(findings, chip, (14,))
    shown = findings.mapping_shown()
    if not (shown or (yield from _agree(findings, chip, random))):
        yield from _take_data_groups(findings, chip, (15,))
        yield from _ask_for_proof(findings, chip, random)
    yield from _take_data_groups(findings, chip, (1, 12, 2))
    portrait = findings.portrait()
    if portrait is not None:
        yield Portrait(portrait.encoding.value, portrait.image)
    if findings.guarded:
        yield from _read_the_guarded(findings, chip)
    yield from _read_the_rest(findings, chip)


def _take_data_groups(findings: Findings, chip: Chip, numbers: tuple[int, ...]) -> Generator[Step, bytes | None, None]:
    """Read those that EF.SOD lists, and those that every passport has."""
    for number in numbers:
        if number not in DATA_GROUPS_WANTED and not findings.lists(number):
            continue
        try:
            content = yield from chip.read(data_group(number))
        except ChipStatusError:
            findings.absent[number] = Absence.REFUSED
        except MalformedError:
            findings.absent[number] = Absence.MALFORMED
        else:
            findings.take(number, content)


def _read_the_guarded(findings: Findings, chip: Chip) -> Generator[Step, bytes | None, None]:
    """Read the guarded data groups, as far as the document has them and the chip gives them."""
    groups = frozenset(number for number in findings.guarded if findings.lists(number))
    if not groups:
        findings.terminal = TerminalOutcome(Result.NOT_SUPPORTED, "the document has none of the guarded data groups")
        return
    today = findings.now.astimezone(UTC).date()  # TR-03110-3 §D.2.1.3: their dates are in Greenwich mean time
    outcome = yield from authenticate_terminal(chip, findings.infos(), groups, today)
    findings.terminal = outcome
    if outcome.result is Result.SUCCESSFUL:
        findings.wanted |= groups
        yield from _take_data_groups(findings, chip, tuple(sorted(groups)))


def _read_the_rest(findings: Findings, chip: Chip) -> Generator[Step, bytes | None, None]:
    """Read the other data groups that the chip lists: a changed byte in an unused one is still a changed document.

    Of fingers and irises only the head is read: they are for terminals with a right to them. Some chips end their
    session rather than give what is guarded, so that comes last.
    """
    rest = findings.listed() - findings.files.keys() - findings.absent.keys()
    ended = False
    for number in sorted(rest, key=lambda number: (number in GUARDED, number)):
        if ended:
            yield from chip.reopen()
            ended = False
        try:
            if number in GUARDED:
                there = yield from chip.look(data_group(number))
                findings.absent[number] = Absence.LOOKED_AT if there else Absence.MISSING
            else:
                content = yield from chip.read(data_group(number))
                findings.take(number, content)
        except FileTooLongError:
            findings.absent[number] = Absence.TOO_LONG
        except ChipStatusError:
            findings.absent[number] = Absence.REFUSED
        except MalformedError:
            findings.absent[number] = Absence.MALFORMED
        except SecureMessagingError as error:
            if error.status is None:
                raise
            findings.absent[number] = Absence.REFUSED
            ended = True


def _agree(findings: Findings, chip: Chip, random: Callable[[int], bytes]) -> Generator[Step, bytes | None, bool]:
    """Run Chip Authentication, if EF.DG14 agrees with EF.SOD and offers a known variant. True if it was carried out."""
    infos = findings.infos()
    offer = None if infos is None else choose_offer(infos)
    if offer is None:
        return False
    findings.agreement = AgreementOutcome(offer, (yield from prove(chip, offer, random=random)))
    return True


def _read(chip: Chip, file: File) -> Generator[Step, bytes | None, bytes | None]:
    """Return a file; None if the chip has none, empty if it refuses it or the content is not of this kind.

    The difference matters for EF.COM, which a chip may lack: a broken one must not count as a missing one.
    """
    try:
        return (yield from chip.read(file))
    except (ChipStatusError, MalformedError):
        return b""


def _ask_for_proof(
    findings: Findings, chip: Chip, random: Callable[[int], bytes]
) -> Generator[Step, bytes | None, None]:
    """Run Active Authentication, if EF.DG15 agrees with EF.SOD. The verdict waits until EF.SOD has proven the key."""
    content = findings.file(15)
    if content is None:
        return
    try:
        key = parse_dg15(content)
    except DocumentError:
        return  # the verdict parses it again and reports the error
    challenge = random(CHALLENGE_BYTES)
    try:
        response = yield from chip.ask(internal_authenticate(key, challenge, block_bytes=chip.block_bytes))
    except SecureMessagingError as error:
        if error.status is None:
            raise
        # The chip ended the session rather than answer: it has not proven itself, and can still be read.
        findings.answer = ActiveAnswer(challenge, None)
        yield from chip.reopen()
        return
    findings.answer = ActiveAnswer(challenge, response.data if response.status == OK else None)
