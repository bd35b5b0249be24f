"""Who may approve: named persons with keys that prove something, none of them twice."""

from __future__ import annotations

import pytest
import tomli_w
from core_fakes.approvals import approvers, signer
from hypothesis import given
from hypothesis import strategies as st

from gate_core.approval.approvers import SMALL_ORDER, Approvers, Listed, contradictions, is_sound
from gate_core.approval.errors import ApprovalError
from gate_core.audit_format.note import Algorithm, Signer, Verifier

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def listed(*vkeys: str, authority: str = "") -> Listed:
    return Listed(schema=1, approvers=vkeys, authority=authority)


def vkey(name: str) -> str:
    return signer(name).verifier.vkey


def wrong(*vkeys: str, authority: str = "") -> dict[str, str]:
    return dict(contradictions(listed(*vkeys, authority=authority)))


def test_three_persons_and_an_authority_are_a_list_and_it_is_read_back() -> None:
    known = approvers()
    assert wrong(*(key.vkey for key in known.keys), authority=vkey("authority")) == {}
    assert Approvers.from_bytes(known.to_bytes()) == known
    assert known.are(approvers(("carla", "anna", "ben")))
    assert not known.are(approvers(authority=""))
    assert not known.are(approvers(("anna", "ben", "dora")))


def test_one_person_stands_there_once() -> None:
    anna = signer("anna")
    renamed = Verifier("second.example", Algorithm.ED25519, anna.verifier.public_key).vkey
    mirrored = bytes([*anna.verifier.public_key[:31], anna.verifier.public_key[31] ^ 0x80])
    negative = Verifier("third.example", Algorithm.ED25519, mirrored).vkey
    other_key = Signer("anna.example", bytes(32)).verifier.vkey
    assert wrong(vkey("anna"), renamed, vkey("ben")) == {"approvers.1": "has the key of approvers.0"}
    assert wrong(vkey("anna"), vkey("ben"), negative) == {"approvers.2": "has the key of approvers.0"}
    assert wrong(vkey("anna"), vkey("ben"), other_key) == {"approvers.2": "has the name of approvers.0: anna.example"}
    assert wrong(vkey("anna"), vkey("ben"), vkey("carla"), authority=vkey("ben")).keys() == {"authority"}


@pytest.mark.parametrize("name", ["Anna", "\u0430nna", "an na", "", "a" * 64, ".anna", "anna/x"])
def test_a_name_has_one_spelling(name: str) -> None:
    raw = signer("anna").verifier
    try:
        spelt = Verifier(name, Algorithm.ED25519, raw.public_key).vkey
    except Exception:  # noqa: BLE001 - a signed note has no such name, either
        return
    assert "approvers.0" in wrong(spelt, vkey("ben"), vkey("carla"))


def test_the_small_points_are_all_there_are() -> None:
    """Each of them times eight is the neutral element, and there are five values of y among the eight."""
    for y in SMALL_ORDER:
        x = x_of(y)
        point = (x, y)
        for _ in range(3):
            point = added(point, point)
        assert point == (0, 1), y
    assert len(SMALL_ORDER) == 5


def x_of(y: int) -> int:
    """A root of (y² - 1) / (dy² + 1) modulo p (RFC 8032 §5.1.3)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    if root * root % P != square:
        root = root * pow(2, (P - 1) // 4, P) % P
    assert root * root % P == square
    return root


def added(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P)
    return x % P, y % P


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*sorted(SMALL_ORDER), P, P + 1, 2**255 - 1])
def test_a_key_that_anybody_could_sign_for_is_none(y: int, sign: int) -> None:
    key = (y | sign << 255).to_bytes(32, "little")
    assert not is_sound(key)
    small = Verifier("small.example", Algorithm.ED25519, key).vkey
    assert wrong(vkey("anna"), small, vkey("ben")).keys() == {"approvers.1"}


def test_a_signature_under_a_small_key_would_have_held_for_any_text() -> None:
    """Why they are refused: with the neutral element as key and as R, and S = 0, RFC 8032's equation holds for half of all texts or more."""
    neutral = (1).to_bytes(32, "little")
    forged = neutral + bytes(32)
    Verifier("small.example", Algorithm.ED25519, neutral).verify("whatever\n", forged)


@given(st.binary(max_size=300))
def test_a_strangers_bytes_are_no_list(raw: bytes) -> None:
    with pytest.raises(ApprovalError):
        Approvers.from_bytes(raw)


@pytest.mark.parametrize(
    "text", ["", "anna", "anna.example+00000000+AA==", "anna.example+1+1", vkey("anna") + " ", vkey("anna") + "="]
)
def test_what_is_no_key_is_said_with_its_place(text: str) -> None:
    assert "approvers.0" in wrong(text, vkey("ben"), vkey("carla"))
    assert tomli_w.dumps({"approvers": [text]})


def test_a_cosigners_key_is_no_approvers() -> None:
    assert "approvers.0" in wrong(
        Signer.generate("c.example", Algorithm.COSIGNATURE_V1).verifier.vkey, vkey("ben"), vkey("carla")
    )
