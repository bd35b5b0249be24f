"""How one chip model differs from the next in what it answers: limits, habits, and lies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from hardware_sim.chip import status
from hardware_sim.chip.apdu import EXTENDED_NE_MAX, Response
from hardware_sim.chip.secure_messaging import Session


class Lie(Enum):
    """The ways in which a hostile or broken chip misbehaves while it talks, one at a time. The value is the name of the card's switch."""

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


@dataclass(frozen=True, slots=True)
class Quirks:
    """Left out is a plain, honest chip. `le_max` is the most that one READ BINARY returns.

    `no_access_control` is a chip from before Basic Access Control: it knows neither that nor PACE, and what others give after it
    only, it gives to anyone. `challenge_status` is the answer to every GET CHALLENGE before a session, where it is set.
    `no_card_access_status` is the answer to SELECT, or with `no_card_access_on_reading` to READ BINARY, of an EF.CardAccess that is not
    there. `le_status` is the answer to READ BINARY over `le_max`, in place of the standard's; with `le_ends_session` it comes in
    clear, and the session is over. `piece_bytes` is the most that one answer brings; the rest waits for GET RESPONSE (with 0, an answer
    with data brings none of it at first, as under T=0).
    `wrong_key_status` is the answer to a wrong key. `lie_after_answers` is how many protected answers are honest before a lie of secure messaging or Active
    Authentication is told.
    """

    le_max: int = EXTENDED_NE_MAX
    no_extended_length: bool = False
    le_status: int | None = None
    le_ends_session: bool = False
    piece_bytes: int | None = None
    no_card_access_status: int | None = None
    no_card_access_on_reading: bool = False
    parameter_reference_required: bool = False
    master_file_refused: bool = False
    bac_refused: bool = False
    no_access_control: bool = False
    challenge_status: int | None = None
    wrong_key_status: int = status.PROOF_WRONG
    static_binding: bool = False
    lie: Lie | None = None
    lie_after_answers: int = 0


PLAIN_CHIP: Final = Quirks()
