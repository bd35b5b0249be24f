"""Terminal Authentication version 1, the chip's side: decides which terminal may read the guarded groups (TR-03110-3 §B.3).

Pure. Certificates are verified in sequence, each under a party that is already trusted. A party's rights never exceed
those of the party above.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from hardware_sim.chip import RefusedError, status
from hardware_sim.passport import terminals
from hardware_sim.passport.der import oid, tlv
from hardware_sim.passport.domain import STANDARDISED, Curve
from hardware_sim.passport.groups import group_of
from hardware_sim.passport.terminal_keys import TerminalPublicKey, public_key
from hardware_sim.passport.terminals import ROLE_BITS, TrustPoint

DYNAMIC_DATA: Final = 0x7C
_LONG_TAG: Final = 0x1F
_LENGTH_BYTES_MAX: Final = 2
_ROLE_MASK: Final = 0xC0
_RIGHTS_MASK: Final = 0x3F
_DATE_DIGITS: Final = 6
_BODY: Final = 0x7F4E
_SIGNATURE: Final = 0x5F37


def parse_objects(content: bytes) -> dict[int, bytes]:
    """Return the objects by tag: strict BER-TLV (ISO/IEC 7816-4 §5.2.2), each tag once. Raises RefusedError."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(content):
        tag, value, at = _parse_one(content, at)
        if tag in found:
            raise RefusedError(status.WRONG_DATA)
        found[tag] = value
    return found


def dynamic_data(content: bytes) -> dict[int, bytes]:
    """Return the objects inside the single object of dynamic authentication data. Raises RefusedError."""
    outer = parse_objects(content)
    if list(outer) != [DYNAMIC_DATA]:
        raise RefusedError(status.WRONG_DATA)
    return parse_objects(outer[DYNAMIC_DATA])


def wrap_dynamic(*parts: bytes) -> bytes:
    """Return dynamic authentication data around encoded objects."""
    return tlv(DYNAMIC_DATA, *parts)


def _parse_one(content: bytes, at: int) -> tuple[int, bytes, int]:
    tag_end = at + (2 if content[at] & _LONG_TAG == _LONG_TAG else 1)
    length = content[tag_end] if tag_end < len(content) else len(content)
    start = tag_end + 1
    if length > 0x80:
        start += length & 0x7F
        length = int.from_bytes(content[tag_end + 1 : start])
    if start - tag_end - 1 > _LENGTH_BYTES_MAX or start + length > len(content):
        raise RefusedError(status.WRONG_DATA)
    return int.from_bytes(content[at:tag_end]), content[start : start + length], start + length


@dataclass(frozen=True, slots=True)
class Party:
    """A party that the chip trusts, with the rights in its certificates."""

    reference: bytes
    key: TerminalPublicKey
    role: int
    rights: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The state of the terminal's chain: trusted parties, the one to verify with, and the selected terminal."""

    parties: tuple[Party, ...] = ()
    today: date = date.min
    verifier: Party | None = None
    terminal: Party | None = None
    nonce: bytes | None = field(default=None, repr=False)


def begin(known: TrustPoint) -> Chain:
    """Return a chain in which only the CVCA is trusted."""
    return Chain((Party(known.reference, _key(known.public), ROLE_BITS["authority"], _RIGHTS_MASK),), known.today)


def set_verifier(chain: Chain, fields: dict[int, bytes]) -> Chain:
    """MSE:Set DST: select the key that verifies the next certificate. Raises RefusedError."""
    return replace(chain, verifier=_named(chain, fields))


def set_terminal(chain: Chain, fields: dict[int, bytes]) -> Chain:
    """MSE:Set AT: select the terminal that signs the challenge. Raises RefusedError if it is no inspection system."""
    terminal = _named(chain, fields)
    if terminal.role != ROLE_BITS["terminal"]:
        raise RefusedError(status.CONDITIONS_MISSING)
    return replace(chain, terminal=terminal)


def verify_certificate(chain: Chain, content: bytes) -> Chain:
    """PSO:Verify Certificate: trust one more party. Raises RefusedError."""
    parts = parse_objects(content)
    if list(parts) != [_BODY, _SIGNATURE]:
        raise RefusedError(status.WRONG_DATA)
    by, fields = chain.verifier, parse_objects(parts[_BODY])
    if by is None or fields.get(0x42) != by.reference:
        raise RefusedError(status.CONDITIONS_MISSING)
    if not by.key.holds(tlv(_BODY, parts[_BODY]), parts[_SIGNATURE]):
        raise RefusedError(status.PROOF_WRONG)
    role, rights = _authorisation(fields.get(0x7F4C, b""))
    links = role == by.role == ROLE_BITS["authority"]  # a link certificate (TR-03110-3 §A.7.2.1)
    if (role >= by.role and not links) or _day(fields.get(0x5F24, b"")) < chain.today:
        raise RefusedError(status.PROOF_WRONG)
    party = Party(fields.get(0x5F20, b""), _key(fields.get(0x7F49, b"")), role, by.rights & rights)
    return replace(chain, parties=(*chain.parties, party), verifier=None)


def verify_terminal(chain: Chain, signature: bytes, *, chip_identity: bytes, terminal_key: bytes) -> int:
    """EXTERNAL AUTHENTICATE: return the rights of the authenticated terminal. Raises RefusedError."""
    if chain.terminal is None or chain.nonce is None:
        raise RefusedError(status.CONDITIONS_MISSING)
    if not chain.terminal.key.holds(chip_identity + chain.nonce + terminal_key, signature):
        raise RefusedError(status.PROOF_WRONG)
    return chain.terminal.rights


def compressed(parameter_id: int, element: bytes) -> bytes:
    """Return a public key's representation in signed data: its x-coordinate, or its SHA-1 (TR-03110-3 §A.2.2.3)."""
    if isinstance(STANDARDISED[parameter_id], Curve):
        return group_of(STANDARDISED[parameter_id]).secret(element)
    return hashlib.sha1(element, usedforsecurity=False).digest()


def _named(chain: Chain, fields: dict[int, bytes]) -> Party:
    for party in chain.parties:
        if party.reference == fields.get(0x83):
            return party
    raise RefusedError(status.NO_SUCH_REFERENCE)


def _key(shown: bytes) -> TerminalPublicKey:
    key = public_key(parse_objects(shown))
    if key is None:
        raise RefusedError(status.WRONG_DATA)
    return key


def _authorisation(template: bytes) -> tuple[int, int]:
    fields = parse_objects(template)
    bits = fields.get(0x53, b"")
    if fields.get(0x06) != oid(terminals.INSPECTION_SYSTEM)[2:] or len(bits) != 1:
        raise RefusedError(status.WRONG_DATA)
    return bits[0] & _ROLE_MASK, bits[0] & _RIGHTS_MASK


def _day(digits: bytes) -> date:
    if len(digits) != _DATE_DIGITS:
        raise RefusedError(status.WRONG_DATA)
    year, month, day = (digits[at] * 10 + digits[at + 1] for at in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError as impossible:
        raise RefusedError(status.WRONG_DATA) from impossible
