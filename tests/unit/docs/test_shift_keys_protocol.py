"""The worked example of docs/protocols/shift-keys.md."""

from __future__ import annotations

import re
from pathlib import Path

from gate_officers.authority.passkeys import challenge


def test_the_worked_challenge_of_the_document_is_right() -> None:
    page = Path(__file__).parents[3] / "docs/protocols/shift-keys.md"
    signing, sealing, digest = re.findall(r"`([0-9a-f]{64})`", page.read_text())
    assert challenge(bytes.fromhex(signing), bytes.fromhex(sealing), b"\x42" * 32).hex() == digest
