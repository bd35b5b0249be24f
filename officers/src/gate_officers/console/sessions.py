"""Sessions at the console. Each lasts while its page repeatedly proves that it holds the shift key.

A session belongs to one certificate. It ends with the certificate, after IDLE_S without an action, or when a proof is
overdue. Each proof changes the cookie, so a copied cookie soon expires; it cannot order, since orders are signed with
the shift key. Sessions are kept in memory only. Clocks and randomness are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gate_core.orders import signed_text
from gate_core.orders.certificate import Certificate, open_certificate
from gate_core.orders.errors import OrderError
from gate_core.orders.signed_text import Kind

PROOF: Final = Kind("proof", 1)
PROOF_S: Final = 30  # interval between proofs; browsers slow timers of hidden pages to one a minute
PROOF_LATE_S: Final = 100
IDLE_S: Final = 30 * 60
CHALLENGE_S: Final = 60
OVERLAP_S: Final = 5  # the previous cookie stays valid after the first use of the next, for requests under way
SESSIONS_MAX: Final = 256  # at the limit the session with the oldest proof ends
SESSIONS_EACH_MAX: Final = 8  # per officer, over all their certificates; same rule
TOKEN_BYTES: Final = 32
SECRET_BYTES: Final = 32
_TEXT_MAX: Final = 128


class SessionError(Exception):
    """The proof is refused; `word` is the code for scripts, the message is for people."""

    def __init__(self, word: str, text: str) -> None:
        super().__init__(text)
        self.word = word


@dataclass(slots=True, eq=False)
class Session:
    """A signed-in officer. Times are monotonic seconds."""

    certificate: Certificate
    ends_s: float
    proved_s: float
    token: bytes  # SHA-256 of the current cookie
    before: bytes | None = None  # SHA-256 of the previous cookie, valid until `before_ends_s`
    before_ends_s: float | None = None


class Sessions:
    """All sessions of the console. `authority` is the authority's public key, `origin` the pages' origin, `now_s` the
    corrected clock in seconds since 1970.
    """

    def __init__(
        self,
        *,
        authority: bytes,
        origin: str,
        now_s: Callable[[], float],
        monotonic_s: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._authority = authority
        self._origin = origin
        self._now_s = now_s
        self._monotonic_s = monotonic_s
        self._random = random
        self._secret = random(SECRET_BYTES)
        self._sessions: list[Session] = []
        self._answered: dict[str, float] = {}
        self._used: dict[Certificate, float] = {}  # time of the last action, kept after the session's end

    # ── proving ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def challenge(self) -> str:
        """Return a challenge for a page to sign, valid once, for CHALLENGE_S. Only answered challenges are stored."""
        text = f"{int(self._monotonic_s() * 1000)}.{self._random(8).hex()}"
        return f"{text}.{self._mark(text)}"

    def prove(self, certificate: bytes, challenge: str, signature: bytes, cookie: str | None) -> tuple[Session, str]:
        """Verify a proof; return the new or continued session, and its next cookie. Raises SessionError."""
        says = self._proven(certificate, challenge, signature)
        now_s = self._monotonic_s()
        left_s = says.until - self._now_s()
        if left_s <= 0:
            raise SessionError("shift_over", "your shift is over; sign in again")
        if self._now_s() < says.not_before:
            raise SessionError("shift_not_begun", "your shift has not begun by the console's clock")
        if now_s - self._used.setdefault(says, now_s) > IDLE_S:
            raise SessionError("idle", "nobody did anything for half an hour; sign in again")
        token = urlsafe_b64encode(self._random(TOKEN_BYTES)).decode()
        session = self.find(cookie)
        if session is not None and session.certificate != says:
            self.end(session)  # another officer at the same browser
            session = None
        if session is None:
            session = Session(says, now_s + left_s, now_s, _digest(token))
            own = [one for one in self._live() if one.certificate.officer == says.officer]
            for one in own[: 1 - SESSIONS_EACH_MAX]:
                self.end(one)
            self._sessions = [*self._live(), session][-SESSIONS_MAX:]
            self._forget_the_past()
        else:
            session.before, session.before_ends_s, session.token = session.token, None, _digest(token)
            session.proved_s, session.ends_s = now_s, now_s + left_s
            self._sessions.sort(key=lambda one: one.proved_s)
        return session, token

    def _proven(self, certificate: bytes, challenge: str, signature: bytes) -> Certificate:
        self._require_ours(challenge)
        try:
            says = open_certificate(certificate, self._authority)
            signed_text.require(signature, f"{self._origin}\n{challenge}".encode(), says.public, kind=PROOF)
        except OrderError as error:
            raise SessionError("no_proof", f"this is no key of our officers' authority: {error}") from error
        self._answered[challenge] = self._monotonic_s()
        return says

    def _require_ours(self, challenge: str) -> None:
        now_s = self._monotonic_s()
        self._answered = {one: at_s for one, at_s in self._answered.items() if now_s - at_s <= CHALLENGE_S}
        text, _, mark = challenge[:_TEXT_MAX].rpartition(".")
        if not hmac.compare_digest(mark.encode(), self._mark(text).encode()):
            raise SessionError("stale", "not a challenge of this start of the console; try again")
        issued_s = int(text.partition(".")[0]) / 1000
        if challenge in self._answered or not 0 <= now_s - issued_s <= CHALLENGE_S:
            raise SessionError("stale", "this challenge was answered, or is too old; try again")

    def _mark(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    # ── finding and ending ───────────────────────────────────────────────────────────────────────────────────────────

    def find(self, cookie: str | None, *, by_hand: bool = False) -> Session | None:
        """Return the live session of a cookie, or None. `by_hand`: an officer's action, which resets the idle time."""
        if not cookie:
            return None
        now_s, digest = self._monotonic_s(), _digest(cookie)
        self._sessions = self._live()
        for session in self._sessions:
            if session.token == digest:
                if session.before_ends_s is None:
                    session.before_ends_s = now_s + OVERLAP_S
            elif session.before != digest or (session.before_ends_s is not None and now_s > session.before_ends_s):
                continue
            if by_hand:
                self._used[session.certificate] = now_s
            return session
        return None

    def holds(self, session: Session) -> bool:
        """True while the session is live. Event streams check it at each heartbeat."""
        return session in self._live()

    def end(self, session: Session) -> None:
        """End a session (sign-out)."""
        self._sessions = [one for one in self._live() if one is not session]

    def ends_in_s(self, session: Session) -> float:
        """Return the seconds until the certificate expires."""
        return max(0.0, session.ends_s - self._monotonic_s())

    def _live(self) -> list[Session]:
        now_s = self._monotonic_s()
        return [
            one
            for one in self._sessions
            if now_s < one.ends_s
            and now_s - one.proved_s <= PROOF_LATE_S
            and now_s - self._used.get(one.certificate, 0.0) <= IDLE_S
        ]

    def _forget_the_past(self) -> None:
        """Drop the last-action times of expired certificates."""
        now_s = self._now_s()
        self._used = {one: used_s for one, used_s in self._used.items() if now_s < one.until}


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
