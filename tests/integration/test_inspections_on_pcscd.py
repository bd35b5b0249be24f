"""Inspections through a real pcscd with the virtual card: each way in and each proof of the chip once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.roots import search_path

pytestmark = pytest.mark.pcsc

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = {
    "BAC, AA": ("BAC with the MRZ", "Active Authentication"),
    "BAC, CA": ("BAC with the MRZ", "Chip Authentication"),
    "PACE-GM": ("PACE 2 ECDH-GM AES-128 on secp256r1 with the MRZ", "Active Authentication"),
    "PACE-IM": ("PACE 2 ECDH-IM AES-128 on secp256r1 with the MRZ", "Active Authentication"),
    "PACE-CAM": ("PACE 2 ECDH-CAM AES-128 on secp256r1 with the MRZ", "PACE-CAM"),
}


def test_every_way_in_and_every_proof_holds_on_a_real_service(tmp_path: Path) -> None:
    paths = search_path()
    told = subprocess.run(
        [sys.executable, "-W", "error", "-m", "fakes.pcsc_inspection_story", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    measured = json.loads(told.stdout)
    if "absent" in measured:
        pytest.skip(f"no PC/SC here: {measured['absent']}")
    for name, (access, proof) in EXPECTED.items():
        assert measured[name]["wrong"] == {}, name
        assert measured[name]["access"] == access
        assert measured[name]["proof"].startswith(proof)
        assert measured[name]["took_ms"] < 2000, "tells reading from waiting, nothing more"
