"""Officers' orders: who said it, to which lane, when, and what is missing."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import msgspec
import pytest
from core_fakes.shifts import AUTHORITY, GATE, NOW_S, OTHER_AUTHORITY, PUBLIC, certificate, challenger, key_of, shift
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate_core.evidence.names import Role
from gate_core.orders import certificate as certificates
from gate_core.orders import order, signed_text
from gate_core.orders.certificate import CERTIFICATE_BYTES_MAX, Certificate, certify, open_certificate, unverified
from gate_core.orders.envelope import PARTS, seen_of
from gate_core.orders.errors import ForgedError, MalformedError, OrderError
from gate_core.orders.order import (
    ORDER_BYTES_MAX,
    REASON_CHARACTERS_MAX,
    VALID_MS,
    Challenge,
    Challenger,
    Freshness,
    Lack,
    Order,
    Shift,
    asks_to_free,
    find_blocking_lacks,
    lacks,
    read_order,
)
from gate_core.orders.verbs import VERBS, Party, Power, Verb

CROSSING = "c0ffee"
CHALLENGE = challenger().issue(3, 10_000)
DAY_S = 24 * 3600
UNTIL_S = NOW_S + 3600  # the end of the shift
VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "officers_orders.json"


def ordered(
    verb: Verb = Verb.ADMIT, *, by: Shift | None = None, challenge: Challenge = CHALLENGE, gate: str = GATE
) -> bytes:
    """An order as it should be."""
    rule = VERBS[verb]
    return (by or shift()).sign(
        verb,
        gate=gate,
        challenge=challenge,
        crossing=CROSSING if rule.crossing else None,
        reason="I know her" if rule.reason else "",
        argument=rule.arguments[0] if rule.arguments else "eu" if rule.named else None,
    )


def lacking(
    raw: bytes, *, freshness: Freshness = Freshness.FRESH, now_s: int | None = NOW_S, floor_s: int = 0
) -> tuple[Lack, ...]:
    return lacks(read_order(raw, PUBLIC), gate=GATE, freshness=freshness, now_s=now_s, floor_s=floor_s)


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_can_be_signed_and_read_and_lacks_nothing(verb: Verb) -> None:
    role = Role.SUPERVISOR if Role.SUPERVISOR in VERBS[verb].roles else Role.TECHNICIAN
    raw = ordered(verb, by=shift(role=role))
    said = read_order(raw, PUBLIC)
    assert said.order.verb is verb
    assert (said.by.officer, said.by.role) == ("anna", role)
    assert lacking(raw) == ()
    assert len(raw) < ORDER_BYTES_MAX / 4


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("role", Role)
def test_a_role_that_may_not_lacks_it(verb: Verb, role: Role) -> None:
    missing = lacking(ordered(verb, by=shift(role=role)))
    assert (Lack.ROLE in missing) is (role not in VERBS[verb].roles)


# ── who said it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_under_another_authority_is_nobodys() -> None:
    raw = ordered(by=shift(authority=OTHER_AUTHORITY))
    with pytest.raises(ForgedError, match="certificate"):
        read_order(raw, PUBLIC)


def test_an_order_that_another_key_signed_than_the_certified_one_is_nobodys() -> None:
    thief = Shift(key_of(8), certify(certificate(7), AUTHORITY))
    with pytest.raises(ForgedError, match="order"):
        read_order(ordered(by=thief), PUBLIC)


def test_a_signature_of_one_kind_is_none_of_another() -> None:
    raw = certify(certificate(), AUTHORITY)
    signed_text.require(raw[:64], raw[64:], PUBLIC, kind=certificates.KIND)
    with pytest.raises(ForgedError):
        signed_text.require(raw[:64], raw[64:], PUBLIC, kind=order.KIND)


def test_a_signature_of_the_version_before_is_none_of_this_one() -> None:
    text = certify(certificate(), AUTHORITY)[64:]
    before = AUTHORITY.sign(b"portcullis-shift-certificate/1\n" + text) + text
    with pytest.raises(ForgedError):
        open_certificate(before, PUBLIC)


def test_a_certificate_of_the_version_before_is_not_read() -> None:
    fields = msgspec.json.decode(certify(certificate(), AUTHORITY)[64:])
    old = msgspec.json.encode({name: fields[name] for name in fields if name not in {"party", "sealing", "trained"}})
    with pytest.raises(MalformedError, match="missing required field"):
        open_certificate(AUTHORITY.sign(b"portcullis-shift-certificate/2\n" + old) + old, PUBLIC)


@pytest.mark.parametrize("sealing", ["", "QUJD", "A" * 44, "A" * 43])
def test_what_is_no_key_to_seal_to_is_not_certified(sealing: str) -> None:
    with pytest.raises(MalformedError, match="sealing"):
        certify(certificate(sealing=sealing), AUTHORITY)


@pytest.mark.parametrize("verb", Verb)
def test_an_auditor_orders_nothing_and_frees_nobody(verb: Verb) -> None:
    raw = ordered(verb, by=shift(role=Role.AUDITOR))
    assert lacking(raw) == (Lack.ROLE,)
    assert find_blocking_lacks(read_order(raw, PUBLIC), (Lack.ROLE,)) == (Lack.ROLE,)


@given(st.data())
def test_an_order_with_a_flipped_bit_is_refused(data: st.DataObject) -> None:
    raw = bytearray(ordered())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(OrderError):
        read_order(bytes(raw), PUBLIC)


@given(st.integers(0, len(ordered()) - 1))
def test_an_order_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(OrderError):
        read_order(ordered()[:length], PUBLIC)


@given(st.binary(max_size=ORDER_BYTES_MAX + 10))
def test_noise_is_refused_by_the_orders_own_error(raw: bytes) -> None:
    with pytest.raises(OrderError):
        read_order(raw, PUBLIC)
    with pytest.raises(OrderError):
        open_certificate(raw, PUBLIC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'"argument":null', b'"argument": null', id="a space"),
        pytest.param(b'"admit"', b'"\\u0061dmit"', id="an escape"),
        pytest.param(b'{"argument":null,', b"{", id="a field left out"),
        pytest.param(b'{"argument":null,', b'{"argument":null,"extra":1,', id="a field more"),
        pytest.param(b'"argument":null,', b'"argument":null,"argument":null,', id="a field twice"),
        pytest.param(b'"version":3', b'"version":3.0', id="a number with a point"),
        pytest.param(b'"reason":"I', b'"reason":"\xff', id="no UTF-8"),
        pytest.param(b'"reason":"I', b'"reason":"\\ud800', id="half a character"),
        pytest.param(b'"gate":"north-7"', b'"gate":"north-7\\n"', id="a line feed"),
        pytest.param(b'"I know her"', b"[" * 900 + b"]" * 900, id="nested deeply"),
        pytest.param(b'"I know her"', b'"' + b"x" * 201 + b'"', id="a long reason"),
        pytest.param(b'"admit"', b'"shrug"', id="no verb"),
    ],
)
def test_there_is_one_spelling_even_for_who_holds_the_key(old: bytes, new: bytes) -> None:
    text = ordered()[64:]
    changed = text.replace(old, new)
    assert changed != text
    raw = key_of(7).sign(signed_text._message(order.KIND, changed)) + changed
    with pytest.raises(MalformedError):
        read_order(raw, PUBLIC)


@pytest.mark.parametrize(
    ("verb", "fields", "problem"),
    [
        (Verb.ADMIT, {"reason": "r"}, "crossing"),
        (Verb.ADMIT, {"crossing": CROSSING}, "reason"),
        (Verb.ADMIT, {"crossing": CROSSING, "reason": "two\nlines"}, "printable"),
        (Verb.HAND_OVER, {"crossing": CROSSING, "argument": "shrug"}, "one of taken_over, walked_back"),
        (Verb.RELEASE, {"argument": "entry"}, "no argument"),
        (Verb.HAND_OVER, {"crossing": CROSSING, "argument": "walked_back", "seen": "0" * 64}, "nothing that was seen"),
        (Verb.ADMIT, {"crossing": CROSSING, "reason": "looked", "seen": "0" * 63}, "seen"),
        (Verb.DIRECTION, {"argument": "both"}, "one of entry, exit"),
        (Verb.DIRECTION, {}, "one of entry, exit"),
        (Verb.MODE, {}, "names whom"),
        (Verb.MODE, {"argument": "Everybody"}, "argument"),
        (Verb.MODE, {"argument": "a" * 33}, "argument"),
        (Verb.RELEASE, {"reason": "x" * (REASON_CHARACTERS_MAX + 1)}, "200"),
        (Verb.RELEASE, {"reason": "\ud800"}, "printable"),
    ],
)
def test_what_a_verb_misses_is_not_signed(verb: Verb, fields: dict[str, str], problem: str) -> None:
    with pytest.raises(MalformedError, match=problem):
        shift().sign(verb, gate=GATE, challenge=CHALLENGE, **fields)


def test_what_a_verb_misses_is_told_of_an_order_that_was_signed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as unchecked:
        unchecked.setattr(Order, "problem", lambda _: "")
        raw = shift().sign(Verb.ADMIT, gate=GATE, challenge=CHALLENGE, crossing=CROSSING)
    assert read_order(raw, PUBLIC).order.problem() == "admit needs a reason"


def test_an_order_over_its_size_is_neither_signed_nor_read() -> None:
    many = tuple(f"gate-{'x' * 54}{number}" for number in range(16))
    assert len(certify(certificate(gates=many), AUTHORITY)) < CERTIFICATE_BYTES_MAX
    big = ordered(by=shift(gates=many)) + b" " * ORDER_BYTES_MAX
    with pytest.raises(MalformedError, match="bytes"):
        read_order(big, PUBLIC)
    with pytest.raises(MalformedError, match="longer"):
        signed_text.sign(certificate(gates=many), AUTHORITY, kind=certificates.KIND._replace(bytes_max=500))


def test_a_certificate_in_another_spelling_is_refused() -> None:
    for text in ("not base64!", "A", "QUJD=", "QUI=", "QUJ="):
        body = signed_text._encode(Order(certificate="QUJD", challenge=CHALLENGE, gate=GATE, verb=Verb.RELEASE))
        body = body.replace(b"QUJD", text.encode())
        with pytest.raises(OrderError):
            read_order(key_of(7).sign(signed_text._message(order.KIND, body)) + body, PUBLIC)


@pytest.mark.parametrize("seconds", [0, -1, 24 * 3600 + 1])
def test_no_shift_is_longer_than_a_day(seconds: int) -> None:
    wanted = certificate(until=NOW_S + seconds, not_before=NOW_S)
    with pytest.raises(MalformedError, match="24 hours"):
        certify(wanted, AUTHORITY)
    raw = signed_text.sign(wanted, AUTHORITY, kind=certificates.KIND)
    with pytest.raises(MalformedError, match="24 hours"):
        open_certificate(raw, PUBLIC)


def test_a_holder_can_read_their_own_certificate() -> None:
    raw = certify(certificate(), OTHER_AUTHORITY)
    assert unverified(raw) == certificate()


def test_a_name_that_is_no_text_is_not_certified() -> None:
    for name in ("\ud800", "Anna Example", ""):
        with pytest.raises(MalformedError):
            certify(certificate(officer=name), AUTHORITY)


def test_nothing_shows_a_key() -> None:
    assert repr(shift()) == "Shift()"


# ── to which lane, and when ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_challenge_lives_thirty_seconds_of_the_lanes_own_clock() -> None:
    lane = challenger()
    given_now = lane.issue(3, 10_000)
    assert lane.look(given_now, 10_000) is Freshness.FRESH
    assert lane.look(given_now, 10_000 + VALID_MS) is Freshness.FRESH
    assert lane.look(given_now, 10_000 + VALID_MS + 1) is Freshness.OLD
    assert lane.look(given_now, 9_999) is Freshness.OLD


def test_a_new_start_and_another_gate_know_none_of_the_old_challenges() -> None:
    assert challenger(2).look(CHALLENGE, 10_000) is Freshness.FOREIGN
    assert challenger(1, "north-8").look(CHALLENGE, 10_000) is Freshness.FOREIGN


class OneNonceAStart(Challenger):
    """As would do against replay alone: an order would wait an hour for its use."""

    def _nonce(self, version: int, issued_ms: int) -> str:  # noqa: ARG002 - that is what is wrong
        return CHALLENGE.nonce


def test_a_relay_cannot_hand_out_a_challenge_for_later() -> None:
    lane = challenger()
    later = Challenge(issued_ms=3_600_000, nonce=CHALLENGE.nonce, version=3)
    assert lane.look(later, 3_600_000) is Freshness.FOREIGN
    assert OneNonceAStart(bytes(32), GATE).look(later, 3_600_000) is Freshness.FRESH


def test_a_secret_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Challenger(b"", GATE)


# ── what is missing, and what of it matters ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("raw", "kwargs", "lack"),
    [
        (ordered(gate="north-8"), {}, Lack.OTHER_GATE),
        (ordered(), {"freshness": Freshness.OLD}, Lack.CHALLENGE_OLD),
        (ordered(), {"freshness": Freshness.FOREIGN}, Lack.CHALLENGE_FOREIGN),
        (ordered(by=shift(role=Role.TECHNICIAN)), {}, Lack.ROLE),
        (ordered(by=shift(gates=("north-8", "north-9"))), {}, Lack.GATE_NOT_CERTIFIED),
        (ordered(), {"now_s": NOW_S - 3601}, Lack.SHIFT_NOT_BEGUN),
        (ordered(), {"now_s": UNTIL_S}, Lack.SHIFT_OVER),
        (ordered(), {"floor_s": UNTIL_S + DAY_S + 1}, Lack.SHIFT_LONG_OVER),
        (ordered(), {"now_s": None}, Lack.CLOCK_UNSURE),
    ],
    ids=lambda value: value.value if isinstance(value, Lack) else "",
)
def test_each_lack_alone_keeps_anybody_from_being_admitted(raw: bytes, kwargs: dict[str, object], lack: Lack) -> None:
    said = read_order(raw, PUBLIC)
    missing = lacking(raw, **kwargs)  # type: ignore[arg-type]
    assert missing == (lack,)
    assert find_blocking_lacks(said, missing) == (lack,)


def test_the_shift_is_valid_at_the_gates_that_it_names() -> None:
    assert lacking(ordered(by=shift(gates=("north-8", GATE)))) == ()


@pytest.mark.parametrize("lack", Lack)
@pytest.mark.parametrize("verb", Verb)
def test_what_blocks_whom(verb: Verb, lack: Lack) -> None:
    blocked = bool(find_blocking_lacks(read_order(ordered(verb), PUBLIC), (lack,)))
    match VERBS[verb].power:
        case Power.GIVES:
            assert blocked
        case Power.TAKES:
            assert blocked is (lack is not Lack.CLOCK_UNSURE)
        case Power.FREES:
            obeyed = {Lack.CHALLENGE_OLD, Lack.SHIFT_NOT_BEGUN, Lack.SHIFT_OVER, Lack.CLOCK_UNSURE}
            assert blocked is (lack not in obeyed)


@pytest.mark.parametrize(
    ("now_s", "floor_s", "missing"),
    [
        (UNTIL_S - 1, UNTIL_S - 1, ()),
        (UNTIL_S, 0, (Lack.SHIFT_OVER,)),
        (UNTIL_S - 1, UNTIL_S, (Lack.SHIFT_OVER,)),
        (UNTIL_S + DAY_S, 0, (Lack.SHIFT_OVER,)),
        (UNTIL_S, UNTIL_S + DAY_S, (Lack.SHIFT_OVER,)),
        (UNTIL_S + DAY_S + 1, 0, (Lack.SHIFT_LONG_OVER,)),
        (UNTIL_S - DAY_S, UNTIL_S + DAY_S + 1, (Lack.SHIFT_LONG_OVER,)),
        (None, 0, (Lack.CLOCK_UNSURE,)),
        (None, UNTIL_S, (Lack.CLOCK_UNSURE, Lack.SHIFT_OVER)),
        (None, UNTIL_S + DAY_S, (Lack.CLOCK_UNSURE, Lack.SHIFT_OVER)),
        (None, UNTIL_S + DAY_S + 1, (Lack.CLOCK_UNSURE, Lack.SHIFT_LONG_OVER)),
        (UNTIL_S - 2 * DAY_S, 0, (Lack.SHIFT_NOT_BEGUN,)),
        (UNTIL_S - 2 * DAY_S, UNTIL_S - 1, ()),
    ],
)
def test_a_shift_is_judged_by_the_later_of_clock_and_floor_and_by_the_floor_alone_while_the_clock_is_unsure(
    now_s: int | None, floor_s: int, missing: tuple[Lack, ...]
) -> None:
    assert lacking(ordered(), now_s=now_s, floor_s=floor_s) == missing


@pytest.mark.parametrize("by", [shift(), shift(authority=OTHER_AUTHORITY), shift(role=Role.AUDITOR)])
def test_what_asks_to_free_is_known_whoever_signed_it(by: Shift) -> None:
    asking = {verb for verb in Verb if asks_to_free(ordered(verb, by=by))}
    assert asking == {Verb.RELEASE, Verb.OPEN_EMERGENCY}


@given(st.binary(max_size=200))
def test_noise_asks_for_nothing(raw: bytes) -> None:
    assert not asks_to_free(raw)


def test_only_release_and_open_emergency_free_and_whoever_gives_orders_may() -> None:
    freeing = {verb for verb, rule in VERBS.items() if rule.power is Power.FREES}
    assert freeing == {Verb.RELEASE, Verb.OPEN_EMERGENCY}
    assert all(VERBS[verb].roles == frozenset(Role) - {Role.AUDITOR} for verb in freeing)
    assert set(VERBS) == set(Verb)


# ── what is written down ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_vector_is_what_we_sign_and_read() -> None:
    vector = json.loads(VECTORS.read_text())
    authority = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["authority"]["seed"]))
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["shift"]["seed"]))
    made = bytes.fromhex(vector["certificate"]["bytes"])
    fields = json.loads(vector["certificate"]["text"])
    wanted = Certificate(
        **{**fields, "party": Party(fields["party"]), "role": Role(fields["role"]), "gates": tuple(fields["gates"])}
    )
    sealing = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["shift"]["sealing"]))
    assert wanted.sealing == b64encode(sealing.public_key().public_bytes_raw()).decode()
    assert certify(wanted, authority) == made
    lane = Challenger(bytes.fromhex(vector["lane"]["secret"]), vector["lane"]["gate"])
    given_now = lane.issue(vector["lane"]["version"], vector["lane"]["issued_ms"])
    said = json.loads(vector["order"]["text"])
    raw = Shift(key, made).sign(
        Verb(said["verb"]),
        gate=said["gate"],
        challenge=given_now,
        crossing=said["crossing"],
        reason=said["reason"],
        seen=said["seen"],
    )
    shown = json.loads(VECTORS.with_name("officers_sealing.json").read_text())
    assert said["seen"] == seen_of(bytes.fromhex(shown[part]["sealed"]) for part in PARTS)
    assert raw.hex() == vector["order"]["bytes"]
    assert raw[64:].decode() == vector["order"]["text"]
    public = b64decode(vector["authority"]["public"])
    assert read_order(raw, public).order.challenge == given_now


def test_an_orders_reasons_limit_is_in_characters() -> None:
    raw = shift().sign(
        Verb.ADMIT, gate=GATE, challenge=CHALLENGE, crossing=CROSSING, reason="ü" * REASON_CHARACTERS_MAX
    )
    assert read_order(raw, PUBLIC).order.reason == "ü" * REASON_CHARACTERS_MAX
    assert order.REASON_CHARACTERS_MAX == REASON_CHARACTERS_MAX
