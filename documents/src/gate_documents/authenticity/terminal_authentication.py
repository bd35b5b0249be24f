"""Terminal Authentication version 1: a control centre proves to the chip that this terminal may read guarded data groups.

ICAO 9303-11 §7.1.2, TR-03110-3 §B.3, §A.7; results in the terms of TR-03135-1 §5.6.3.2. It follows Chip Authentication or
PACE-CAM, whose key of ours it names, so that the proof is useless to others. No key of an inspection system is stored here:
certificates and signature are requested from a control centre, as steps of the conversation. Certificates that cannot lead to
the required rights are never sent to the chip: our centre's mistake must not look like the document's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.access.commands import OK, Command, Transmit
from gate_documents.checks import Result
from gate_documents.errors import CardCertificateError, ChipStatusError, MalformedError, SecureMessagingError
from gate_documents.lds.cvca import FILE_BYTES, cvca_file, parse_cvca
from gate_documents.lds.files import FINGERS, IRISES
from gate_documents.pki.cvc import INSPECTION_SYSTEM, CardCertificate, Role, parse_chain

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import date

    from gate_documents.access.chip_access import Chip
    from gate_documents.lds.security_infos import SecurityInfos, TerminalAuthenticationInfo

SIGNATURE_BYTES_MAX: Final = 1024
_VERSION: Final = 1  # version 2 belongs to identity cards, before Chip Authentication
_CHALLENGE_BYTES: Final = 8
_PUBLIC_KEY: Final = 0x83
# The rights to read data groups, in the last bits of an inspection system's authorisation (TR-03110-4 §2.1, table 2).
_RIGHTS: Final = {FINGERS: 0b01, IRISES: 0b10}


@dataclass(frozen=True, slots=True)
class ChainRequest:
    """Request the certificates from one of these authorities to an inspection system from the control centre.

    Answered by the concatenated certificates, first the one signed by the authority; None if there are none.
    """

    authorities: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class SignatureRequest:
    """Request the inspection system's signature over this message from the control centre. Answered by it; None if there is none.

    The message names the chip: in Basic Access Control by the document's number.
    """

    holder: str
    message: bytes

    def __repr__(self) -> str:
        """Never shows the message."""
        return f"SignatureRequest({self.holder}, {len(self.message)} bytes)"


CentreRequest = ChainRequest | SignatureRequest


@dataclass(frozen=True, slots=True)
class TerminalOutcome:
    """The result of Terminal Authentication."""

    result: Result
    reason: str


def authenticate_terminal(
    chip: Chip, infos: SecurityInfos | None, groups: frozenset[int], today: date
) -> Generator[Transmit | CentreRequest, bytes | None, TerminalOutcome]:
    """Request the right to read these data groups, 3 and 4. `infos`: EF.DG14, None if unknown.

    A chip that ends its session over it is reopened. Raises SecureMessagingError on an impossible answer, and
    AccessDeniedError.
    """
    try:
        return (yield from _authenticate(chip, infos, groups, today))
    except (ChipStatusError, MalformedError) as error:
        return TerminalOutcome(Result.FAILED, str(error))
    except CardCertificateError as error:
        return TerminalOutcome(Result.UNDETERMINED, f"the control centre's certificates cannot be used: {error}")
    except SecureMessagingError as error:
        if error.status is None:
            raise
        yield from chip.reopen()
        return TerminalOutcome(Result.FAILED, f"the chip breaks off Terminal Authentication: {error}")


def _authenticate(
    chip: Chip, infos: SecurityInfos | None, groups: frozenset[int], today: date
) -> Generator[Transmit | CentreRequest, bytes | None, TerminalOutcome]:
    offered = () if infos is None else infos.terminal_authentications
    info = next((one for one in offered if one.version == _VERSION), None)
    if offered and info is None:
        return TerminalOutcome(Result.NOT_SUPPORTED, "EF.DG14 offers no Terminal Authentication that we know")
    if chip.terminal_key is None:
        if infos is None or not infos.chip_authentication:
            return TerminalOutcome(
                Result.NOT_SUPPORTED, "the chip offers no Chip Authentication, which must come before"
            )
        return TerminalOutcome(Result.UNDETERMINED, "there was no Chip Authentication, which must come before")
    authorities = yield from _authorities(chip, info)
    if authorities is None:
        return TerminalOutcome(Result.NOT_SUPPORTED, "the chip has no EF.CVCA")
    answer = yield ChainRequest(tuple(name.decode("latin-1") for name in authorities))
    if answer is None:
        return TerminalOutcome(Result.UNDETERMINED, "no inspection-system certificates")
    chain = parse_chain(answer)
    _check_chain(chain, authorities, groups, today)
    yield from _show(chip, chain)
    outcome = TerminalOutcome(Result.FAILED, "the chip has no identity")
    for identity in chip.identities:
        outcome = yield from _prove(chip, chain[-1], identity, chip.terminal_key)
        if outcome.result is not Result.FAILED:
            break
    return outcome


def _authorities(
    chip: Chip, info: TerminalAuthenticationInfo | None
) -> Generator[Transmit, bytes | None, tuple[bytes, ...] | None]:
    """Return the chip's trusted authorities. A chip that announces Terminal Authentication must have the file."""
    content = yield from chip.read_fixed(cvca_file(info), FILE_BYTES)
    if content is None:
        if info is not None:
            raise MalformedError("EF.DG14 offers Terminal Authentication, and there is no EF.CVCA")
        return None
    return parse_cvca(content)


