"""The officers' authority: whom it enrols, for what it certifies, and what its log can tell afterwards."""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from core_fakes.shifts import NOW_S, PUBLIC
from hypothesis import given
from hypothesis import strategies as st
from officers_fakes.officers_authority import SEALING, SHIFT_S, SIGNING, STANDING, Desk
from officers_fakes.passkeys import FLAG, Authenticator

from gate_core.evidence.names import Role
from gate_core.orders.certificate import CLOCKS_APART_S, open_certificate
from gate_core.orders.verbs import Party
from gate_officers.authority.act_log import ActLog
from gate_officers.authority.certificate_issuer import NONCE_S, NONCES_MAX
from gate_officers.authority.enrolment_history import Standing
from gate_officers.authority.errors import ActLogError, Refusal, RefusedError
from gate_officers.authority.invitations import INVITATION_S, remove
from gate_officers.authority.passkeys import Passkeys, challenge, is_above


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def refusal(call: Any, *arguments: Any, **more: Any) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        call(*arguments, **more)
    return caught.value.refusal


def acts(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in desk.path.read_bytes().splitlines()]


def test_whoever_was_invited_enrols_and_is_certified_for_the_shift(desk: Desk) -> None:
    standing = Standing(gates=None, party=Party.POLICE, role=Role.SUPERVISOR, trained=True)
    passkey = desk.enrolled("boris", standing=standing)
    raw, certificate = desk.certified(passkey)
    assert open_certificate(raw, PUBLIC) == certificate
    assert (certificate.officer, certificate.role, certificate.party) == ("boris", Role.SUPERVISOR, Party.POLICE)
    assert (certificate.gates, certificate.trained) == (None, True)
    assert (certificate.key, certificate.sealing) == (b64encode(SIGNING).decode(), b64encode(SEALING).decode())
    assert (certificate.not_before, certificate.until) == (NOW_S - CLOCKS_APART_S, NOW_S + SHIFT_S)


def test_the_book_says_who_was_certified_when_and_through_which_console(desk: Desk) -> None:
    passkey = desk.enrolled()
    desk.now_s += 60
    desk.certified(passkey)
    assert [one["act"] for one in acts(desk)] == ["invited", "enrolled", "certified"]
    last = acts(desk)[-1]
    assert (last["at"], last["officer"], last["console"]) == (NOW_S + 60, "anna", "hall-b")
    assert (last["key"], last["until"]) == (b64encode(SIGNING).decode(), NOW_S + 60 + SHIFT_S)


def test_a_new_start_knows_everybody_and_their_counters(desk: Desk) -> None:
    passkey = desk.enrolled()
    desk.certified(passkey)
    desk.authority = desk.start()
    passkey.counter -= 1  # as a copy of the passkey would
    assert refusal(desk.certified, passkey) is Refusal.COUNTER


def test_a_passkey_whose_counter_went_back_is_doubted_in_the_book_and_gets_nothing(desk: Desk) -> None:
    passkey = desk.enrolled(counter=5)
    passkey.counter = 3
    assert refusal(desk.certified, passkey) is Refusal.COUNTER
    assert [one["act"] for one in acts(desk)] == ["invited", "enrolled", "doubted"]


def test_a_passkey_that_counts_nothing_is_taken_again_and_again(desk: Desk) -> None:
    passkey = desk.enrolled(counts=False)
    for _ in range(3):
        desk.certified(passkey)


@pytest.mark.parametrize("backup", [FLAG.BE, FLAG.BE | FLAG.BS, FLAG.BS], ids=str)
def test_a_passkey_that_can_be_copied_is_refused_unless_it_was_allowed_by_name(desk: Desk, backup: FLAG) -> None:
    assert refusal(desk.enrolled, backup=backup) is Refusal.SYNCED
    assert [one["act"] for one in acts(desk)] == ["invited"]
    passkey = desk.enrolled(synced=True, backup=backup)  # the supervisor's next invitation
    assert refusal(desk.enrolled, "boris", backup=backup) is Refusal.SYNCED  # it was anna who was named
    desk.authority = desk.start()
    assert desk.certified(passkey)[1].officer == "anna"
    assert [one.get("synced") for one in acts(desk)] == [None, True, True, None, None]


@pytest.mark.parametrize(("enrolled", "answers"), [(FLAG(0), FLAG.BE), (FLAG(0), FLAG.BS), (FLAG.BE, FLAG(0))], ids=str)
def test_a_passkey_that_says_otherwise_than_when_it_was_enrolled_is_refused(
    desk: Desk, enrolled: FLAG, answers: FLAG
) -> None:
    passkey = desk.enrolled(synced=True, backup=enrolled)
    passkey.backup = answers
    assert refusal(desk.certified, passkey) is Refusal.SYNCED
    assert [one["act"] for one in acts(desk)] == ["invited", "enrolled"]


