"""Messages of the lane, or a hand-held reader, with a control centre for Terminal Authentication, on channel `centre`. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gate.channel.message import Message

Reference = Annotated[str, msgspec.Meta(min_length=7, max_length=16)]  # of a key, TR-03110-3 §A.7.1


class ChainWanted(Message, frozen=True):
    """Request the card-verifiable certificates from one of these authorities to an inspection system."""

    authorities: Annotated[list[Reference], msgspec.Meta(min_length=1, max_length=2)]


class Chain(Message, frozen=True):
    """The certificates: first the one signed by the authority, last the inspection system's."""

    certificates: Annotated[list[Annotated[bytes, msgspec.Meta(max_length=4096)]], msgspec.Meta(max_length=8)]


class SignatureWanted(Message, frozen=True):
    """Sign this message, which names a chip, its challenge and our key, with the key of this inspection system."""

    holder: Reference
    message: Annotated[bytes, msgspec.Meta(max_length=1024)]


class Signature(Message, frozen=True):
    """The signature in the form of the inspection system's certificate; ECDSA plain (TR-03111 §5.2.1)."""

    signature: Annotated[bytes, msgspec.Meta(max_length=1024)]


class NotGranted(Message, frozen=True):
    """The control centre has no such certificates or key, or refuses to use them."""

    reason: Annotated[str, msgspec.Meta(max_length=200)]


ToCentre = ChainWanted | SignatureWanted
FromCentre = Chain | Signature | NotGranted
