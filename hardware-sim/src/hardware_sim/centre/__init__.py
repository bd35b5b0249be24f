"""A control centre: the certificates and the key of an inspection system, served to gates on a Unix socket (TR-03129).

CentreError
└── FrameError   bytes that are not a message of this channel: close it
"""

from enum import Enum


class CentreError(Exception):
    """Base of the simulated control centre's errors."""


class FrameError(CentreError):
    """Bytes that are not a message of this channel."""


class Fault(Enum):
    """Faults of a control centre, one at a time. The value is the fault's name on the command line."""

    NONE = "none"
    EXPIRED = "expired"  # its certificates are expired
    FORGED = "forged"  # they begin at a CVCA of the right name and another key
    WITHOUT_RIGHT = "without_right"  # they permit reading irises, not fingers
    WRONG_SIGNATURE = "wrong_signature"  # one wrong bit
    REFUSES = "refuses"  # it refuses everything
    REFUSES_TO_SIGN = "refuses_to_sign"
    OTHER_ANSWER = "other_answer"  # a signature instead of certificates, and vice versa
    SLOW = "slow"  # right, after a pause
    SILENT = "silent"  # it never answers
    NONSENSE = "nonsense"  # bytes that are not a message
