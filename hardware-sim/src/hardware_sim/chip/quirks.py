"""How one chip model differs from the next in what it answers: limits, habits, and lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hardware_sim.chip import status
from hardware_sim.chip.apdu import EXTENDED_NE_MAX
from hardware_sim.chip.lies import Lie


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
