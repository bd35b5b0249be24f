"""Sessions at the console: begun by a proof, kept up by proofs, ended by whatever is missing."""

from __future__ import annotations

import os
from typing import Any

import pytest
from core_fakes.shifts import AUTHORITY, NOW_S, OTHER_AUTHORITY, PUBLIC, certificate, key_of

from gate_core.orders.certificate import certify
from gate_officers.console.sessions import (
    CHALLENGE_S,
    IDLE_S,
    OVERLAP_S,
    PROOF_LATE_S,
    PROOF_S,
    SESSIONS_EACH_MAX,
    SESSIONS_MAX,
    Session,
    SessionError,
    Sessions,
)
from gate_officers.console.sign_in import Clock

ORIGIN = "https://console.example:8443"


class Desk:
    """Sessions whose clocks are the test's, and pages that prove to them."""

    def __init__(self) -> None:
        self.now_s = float(NOW_S)
        self.monotonic_s = 1000.0
        self.sessions = self.start()

    def start(self) -> Sessions:
        return Sessions(
            authority=PUBLIC,
            origin=ORIGIN,
            now_s=lambda: self.now_s,
            monotonic_s=lambda: self.monotonic_s,
            random=os.urandom,
        )

    def passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.monotonic_s += seconds

    def prove(
        self,
        number: int = 7,
        *,
        cookie: str | None = None,
        origin: str = ORIGIN,
        challenge: str | None = None,
        **says: Any,
    ) -> tuple[Session, str]:
        asked = challenge or self.sessions.challenge()
        signature = key_of(number).sign(f"portcullis-proof/1\n{origin}\n{asked}".encode())
        shown = certify(certificate(**{"number": 7, **says}), AUTHORITY)
        return self.sessions.prove(shown, asked, signature, cookie)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refused(desk: Desk, **proof: Any) -> str:
    with pytest.raises(SessionError) as caught:
        desk.prove(**proof)
    return caught.value.word


def test_a_proof_begins_a_session_and_its_cookie_finds_it(desk: Desk) -> None:
    session, cookie = desk.prove()
    assert session.certificate == certificate()
    assert desk.sessions.find(cookie) is session
    assert desk.sessions.find(cookie + "x") is desk.sessions.find("") is desk.sessions.find(None) is None


def test_a_proof_of_another_key_another_page_another_authority_or_another_text_begins_none(desk: Desk) -> None:
    assert refused(desk, number=8) == "no_proof"
    assert refused(desk, origin="https://console.evil:8443") == "no_proof"
    asked = desk.sessions.challenge()
    signature = key_of(7).sign(f"portcullis-proof/1\n{ORIGIN}\n{asked}".encode())
    for shown, signed in (
        (certify(certificate(), OTHER_AUTHORITY), signature),
        (certify(certificate(), AUTHORITY)[:-1], signature),
        (b"", signature),
        (certify(certificate(), AUTHORITY), signature[:-1]),
        (certify(certificate(), AUTHORITY), key_of(7).sign(f"portcullis-order/2\n{ORIGIN}\n{asked}".encode())),
    ):
        with pytest.raises(SessionError, match="no key of our officers' authority"):
            desk.sessions.prove(shown, asked, signed, None)


def test_a_challenge_is_good_once_for_a_minute_and_for_one_start(desk: Desk) -> None:
    asked = desk.sessions.challenge()
    desk.prove(challenge=asked)
    assert refused(desk, challenge=asked) == "stale"
    late, foreign = desk.sessions.challenge(), desk.start().challenge()
    desk.passes(CHALLENGE_S + 1)
    assert refused(desk, challenge=late) == "stale"
    assert refused(desk, challenge=foreign) == "stale"


@pytest.mark.parametrize(
    "made_up", ["", ".", "..", "0.0.0", "x" * 500, "1000000.é.", "1000000.00." + "0" * 64, "-1.0."]
)
def test_a_challenge_that_was_made_up_is_none(desk: Desk, made_up: str) -> None:
    assert refused(desk, challenge=made_up or "nothing") == "stale"


