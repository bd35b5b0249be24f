"""The audit log's formats against vectors made by others: transparency-dev/merkle, a Tessera log, C2SP CCTV age."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pyrage
import pytest
from shared_data import SHARED_DATA

from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.audit_format.errors import BadFormatError, BadProofError, BadSignatureError
from gate_core.audit_format.merkle import (
    is_subtree,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
    verify_subtree,
)
from gate_core.audit_format.note import Verifier
from gate_core.audit_format.tiles import Piece, decode_entries, decode_tile, entries_path, tile_path

DATA = SHARED_DATA / "tlog"
MERKLE = DATA / "transparency-dev-merkle/testdata"
LOG = DATA / "tessera-log/testdata/log"
VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

pytestmark = pytest.mark.conformance


def vectors(kind: str, count: int) -> list[tuple[str, dict[str, Any]]]:
    files = sorted((MERKLE / kind).rglob("*.json"))
    assert len(files) == count, f"the vectors of {kind} are not all there"
    return [(str(file.relative_to(MERKLE)), json.loads(file.read_text())) for file in files]


def decoded(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def hashes(vector: dict[str, Any]) -> list[bytes]:
    return [decoded(one) for one in vector["proof"] or []]


def accepts(kind: str, vector: dict[str, Any]) -> bool:
    proof = hashes(vector)
    try:
        match kind:
            case "inclusion":
                leaf, root = decoded(vector["leafHash"]), decoded(vector["root"])
                verify_inclusion(vector["leafIdx"], vector["treeSize"], leaf=leaf, root=root, proof=proof)
            case "consistency":
                old, root = decoded(vector["root1"]), decoded(vector["root2"])
                verify_consistency(vector["size1"], vector["size2"], root_old=old, root=root, proof=proof)
            case "subtreeconsistency":
                part, root = decoded(vector["root1"]), decoded(vector["root2"])
                start, end = vector["start"], vector["end"]
                verify_subtree(start, end, vector["size"], subtree=part, root=root, proof=proof)
            case _:
                raise AssertionError(kind)
    except BadProofError:
        return False
    return True


@pytest.mark.parametrize(("kind", "count"), [("inclusion", 98), ("consistency", 98), ("subtreeconsistency", 118)])
def test_every_published_proof_is_judged_as_published(kind: str, count: int) -> None:
    wrong = [name for name, vector in vectors(kind, count) if accepts(kind, vector) == vector["wantErr"]]
    assert wrong == []


def test_every_published_subtree_inclusion_proof_is_judged_as_published() -> None:
    # A leaf's inclusion in a subtree is its inclusion in a tree of the subtree's size, if that is a subtree at all.
    wrong = []
    for name, vector in vectors("subtreeinclusion", 204):
        start, end, index = vector["start"], vector["end"], vector["leafIdx"]
        accepted = False
        try:
            leaf, root = decoded(vector["leafHash"]), decoded(vector["root"])
            verify_inclusion(index - start, end - start, leaf=leaf, root=root, proof=hashes(vector))
            accepted = is_subtree(start, end)
        except BadProofError:
            pass
        if accepted == vector["wantErr"]:
            wrong.append(name)
    assert wrong == []


def test_every_checkpoint_of_a_tessera_log_is_verified_against_its_entries() -> None:
    entries = decode_entries((LOG / entries_path(Piece(0, 15))).read_bytes(), 15)
    tile = decode_tile((LOG / tile_path(0, Piece(0, 15))).read_bytes(), 15)
    assert [leaf_hash(entry) for entry in entries] == list(tile)
    verifier = Verifier.parse(VKEY)
    assert verifier.vkey == VKEY
    for size in range(16):
        checkpoint = read_checkpoint((LOG / f"checkpoint.{size}").read_bytes(), verifier)
        assert (checkpoint.size, checkpoint.root) == (size, root_of(tile[:size]))


def test_a_tessera_checkpoint_is_refused_after_any_changed_byte() -> None:
    raw = (LOG / "checkpoint").read_bytes()
    verifier = Verifier.parse(VKEY)
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises((BadFormatError, BadSignatureError)):
            read_checkpoint(changed, verifier)


def age_vectors() -> list[tuple[str, dict[str, list[str]], bytes]]:
    """The vectors of age files for X25519 identities, neither armoured nor compressed: the only kind that the log writes."""
    found = []
    for path in sorted((DATA / "c2sp-cctv/age/testdata").iterdir()):
        head, _, body = path.read_bytes().partition(b"\n\n")
        fields: dict[str, list[str]] = {}
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            fields.setdefault(name, []).append(value)
        identities = fields.get("identity", [])
        if (
            identities
            and all(one.startswith("AGE-SECRET-KEY-1") for one in identities)
            and not {"armored", "compressed"} & set(fields)
        ):
            found.append((path.name, fields, body))
    return found


def test_age_files_are_opened_or_refused_as_published() -> None:
    wrong = []
    for name, fields, body in age_vectors():
        identities = [pyrage.x25519.Identity.from_str(one) for one in fields["identity"]]
        try:
            payload = hashlib.sha256(pyrage.decrypt(body, identities)).hexdigest()
            expected = fields["expect"] == ["success"] and fields["payload"] == [payload]
        except pyrage.DecryptError:
            expected = fields["expect"] != ["success"]
        if not expected:
            wrong.append(name)
    # rage reads the stanzas of age's drafts as well, without a short last line. Harmless: headers bind every byte of an age file.
    assert wrong == ["stanza_missing_body", "stanza_missing_final_line"]
    assert len(age_vectors()) == 48
