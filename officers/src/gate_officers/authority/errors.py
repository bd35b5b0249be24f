"""Everything that the officers' authority may raise.

AuthorityError
├── ActLogError      the log cannot be read or written, or is invalid
└── RefusedError   the request is refused; `refusal` is the reason
"""

from __future__ import annotations

import enum


class AuthorityError(Exception):
    """The request failed; the message gives the reason in one line."""


class ActLogError(AuthorityError):
    """The log is missing, cannot be written, or has a line that is not a valid act."""


class Refusal(enum.Enum):
    """Reasons for a refusal. The values are part of the protocol; never renamed."""

    STALE = "stale"  # the nonce is unknown, used, or older than two minutes
    NOT_ENROLLED = "not_enrolled"  # unknown passkey, or its owner was removed
    NO_PROOF = "no_proof"  # the assertion is invalid, or for other keys or another origin, or the user was not verified
    COUNTER = "counter"  # the passkey's counter did not grow: it may have been cloned
    BAD_CODE = "bad_code"  # no such invitation, or its code was used or has expired
    SYNCED = "synced"  # the passkey can be copied to other devices, which the invitation does not allow
    TAKEN = "taken"  # this passkey or this officer is already enrolled


class RefusedError(AuthorityError):
    """The request is refused; `refusal` is the reason, the message its text for people."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal
