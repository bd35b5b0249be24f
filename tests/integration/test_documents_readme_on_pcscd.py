"""The page of the documents library says how to inspect a chip with pyscard: that block, as printed, against a real pcscd."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.roots import search_path

pytestmark = pytest.mark.pcsc

README = Path(__file__).resolve().parents[2] / "documents/README.md"
STORY = """
import sys
from pathlib import Path
from document_fakes.inspections import anchors as known
from document_fakes.sample_passports import ANNA, portrait, utopia
from hardware_sim.chip.reader import ChipReader
import os

desk = ChipReader(Path(sys.argv[1]))
desk.start()
try:
    if desk.kind != "pcsc":
        sys.exit(f"absent: {desk.why}")
    os.environ["PCSCLITE_CSOCK_NAME"] = str(desk.socket)
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(90, width=122, height=160), active_authentication="ecdsa")
    desk.insert(passport)
    printed_lines, anchors = passport.mrz_lines, known()
    exec(compile(sys.stdin.read(), "README", "exec"))
finally:
    desk.stop()
"""


def test_the_block_of_the_readme_inspects_a_chip(tmp_path: Path) -> None:
    block = README.read_text().split("```python pcsc\n")[1].split("```")[0]
    told = subprocess.run(
        [sys.executable, "-c", STORY, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": search_path()},
        input=block,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if told.returncode and told.stderr.startswith("absent"):
        pytest.skip(f"no PC/SC here: {told.stderr}")
    assert told.returncode == 0, told.stderr
    said = [line.split()[:2] for line in told.stdout.splitlines()]
    assert ["sod_signature", "successful"] in said
    assert ["chip_authenticity", "successful"] in said
