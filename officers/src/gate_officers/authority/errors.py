"""Everything that the officers' authority may raise.

AuthorityError
├── BookError      the book cannot be read or written, or holds something else
└── RefusedError   somebody asked for what they are not given; `refusal` says why
"""

from __future__ import annotations

import enum


class AuthorityError(Exception):
    """The officers' authority cannot do what was asked; the message says why in one line."""


class BookError(AuthorityError):
    """The book is not there, cannot be written, or holds something that is no act."""


class Refusal(enum.Enum):
    """Why somebody is refused. Stands in answers; never renamed."""

    STALE = "stale"  # the nonce is unknown, used, or older than two minutes
    NOT_ENROLLED = "not_enrolled"  # no such passkey, or its owner was removed
    NO_PROOF = (
        "no_proof"  # the passkey's answer does not hold, or is about other keys, another origin, an unverified user
    )
    COUNTER = "counter"  # the passkey's counter went back: there may be a second one
    BAD_CODE = "bad_code"  # no such invitation, or its code was used or has ended
    SYNCED = "synced"  # the passkey can be copied to other devices, and nobody allowed this officer such a one
    TAKEN = "taken"  # this passkey, or this officer, is enrolled already


class RefusedError(AuthorityError):
    """No; `refusal` says why, the message in words."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal
