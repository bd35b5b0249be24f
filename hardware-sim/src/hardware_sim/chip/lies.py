"""The ways in which a hostile or broken chip misbehaves while it talks. One at a time; a card without one is honest."""

from __future__ import annotations

from enum import Enum

from hardware_sim.chip.apdu import Response
from hardware_sim.chip.secure_messaging import Session


class Lie(Enum):
    """The value is the name of the card's switch."""

    PACE_ECHOES_KEY = "pace_echoes_key"  # the terminal's own ephemeral key, then its own token
    PACE_ECHOES_MAPPING = "pace_echoes_mapping"  # the terminal's own mapping key; cannot finish
    PACE_KEY_OUTSIDE = "pace_key_outside"  # a point off the curve, a number outside the subgroup
    PACE_NEUTRAL_KEY = "pace_neutral_key"  # infinity, or 1
    PACE_WRONG_TOKEN = "pace_wrong_token"  # noqa: S105 - an authentication token, no password
    SM_WRONG_MAC = "sm_wrong_mac"
    SM_NO_STATUS = "sm_no_status"  # DO99 is missing, the MAC holds
    SM_STATUS_MISMATCH = "sm_status_mismatch"  # 9000 inside, 6282 outside
    SM_PLAIN_ANSWER = "sm_plain_answer"  # data and status without any protection
    SM_REPLAY = "sm_replay"  # the answer to the command before, once more
    AA_REPLAY = "aa_replay"  # a signature over an earlier challenge


def protect(lie: Lie | None, session: Session, plain: Response, before: Response | None, *, odd: bool) -> Response:
    """Protect an answer honestly, or as the lie has it. `before` is the protected answer to the command before."""
    honest = session.protect(plain, odd=odd, with_status=lie is not Lie.SM_NO_STATUS)
    match lie:
        case Lie.SM_WRONG_MAC:
            return Response(honest.status, honest.body[:-1] + bytes((honest.body[-1] ^ 1,)))
        case Lie.SM_STATUS_MISMATCH:
            return Response(0x6282, honest.body)
        case Lie.SM_PLAIN_ANSWER:
            return plain
        case Lie.SM_REPLAY if before is not None:
            return before
        case _:
            return honest
