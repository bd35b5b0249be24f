"""Differences between chip models in their answers: limits, variants, and lies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from hardware_sim.chip import status
from hardware_sim.chip.apdu import EXTENDED_NE_MAX, Response
from hardware_sim.chip.secure_messaging import Session


class Lie(Enum):
    """How a hostile or broken chip misbehaves in a dialogue, one way at a time. The value is the switch's name."""

    PACE_ECHOES_KEY = "pace_echoes_key"  # the terminal's ephemeral key, then its token
    PACE_ECHOES_MAPPING = "pace_echoes_mapping"  # the terminal's mapping key; the run cannot finish
    PACE_KEY_OUTSIDE = "pace_key_outside"  # a point off the curve, or a number outside the subgroup
    PACE_NEUTRAL_KEY = "pace_neutral_key"  # infinity, or 1
    PACE_WRONG_TOKEN = "pace_wrong_token"  # noqa: S105 - an authentication token, no password
    SM_WRONG_MAC = "sm_wrong_mac"
    SM_NO_STATUS = "sm_no_status"  # DO99 is missing, the MAC is valid
    SM_STATUS_MISMATCH = "sm_status_mismatch"  # 9000 protected, 6282 unprotected
    SM_PLAIN_ANSWER = "sm_plain_answer"  # data and status without protection
    SM_REPLAY = "sm_replay"  # the answer to the previous command again
    AA_REPLAY = "aa_replay"  # a signature over an earlier challenge


def protect(lie: Lie | None, session: Session, plain: Response, before: Response | None, *, odd: bool) -> Response:
    """Protect an answer honestly, or by the lie. `before` is the protected answer to the previous command."""
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
    """The defaults are a plain, honest chip. `le_max` is the maximum of one READ BINARY.

    `no_access_control`: older than Basic Access Control. It supports neither that nor PACE, and gives everyone what other chips give after
    access control. `challenge_status`: the answer to every GET CHALLENGE before a session, if set.
    `no_card_access_status`: the answer to SELECT of a missing EF.CardAccess, or with `no_card_access_on_reading` to READ BINARY. `le_status`:
    the answer to READ BINARY over `le_max`, instead of the standard's; with `le_ends_session` it is unprotected and ends the session.
    `piece_bytes`: the maximum of one answer; the rest waits for GET RESPONSE (0: an answer with data sends none of it first, as under T=0).
    `wrong_key_status`: the answer to a wrong key. `lie_after_answers`: how many protected answers are honest before a lie of secure messaging or
    Active Authentication.
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
