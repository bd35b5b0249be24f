"""The simulated control centre: its frames against another implementation of MessagePack, its answers, and its faults."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from document_fakes.sample_passports import utopia
from hypothesis import example, given
from hypothesis import strategies as st

from gate.channel import centre_messages
from hardware_sim import cli
from hardware_sim.centre import Fault, FrameError
from hardware_sim.centre.frames import FRAME_BYTES_MAX, Value, decode, encode
from hardware_sim.centre.server import Answers, answers_of
from hardware_sim.passport.terminal_keys import public_key
from hardware_sim.passport.terminals import READS_FINGERS, READS_IRISES

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**64 - 1) | st.text(max_size=40) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=20),
    max_leaves=10,
)
CONTENTS = st.none() | st.booleans() | st.integers(0, 2**64 - 1) | st.text() | st.binary() | st.lists(st.binary())
MAPS = st.dictionaries(st.text(max_size=40), CONTENTS, max_size=20)


def framed(value: Any) -> bytes:
    body = msgspec.msgpack.encode(value)
    return len(body).to_bytes(4) + body


@given(message=MAPS, tail=st.binary(max_size=8))
def test_decode_undoes_encode_and_leaves_the_tail(message: dict[str, Any], tail: bytes) -> None:
    wire = encode(message)
    assert decode(wire + tail) == (message, len(wire))


@given(message=MAPS)
@example(message={"": "x" * 60_000, "a": {"b": True}, "c": 200})
@example(message={"a": [b"x" * 300] * 20, "b": "y" * 40, "c": b"", "d": None})
def test_both_ways_agree_with_another_implementation(message: dict[str, Any]) -> None:
    assert msgspec.msgpack.decode(encode(message)[4:]) == message
    assert decode(framed(message))[0] == message


@given(value=VALUES)
def test_only_a_map_is_a_message(value: Any) -> None:
    with pytest.raises(FrameError):
        decode(framed(value))


@given(data=st.binary(max_size=200))
@example(data=b"\xff\xff\xff\xff")
@example(data=b"\x00\x00\x00\x01\xc1")
@example(data=framed({"a": [[[[1]]]]}))
@example(data=b"\x00\x00\x00\x04\x82\xa0\xa0\xa0")
@example(data=b"\x00\x00\x00\x03\x81\xa1\xff")
@example(data=b"\x00\x00\x00\x05\x82\xa1a\xa1")
def test_noise_is_a_frame_error_or_needs_more(data: bytes) -> None:
    try:
        message, used = decode(data)
    except FrameError:
        return
    assert message is None or used <= len(data)


def test_a_part_of_a_message_needs_more_and_a_long_one_is_not_sent() -> None:
    wire = encode({"type": "x"})
    for end in range(len(wire)):
        assert decode(wire[:end]) == (None, 0)
    with pytest.raises(ValueError, match="bytes"):
        encode({"a": bytes(FRAME_BYTES_MAX)})


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def asked(centre: Answers, question: centre_messages.ToCentre) -> centre_messages.FromCentre:
    """The answer as the gate reads it."""
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(question))
    return msgspec.msgpack.decode(encode(centre.answer(plain))[4:], type=centre_messages.FromCentre)


CHAIN = centre_messages.ChainWanted(["UTCVCA00000", "UTCVCA00001"])
SIGNATURE = centre_messages.SignatureWanted("UTISXX00001", b"identity, nonce and key")


def test_the_certificates_of_the_authority_and_a_signature_of_their_last_holder() -> None:
    centre = answers_of(utopia(), Fault.NONE, ("ecdsa", "rsa"))
    chain = utopia().terminal_chain()
    assert asked(centre, CHAIN) == centre_messages.Chain(list(chain.certificates))
    answer = asked(centre, SIGNATURE)
    assert isinstance(answer, centre_messages.Signature)
    key = public_key({0x06: bytes.fromhex("04007F00070202020203"), 0x86: chain.key.shown(with_parameters=False)[14:]})
    assert key is not None
    assert key.holds(SIGNATURE.message, answer.signature)
    rsa = asked(centre, centre_messages.ChainWanted(["UTCVCA00002"]))
    assert isinstance(rsa, centre_messages.Chain)
    assert b"UTISXX00002" in rsa.certificates[1]


@pytest.mark.parametrize(
    ("fault", "question"),
    [
        (Fault.NONE, centre_messages.ChainWanted(["UTCVCA00009"])),
        (Fault.NONE, centre_messages.SignatureWanted("UTISXX00009", b"x")),
        (Fault.REFUSES, CHAIN),
        (Fault.REFUSES, SIGNATURE),
        (Fault.REFUSES_TO_SIGN, SIGNATURE),
    ],
)
def test_what_it_has_not_or_will_not_is_refused(fault: Fault, question: centre_messages.ToCentre) -> None:
    assert isinstance(asked(answers_of(utopia(), fault), question), centre_messages.NotGranted)


def test_questions_that_are_none_are_refused() -> None:
    centre = answers_of(utopia(), Fault.NONE)
    questions: list[dict[str, Value]] = [
        {},
        {"type": "ChainWanted", "authorities": "UTCVCA00001"},
        {"type": "SignatureWanted"},
    ]
    for question in questions:
        assert centre.answer(question)["type"] == "NotGranted"


def test_faulty_answers_are_wrong_in_one_thing() -> None:
    good = utopia().terminal_chain()
    for fault, order in (
        (Fault.EXPIRED, {"expired": True}),
        (Fault.FORGED, {"forged": True}),
        (Fault.WITHOUT_RIGHT, {"rights": READS_IRISES}),
    ):
        expected = centre_messages.Chain(list(utopia().terminal_chain(**order).certificates))
        assert asked(answers_of(utopia(), fault), CHAIN) == expected
        assert expected != centre_messages.Chain(list(good.certificates))
    assert READS_FINGERS != READS_IRISES
    twisted, honest = (asked(answers_of(utopia(), fault), SIGNATURE) for fault in (Fault.WRONG_SIGNATURE, Fault.NONE))
    assert isinstance(twisted, centre_messages.Signature)
    assert isinstance(honest, centre_messages.Signature)
    assert twisted.signature[:-1] == honest.signature[:-1]
    assert twisted.signature != honest.signature
    other = answers_of(utopia(), Fault.OTHER_ANSWER)
    assert isinstance(asked(other, CHAIN), centre_messages.Signature)
    assert isinstance(asked(other, SIGNATURE), centre_messages.Chain)


def test_a_place_that_is_taken_is_one_line(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert cli.main(["centre", "--socket", str(tmp_path / "taken"), "--seed", "7"]) == cli.EXIT_IO
    assert capsys.readouterr().err.count("\n") == 1
