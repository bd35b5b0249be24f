"""The canonical text of a configuration: one spelling, read back strictly, and what differs between two."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_core.approval.canonical import Difference, canonical, differences, digest, read
from gate_core.approval.errors import ApprovalError

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = SCALARS | st.text(max_size=20) | st.lists(st.text(max_size=8), max_size=3)
SETTINGS = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=4), lambda inner: st.dictionaries(NAMES, inner | LEAVES, max_size=4)
)

SMALL = {
    "purpose": "trial",
    "sync": None,
    "rules": {"liveness_min": 0.5, "directions": ["entry"], "travellers": {}},
    "table": [{"a": 1}, {"a": 2}],
}
TEXT = """\
portcullis configuration/1
purpose = "trial"
rules.directions = ["entry"]
rules.liveness_min = 0.5
rules.travellers = {}
sync = null
table.0.a = 1
table.1.a = 2
"""


def test_every_setting_has_one_line_whatever_order_it_came_in() -> None:
    assert canonical(SMALL) == canonical(dict(reversed(SMALL.items()))) == TEXT
    assert digest(TEXT) == hashlib.sha256(TEXT.encode()).hexdigest()
    assert read(TEXT.encode())["rules.directions"] == '["entry"]'


@given(SETTINGS)
def test_what_was_written_is_read_and_no_other_bytes_are(settings: dict[str, Any]) -> None:
    text = canonical(settings)
    found = read(text.encode())
    assert text.encode().isascii()
    assert [f"{key} = {value}" for key, value in found.items()] == text.splitlines()[1:]
    assert all(json.loads(value) is not NotImplemented for value in found.values())


@given(st.binary(max_size=200))
def test_a_strangers_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ApprovalError):
        read(raw)


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 255))
def test_a_changed_byte_is_another_text_or_none(at: int, byte: int) -> None:
    changed = bytearray(TEXT.encode())
    changed[at] = byte
    try:
        found = read(bytes(changed))
    except ApprovalError:
        return
    assert (found == read(TEXT.encode())) is (bytes(changed) == TEXT.encode())


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1],
        TEXT.replace("sync = null\n", "sync = null\nsync = null\n"),
        TEXT.replace("sync = null", "sync = NULL"),
        TEXT.replace("sync = null", "sync=null"),
        TEXT.replace('["entry"]', '["entry" ]'),
        TEXT.replace("0.5", "0.50"),
        TEXT.replace("sync = null\n", "") + "sync = null\n",
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("/1", "/2"),
        TEXT + "\n",
        TEXT.replace('"trial"', '"tri\x1bal"'),
        TEXT.replace('"trial"', '"tri\u00e4l"'),
    ],
)
def test_a_text_has_one_spelling(text: str) -> None:
    with pytest.raises(ApprovalError):
        read(text.encode())


def test_what_differs_is_said_key_by_key() -> None:
    new = canonical({**SMALL, "purpose": "service", "table": [{"a": 1}], "mode": "gate"})
    assert differences(read(TEXT.encode()), read(new.encode())) == [
        Difference("mode", None, '"gate"'),
        Difference("purpose", '"trial"', '"service"'),
        Difference("table.1.a", "2", None),
    ]
    assert differences(read(TEXT.encode()), read(TEXT.encode())) == []
