"""The card in the reader's field: the passport application, and the defects of real hardware.

`Switches` are the defects: limits, delays, removal, invalid bytes. A card answers bytes with bytes; the readers
transport them.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from typing import Final, TypedDict, Unpack

from hardware_sim.chip import CardGoneError, status
from hardware_sim.chip.apdu import EXTENDED_NE_MAX
from hardware_sim.chip.application import Application
from hardware_sim.chip.quirks import Lie, Quirks
from hardware_sim.passport.issuer import Passport

ATR: Final = bytes.fromhex("3B8880010073C8400000900062")  # a contactless card's ATR in PC/SC
_NONSENSE_BYTES_MAX: Final = 64
_DELAY_DOUBLINGS_MAX: Final = 6  # after this many, the delay no longer increases


class Switches(TypedDict, total=False):
    """Quirks of one card; the defaults are a plain, undelayed chip."""

    le_max: int  # a READ BINARY for more is answered with 6Cxx or 6700
    no_extended_length: bool
    le_status: int  # instead of 6Cxx and 6700
    le_ends_session: bool  # the refusal is unprotected, and ends the session
    piece_bytes: int  # maximum length of an answer; GET RESPONSE fetches the rest (61xx)
    no_card_access_status: int  # the answer to SELECT of a missing EF.CardAccess; default 6A82
    no_card_access_on_reading: bool  # SELECT of it is answered with 9000, and READ BINARY with that status
    pull_out_after_apdus: int | None  # after this many answers the card is gone
    nonsense_after_apdus: int | None  # after this many answers it sends invalid bytes
    delay_per_apdu_ms: float
    bit_rate_kbit_s: float
    parameter_reference_required: bool  # MSE:Set AT without tag 84 is answered with 6A87
    master_file_refused: bool  # files of the master file are answered with 6982 before a session
    bac_refused: bool  # PACE only
    no_access_control: bool  # older than Basic Access Control: everyone may read unguarded files
    challenge_status: int  # the answer to every GET CHALLENGE before a session
    wrong_key_status: int  # the answer of Basic Access Control to a wrong key; default 6300
    static_binding: bool  # after PACE, Terminal Authentication still uses the document's number
    delay_after_wrong_key_ms: float  # before the answer to a wrong key; doubles with each, until a right one
    lie: str  # a name in `quirks.Lie`
    lie_after_answers: int  # this many protected answers are honest


class Card:
    """One card in the field. `transmit` and `reset` raise CardGoneError after the card was pulled out."""

    def __init__(
        self,
        passport: Passport,
        *,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        sleep: Callable[[float], None] = time.sleep,
        **switches: Unpack[Switches],
    ) -> None:
        self.atr = ATR
        self._application = Application(passport, random_bytes=random_bytes, quirks=_quirks(switches))
        self._sleep = sleep
        self._switches = switches
        self._nonsense = random.Random(0)
        self._apdus = 0

    def reset(self) -> None:
        """Power off and on. Raises CardGoneError."""
        if self.gone:
            raise CardGoneError
        self._application.reset()

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one command. Raises CardGoneError."""
        if self.gone:
            raise CardGoneError
        wrong_keys = self._application.wrong_keys
        nonsense_after = self._switches.get("nonsense_after_apdus")
        if nonsense_after is not None and self._apdus >= nonsense_after:
            answer = self._nonsense.randbytes(self._nonsense.randint(2, _NONSENSE_BYTES_MAX))
        else:
            answer = self._application.answer(apdu).encode()
        self._apdus += 1
        self._take_time(len(apdu) + len(answer), self._wrong_key_delay_ms(wrong_keys))
        return answer

    def _wrong_key_delay_ms(self, before: int) -> float:
        """Return the delay of the answer, when the key was wrong; otherwise 0."""
        count = self._application.wrong_keys
        if count <= before:
            return 0.0
        return self._switches.get("delay_after_wrong_key_ms", 0.0) * (1 << min(count - 1, _DELAY_DOUBLINGS_MAX))

    @property
    def gone(self) -> bool:
        """Return True when the card has removed itself."""
        limit = self._switches.get("pull_out_after_apdus")
        return limit is not None and self._apdus >= limit

    def _take_time(self, sent_bytes: int, waiting_ms: float) -> None:
        delay_ms = waiting_ms + self._switches.get("delay_per_apdu_ms", 0.0)
        rate_kbit_s = self._switches.get("bit_rate_kbit_s")
        if rate_kbit_s:
            delay_ms += sent_bytes * 8 / rate_kbit_s
        if delay_ms:
            self._sleep(delay_ms / 1000)


def _quirks(switches: Switches) -> Quirks:
    lie = switches.get("lie")
    return Quirks(
        le_max=switches.get("le_max", EXTENDED_NE_MAX),
        no_extended_length=switches.get("no_extended_length", False),
        le_status=switches.get("le_status"),
        le_ends_session=switches.get("le_ends_session", False),
        piece_bytes=switches.get("piece_bytes"),
        no_card_access_status=switches.get("no_card_access_status"),
        no_card_access_on_reading=switches.get("no_card_access_on_reading", False),
        parameter_reference_required=switches.get("parameter_reference_required", False),
        master_file_refused=switches.get("master_file_refused", False),
        bac_refused=switches.get("bac_refused", False),
        no_access_control=switches.get("no_access_control", False),
        challenge_status=switches.get("challenge_status"),
        wrong_key_status=switches.get("wrong_key_status", status.PROOF_WRONG),
        static_binding=switches.get("static_binding", False),
        lie=None if lie is None else Lie(lie),
        lie_after_answers=switches.get("lie_after_answers", 0),
    )