def test_a_session_ends_when_its_certificate_does(desk: Desk) -> None:
    session, cookie = desk.prove()
    for _ in range(int(desk.sessions.ends_in_s(session)) // PROOF_S - 1):
        desk.passes(PROOF_S)
        desk.sessions.find(cookie, by_hand=True)
        _, cookie = desk.prove(cookie=cookie)
    assert desk.sessions.find(cookie) is session
    desk.passes(2 * PROOF_S)
    assert desk.sessions.find(cookie) is None
    assert not desk.sessions.holds(session)
    assert refused(desk) == "shift_over"


def test_no_session_begins_before_its_certificate_does(desk: Desk) -> None:
    assert refused(desk, not_before=NOW_S + 1) == "shift_not_begun"
    desk.passes(1)
    desk.prove(not_before=NOW_S + 1)


def test_nobody_puts_out_the_sessions_of_others(desk: Desk) -> None:
    anna, annas = desk.prove()
    cookies = [desk.prove(8, key=certificate(8).key, officer="bert")[1] for _ in range(SESSIONS_MAX + 1)]
    assert desk.sessions.find(annas) is anna
    assert [desk.sessions.find(one) is not None for one in cookies[-SESSIONS_EACH_MAX - 1 :]] == [
        False,
        *[True] * SESSIONS_EACH_MAX,
    ]


def test_a_session_ends_when_a_proof_is_missing(desk: Desk) -> None:
    session, cookie = desk.prove()
    desk.passes(PROOF_LATE_S)
    assert desk.sessions.find(cookie) is session
    desk.passes(1)
    assert desk.sessions.find(cookie) is None


def test_a_session_ends_when_nobody_did_anything_and_no_proof_brings_it_back(desk: Desk) -> None:
    _, cookie = desk.prove()
    for _ in range(IDLE_S // PROOF_S):
        desk.passes(PROOF_S)
        _, cookie = desk.prove(cookie=cookie)
    desk.sessions.find(cookie)  # what a page asks by itself is no deed
    desk.passes(1)
    assert desk.sessions.find(cookie) is None
    assert refused(desk) == "idle"
    desk.prove(until=NOW_S + 7200)  # another certificate: the passkey was asked


def test_a_deed_keeps_a_session_from_being_idle(desk: Desk) -> None:
    _, cookie = desk.prove()
    for _ in range(2 * IDLE_S // PROOF_S - 1):
        desk.passes(PROOF_S)
        assert desk.sessions.find(cookie, by_hand=True) is not None
        _, cookie = desk.prove(cookie=cookie)


def test_each_proof_brings_another_cookie_and_the_one_before_ends_once_it_was_seen(desk: Desk) -> None:
    session, first = desk.prove()
    again, second = desk.prove(cookie=first)
    assert again is session
    assert desk.sessions.find(first) is session  # the answer with the second may have been lost
    assert desk.sessions.find(second) is session
    desk.passes(OVERLAP_S + 1)
    assert desk.sessions.find(first) is None
    assert desk.sessions.find(second) is session


def test_two_pages_that_prove_at_once_with_one_cookie_stay_signed_in(desk: Desk) -> None:
    session, first = desk.prove()
    _, second = desk.prove(cookie=first)
    _, third = desk.prove(cookie=first)
    assert desk.sessions.find(third) is desk.sessions.find(second) is session


def test_another_officer_at_the_same_browser_has_a_session_of_their_own(desk: Desk) -> None:
    anna, cookie = desk.prove()
    boris, other = desk.prove(cookie=cookie, officer="boris")
    assert desk.sessions.find(other) is boris
    assert not desk.sessions.holds(anna)


def test_signing_out_ends_the_session_for_every_cookie_of_it(desk: Desk) -> None:
    session, first = desk.prove()
    _, second = desk.prove(cookie=first)
    desk.sessions.end(session)
    assert desk.sessions.find(first) is desk.sessions.find(second) is None


def test_there_are_only_so_many_sessions_and_the_quietest_gives_way(desk: Desk) -> None:
    _, quiet = desk.prove()
    _, cookie = desk.prove(officer="kept")
    for number in range(SESSIONS_MAX - 1):
        _, cookie = desk.prove(cookie=cookie, officer="kept")
        desk.prove(officer=f"officer-{number}")
    assert desk.sessions.find(quiet) is None
    assert desk.sessions.find(cookie) is not None


def test_the_authoritys_clock_counts_and_what_the_machine_says_is_told(desk: Desk) -> None:
    clock = Clock(lambda: desk.now_s + 86_400, lambda: desk.monotonic_s)
    assert (clock.now_s(), clock.off_s) == (NOW_S + 86_400, 0)
    clock.hear(NOW_S)
    desk.passes(90)
    assert (clock.now_s(), clock.off_s) == (NOW_S + 90, 86_400)
    right = Clock(lambda: desk.now_s, lambda: desk.monotonic_s)
    right.hear(int(desk.now_s) - 1)
    assert (right.now_s(), right.off_s) == (desk.now_s, 0)
