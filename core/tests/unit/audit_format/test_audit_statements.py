"""A key's word for the next one: what it needs, and whom it leads to."""

from __future__ import annotations

import pytest
from core_fakes.sealed_log import ORIGIN

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.statements import Handover, follow, hand_over, in_force


def test_a_handover_needs_both_keys_of_one_name_and_kind() -> None:
    old, new, other = (Signer.generate(ORIGIN) for _ in range(3))
    word = hand_over(old, new, since=7)
    assert Handover.parse(word) == Handover(old.verifier, new.verifier, 7)
    note = Note.parse(word)
    alone = [Note(note.text, (one,)).to_bytes() for one in note.signatures]
    elsewhere = Signer.generate("border.example/gate-0002/demo")
    mirror = Signer.generate(ORIGIN, Algorithm.COSIGNATURE_V1)
    for wrong in (*alone, hand_over(old, elsewhere), hand_over(old, mirror, at_s=1), hand_over(old, old)):
        with pytest.raises(BadSignatureError):
            Handover.parse(wrong)
    for text in (note.text.replace("\n7\n", "\n07\n"), note.text.replace("\n7\n", "\n-1\n"), note.text + "more\n"):
        with pytest.raises((BadFormatError, BadSignatureError)):
            Handover.parse(Note(text, (old.sign(text), new.sign(text))).to_bytes())
    with pytest.raises(BadFormatError):
        Checkpoint.parse(note.text)
    assert follow(old.verifier, [hand_over(other, new), b"nonsense", word])[-1].new == new.verifier
    assert follow(other.verifier, [word]) == ()
    assert in_force(follow(old.verifier, [word]), new.verifier, 7) == old.verifier
    assert in_force(follow(old.verifier, [word]), new.verifier, 8) == new.verifier
