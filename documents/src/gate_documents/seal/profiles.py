"""The features of a seal, for the kinds of document that a gate may meet (ICAO 9303-7 §9, 9303-8 §7, TR-03137-1 §5 to §8).

A seal of another kind is verified like any other and its features are not parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.errors import MalformedError, MrzError
from gate_documents.mrz.parser import Mrz, parse
from gate_documents.seal import c40

if TYPE_CHECKING:
    from gate_documents.seal.vds import Seal


VDS_SIGNER: Final = "2.23.136.1.1.11.1"  # ICAO 9303-12 §7.1.3
ARRIVAL_SIGNER: Final = "0.4.0.127.0.7.3.5.1.1"  # TR-03137-1 table 3
SIGNER_PURPOSES: Final = frozenset({VDS_SIGNER, ARRIVAL_SIGNER})


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of seal: its required tags, and those of the MRZ with the length of their two lines as sealed.

    A visa's optional data at the end of the second line is not sealed. `signer_purposes`: extended key usages of which
    the signer needs one.
    """

    name: str
    required: frozenset[int]
    mrz_tags: tuple[tuple[int, int, int], ...]  # tag, characters of a line, characters sealed
    passport_number: int | None = None
    signer_purposes: frozenset[str] = frozenset({VDS_SIGNER})


_TD2: Final = (0x02, 36, 72)
_VISA: Final = Profile("visa", frozenset({0x04, 0x05}), ((0x01, 44, 72), (0x02, 36, 64)), passport_number=0x05)
PROFILES: Final = {
    (0x5D, 0x01): _VISA,
    (0x5E, 0x03): Profile("emergency travel document", frozenset({0x02}), (_TD2,)),
    (0xFD, 0x02): Profile(
        "arrival attestation", frozenset({0x02, 0x03}), (_TD2,), signer_purposes=frozenset({VDS_SIGNER, ARRIVAL_SIGNER})
    ),
    (0xFB, 0x06): Profile("residence permit", frozenset({0x02, 0x03}), (_TD2,), passport_number=0x03),
}


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """The content of a seal of a known kind. `mrz_text`: the sealed part of the MRZ; `mrz`: the same with fillers added."""

    profile: Profile
    mrz: Mrz
    mrz_text: str
    passport_number: str | None

    def __repr__(self) -> str:
        """Never shows personal data."""
        return f"Content({self.profile.name})"


def read_content(seal: Seal) -> Content | None:
    """Return the seal's content; None for an unknown kind. Raises MalformedError if it lacks what its kind requires."""
    profile = PROFILES.get(seal.header.profile)
    if profile is None:
        return None
    found = [one for one in profile.mrz_tags if one[0] in seal.features]
    if len(found) != 1 or not profile.required <= seal.features.keys():
        raise MalformedError(f"a seal that lacks what one of a {profile.name} must say")
    tag, line_characters, sealed_characters = found[0]
    text = c40.decode(seal.features[tag])
    if len(text) != sealed_characters:
        raise MalformedError("a seal with an MRZ of another length")
    try:
        mrz = parse(text.ljust(2 * line_characters, "<"))
    except MrzError as error:
        raise MalformedError("a seal whose MRZ is none") from error
    number = None
    if profile.passport_number is not None:
        number = c40.decode(seal.features[profile.passport_number]).rstrip("<")
    return Content(profile, mrz, text, number)
