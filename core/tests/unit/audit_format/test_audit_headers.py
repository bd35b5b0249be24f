"""The examples of headers in core/tests/vectors, for whoever writes a verifier of their own: writer and verifier take and refuse the same ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import leaf_hash
from gate_core.audit_format.record import Header, recipients_digest
from gate_verify.findings import StructureError
from gate_verify.judge import read_header

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/audit_headers.json").read_text("ascii"))


def test_a_sets_digest_is_that_of_the_hashes_in_order() -> None:
    assert recipients_digest(VECTORS["recipients"]) == (VECTORS["digest"], tuple(VECTORS["hashes"]))


@pytest.mark.parametrize("header", VECTORS["headers"], ids=["2", "3"])
def test_headers_of_both_versions_are_read_by_both(header: dict[str, Any]) -> None:
    leaf = header["leaf"].encode()
    found, theirs = Header.parse(leaf), read_header(leaf)
    assert (found.v, found.leaf(), found.bound().decode()) == (header["v"], leaf, header["bound"])
    assert (theirs.number, theirs.recipients) == (found.index, found.recipients)
    assert leaf_hash(leaf).hex() == header["leaf_hash"]


@pytest.mark.parametrize("number", range(len(VECTORS["refused"])))
def test_what_mixes_the_versions_is_no_header(number: int) -> None:
    leaf = VECTORS["refused"][number].encode()
    with pytest.raises(BadFormatError):
        Header.parse(leaf)
    with pytest.raises(StructureError):
        read_header(leaf)