def test_a_passkey_enrolled_before_copies_were_asked_about_is_refused_if_it_can_be_copied(desk: Desk) -> None:
    passkey = desk.enrolled(synced=True, backup=FLAG.BE)
    lines = [json.loads(line) for line in desk.path.read_bytes().splitlines()]
    desk.path.write_text("".join(f"{json.dumps({k: v for k, v in one.items() if k != 'synced'})}\n" for one in lines))
    desk.authority = desk.start()
    assert refusal(desk.certified, passkey) is Refusal.SYNCED
    passkey.backup = FLAG(0)
    desk.certified(passkey)


@pytest.mark.parametrize(
    ("counter", "last", "above"), [(0, 0, True), (1, 0, True), (1, 1, False), (0, 1, False), (2, 1, True)]
)
def test_a_counter_must_count_on(counter: int, last: int, above: bool) -> None:  # noqa: FBT001
    assert is_above(counter, last) is above


def test_an_answer_about_other_keys_gets_nothing(desk: Desk) -> None:
    passkey = desk.enrolled()
    nonce = desk.nonce(desk.authority.request())
    answer = passkey.answer(challenge(SIGNING, SEALING, nonce))
    assert refusal(desk.authority.certify, b"t" * 32, SEALING, nonce, answer, console="hall-b") is Refusal.NO_PROOF
    assert [one["act"] for one in acts(desk)] == ["invited", "enrolled"]


def test_an_answer_is_good_once(desk: Desk) -> None:
    passkey = desk.enrolled(counts=False)
    nonce = desk.nonce(desk.authority.request())
    answer = passkey.answer(challenge(SIGNING, SEALING, nonce))
    desk.authority.certify(SIGNING, SEALING, nonce, answer, console="hall-b")
    assert refusal(desk.authority.certify, SIGNING, SEALING, nonce, answer, console="hall-b") is Refusal.STALE


def test_an_answer_that_was_kept_back_is_good_for_two_minutes_and_for_one_start(desk: Desk) -> None:
    passkey = desk.enrolled(counts=False)
    kept = desk.nonce(desk.authority.request())
    answer = passkey.answer(challenge(SIGNING, SEALING, kept))
    desk.monotonic_s += NONCE_S + 1
    assert refusal(desk.authority.certify, SIGNING, SEALING, kept, answer, console="hall-b") is Refusal.STALE
    other = desk.nonce(desk.authority.request())
    answer = passkey.answer(challenge(SIGNING, SEALING, other))
    assert refusal(desk.start().certify, SIGNING, SEALING, other, answer, console="hall-b") is Refusal.STALE


def test_a_flood_of_questions_ends_the_oldest_and_keeps_the_newest(desk: Desk) -> None:
    passkey = desk.enrolled()
    first = desk.nonce(desk.authority.request())
    for _ in range(NONCES_MAX):
        desk.authority.request()
    answer = passkey.answer(challenge(SIGNING, SEALING, first))
    assert refusal(desk.authority.certify, SIGNING, SEALING, first, answer, console="hall-b") is Refusal.STALE
    desk.certified(passkey)


@pytest.mark.parametrize(
    "lie",
    [
        {"verifies": False},
        {"origin": "https://console.example.evil:8443"},
        {"origin": "https://console.example"},
        {"rp_id": "example"},
        {"crosses": True},
    ],
    ids=str,
)
def test_an_answer_of_another_page_or_of_an_unverified_user_gets_nothing(desk: Desk, lie: dict[str, Any]) -> None:
    passkey = desk.enrolled()
    for name, value in lie.items():
        setattr(passkey, name, value)
    assert refusal(desk.certified, passkey) is Refusal.NO_PROOF
    code, liar = desk.invite("boris"), Authenticator(**lie)
    nonce = desk.nonce(desk.authority.creation("boris", code))
    made = liar.make(nonce)
    assert refusal(desk.authority.enrol, "boris", code, nonce, made, console="hall-b") is Refusal.NO_PROOF


def test_a_passkey_of_nobody_and_one_with_anothers_name_get_nothing(desk: Desk) -> None:
    anna = desk.enrolled()
    stranger = Authenticator()
    assert refusal(desk.certified, stranger) is Refusal.NOT_ENROLLED
    stranger.credential = anna.credential
    assert refusal(desk.certified, stranger) is Refusal.NO_PROOF


def test_whoever_was_removed_gets_nothing_and_can_be_invited_anew(desk: Desk) -> None:
    passkey = desk.enrolled()
    remove(ActLog(desk.path), "anna", now_s=NOW_S)
    assert refusal(desk.certified, passkey) is Refusal.NOT_ENROLLED
    again = desk.enrolled()
    assert desk.certified(again)[1].officer == "anna"
    assert refusal(desk.certified, passkey) is Refusal.NOT_ENROLLED
    assert refusal(remove, ActLog(desk.path), "boris", now_s=NOW_S) is Refusal.NOT_ENROLLED