def _check_chain(
    chain: tuple[CardCertificate, ...], authorities: tuple[bytes, ...], groups: frozenset[int], today: date
) -> None:
    """Return if the chain leads from an authority that the chip knows to a terminal that may read the groups today.

    Raises CardCertificateError. Rights count only as far as every certificate grants them (TR-03110-3 §2.7, TR-03110-4 §2.1).
    """
    if chain[0].authority not in authorities:
        raise CardCertificateError("they begin at an authority that the chip does not know")
    for above, below in pairwise(chain):
        if below.authority != above.holder:
            raise CardCertificateError("one is not signed by the holder of the one before")
    if chain[-1].role is not Role.TERMINAL or any(one.role is Role.TERMINAL for one in chain[:-1]):
        raise CardCertificateError("they do not end at a terminal")
    wanted = sum(_RIGHTS[group] for group in groups)
    for one in chain:
        if one.template != INSPECTION_SYSTEM:
            raise CardCertificateError("one is for another kind of terminals")
        if one.expires < today:
            raise CardCertificateError(f"the one of {one.holder.decode('latin-1')} ended on {one.expires}")
        if one.rights & wanted != wanted:
            raise CardCertificateError(f"the one of {one.holder.decode('latin-1')} does not grant what is wanted")


def _show(chip: Chip, chain: tuple[CardCertificate, ...]) -> Generator[Transmit, bytes | None, None]:
    """MSE: Set DST and PSO: Verify Certificate for each (§B.14.4, §B.14.5). Raises ChipStatusError."""
    for one in chain:
        holder = one.holder.decode("latin-1")
        yield from _order(chip, Command(0x22, 0x81, 0xB6, tlv.encode(_PUBLIC_KEY, one.authority)), f"above {holder}")
        yield from _order(chip, Command(0x2A, 0x00, 0xBE, one.body + one.signature), f"of {holder}")


def _order(chip: Chip, command: Command, whose: str) -> Generator[Transmit, bytes | None, None]:
    answer = yield from chip.ask_at_length(command)
    if answer.status != OK:
        raise ChipStatusError(f"the chip refuses the certificate {whose}", answer.status)


def _prove(
    chip: Chip, terminal: CardCertificate, identity: bytes, terminal_key: bytes
) -> Generator[Transmit | CentreRequest, bytes | None, TerminalOutcome]:
    """MSE: Set AT, GET CHALLENGE, and EXTERNAL AUTHENTICATE with what the control centre signs (§B.14.1, §B.14.6, §B.14.7)."""
    yield from _order(chip, Command(0x22, 0x81, 0xA4, tlv.encode(_PUBLIC_KEY, terminal.holder)), "of the terminal")
    challenge = yield from chip.ask(Command(0x84, 0x00, 0x00, answer_max=_CHALLENGE_BYTES))
    if challenge.status != OK or len(challenge.data) != _CHALLENGE_BYTES:
        raise ChipStatusError("the chip gives no challenge", challenge.status)
    signature = yield SignatureRequest(terminal.holder.decode("latin-1"), identity + challenge.data + terminal_key)
    if signature is None:
        return TerminalOutcome(Result.UNDETERMINED, "the control centre does not sign")
    if not 1 <= len(signature) <= SIGNATURE_BYTES_MAX:
        raise CardCertificateError("a signature that is none")
    answer = yield from chip.ask_at_length(Command(0x82, 0x00, 0x00, signature))
    if answer.status != OK:
        return TerminalOutcome(Result.FAILED, f"the chip does not accept the terminal: status {answer.status:04X}")
    return TerminalOutcome(Result.SUCCESSFUL, f"the chip accepts {terminal.holder.decode('latin-1')}")