def test_a_code_is_good_once_for_its_officer_and_for_a_day(desk: Desk) -> None:
    code = desk.invite()
    for officer, said in (("anna", "0000-0000-0000-0000"), ("boris", code), ("anna", "")):
        assert refusal(desk.authority.creation, officer, said) is Refusal.BAD_CODE
    nonce, passkey = desk.nonce(desk.authority.creation("anna", code.upper())), Authenticator()
    desk.now_s += INVITATION_S
    assert refusal(desk.authority.enrol, "anna", code, nonce, passkey.make(nonce), console="hall-b") is Refusal.BAD_CODE
    desk.now_s = NOW_S
    nonce = desk.nonce(desk.authority.creation("anna", code))
    desk.authority.enrol("anna", code, nonce, passkey.make(nonce), console="hall-b")
    assert refusal(desk.authority.creation, "anna", code) is Refusal.BAD_CODE
    assert code not in desk.path.read_text()


def test_another_invitation_ends_the_first_and_nobody_enrolled_is_invited(desk: Desk) -> None:
    first, second = desk.invite(), desk.invite()
    assert refusal(desk.authority.creation, "anna", first) is Refusal.BAD_CODE
    desk.authority.creation("anna", second)
    desk.enrolled()
    assert refusal(desk.invite) is Refusal.TAKEN


def test_one_passkey_is_one_persons(desk: Desk) -> None:
    passkey, code = desk.enrolled(), desk.invite("boris")
    nonce = desk.nonce(desk.authority.creation("boris", code))
    assert refusal(desk.authority.enrol, "boris", code, nonce, passkey.make(nonce), console="x") is Refusal.TAKEN


def test_a_book_that_cannot_be_written_certifies_nothing(desk: Desk) -> None:
    passkey = desk.enrolled()
    desk.path.unlink()
    with pytest.raises(ActLogError):
        desk.certified(passkey)


def test_commands_and_service_share_one_book(desk: Desk) -> None:
    beside = ActLog(desk.path)
    desk.enrolled()
    assert beside.look().known["anna"].passkey is not None
    assert beside.people.known["anna"].standing == STANDING


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_a_power_cut_left_half_is_no_act_and_is_taken_away(desk: Desk, cut: int) -> None:
    desk.enrolled()
    whole = desk.path.read_bytes()
    desk.path.write_bytes(whole + whole.splitlines(keepends=True)[-1][:cut])
    assert list(ActLog(desk.path).people.known) == ["anna"]
    remove(ActLog(desk.path), "anna", now_s=NOW_S)
    assert [one["act"] for one in acts(desk)] == ["invited", "enrolled", "removed"]


def test_a_book_that_says_something_else_or_lost_its_end_is_refused(desk: Desk) -> None:
    desk.enrolled()
    whole = desk.path.read_bytes()
    for line in (
        b"{}\n",
        b"\n",
        b"\xff\n",
        b'{"act":"removed","at":1,"officer":"nobody"}\n',
        whole.splitlines(keepends=True)[-1],
    ):
        desk.path.write_bytes(whole + line)
        with pytest.raises(ActLogError, match="line 3"):
            ActLog(desk.path)
    desk.path.write_bytes(whole)
    act_log = ActLog(desk.path)
    desk.path.write_bytes(whole[:-10])
    with pytest.raises(ActLogError, match="shorter"):
        act_log.look()


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.binary(max_size=60).map(lambda raw: b64encode(raw).decode()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature", "attestationObject"]),
        inner,
        max_size=8,
    ),
    max_leaves=12,
)  # fmt: skip


@given(hostile=st.dictionaries(st.sampled_from(["id", "rawId", "response", "type"]), HOSTILE))
def test_whatever_comes_instead_of_an_answer_is_refused(hostile: dict[str, Any]) -> None:
    passkeys = Passkeys("console.example", frozenset({"https://console.example"}))
    assert refusal(passkeys.made, bytes(32), hostile) is Refusal.NO_PROOF
    known = Authenticator()
    passkey = Passkeys("console.example", frozenset({known.origin})).made(bytes(32), known.make(bytes(32)))
    assert refusal(passkeys.answered, bytes(32), hostile, passkey) is Refusal.NO_PROOF


@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_changed_byte_of_what_an_authenticator_made_is_refused_or_is_the_same_passkey(at: int, byte: int) -> None:
    known = Authenticator(credential=bytes(32))
    made = known.make(bytes(32))
    text = bytearray(made["response"]["attestationObject"].encode())
    text[at % len(text)] = byte
    made["response"]["attestationObject"] = text.decode("latin-1")
    passkey = None
    with contextlib.suppress(RefusedError):
        passkey = Passkeys("console.example", frozenset({known.origin})).made(bytes(32), made)
    assert passkey is None or len(passkey.credential) <= 1023
