"""The whole gate with a document camera in the serial reader's place: every story about laying pages once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.long]

STORIES = 8


def gate(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "kept"


@pytest.fixture(scope="module")
def demo(kept: Path) -> dict[str, Any]:
    wishes = ("--reader", "page", "--travellers", str(STORIES + 1), "--seed", "5", "--headless", "--json")
    done = gate("demo", *wishes, "--keep", str(kept), timeout_s=300)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, (done.stderr.strip().splitlines()[-1:], document["differences"])
    return document


def test_passports_a_card_and_a_visas_holder_pass_and_pages_that_cannot_be_read_are_referred(
    demo: dict[str, Any],
) -> None:
    assert demo["as_expected"]
    assert (demo["travellers"], demo["admitted"], demo["referred"]) == (STORIES + 1, 5, 4)
    assert demo["wrong_openings"] == 0
    assert demo["audit"]["verified"]


def test_the_record_says_how_each_page_was_read_and_holds_nothing_of_it(demo: dict[str, Any], kept: Path) -> None:
    assert demo["as_expected"]
    (bundle,) = kept.glob("*.bundle")
    why = ("--purpose", "a test", "--case", "1", "--access-note", str(kept / "access.note"))
    clear = gate("audit", "decrypt", str(bundle), "--identity", str(kept / "auditor-1.identity"), *why).stdout
    records = [json.loads(line) for line in clear.splitlines()]
    evidence = [record["body"]["evidence"] for record in records if record["kind"] == "decided"]
    pages = [page for one in evidence if (page := one["document"]["page"]) is not None]
    assert {page["format"] for page in pages} == {"TD1", "TD3"}
    again = [one["scenario"] for one in demo["machine"]["again"]]  # the log holds what was played again, too
    assert 1 <= [page["visa"] for page in pages].count(True) <= 1 + again.count("page_visa")
    assert all(page["source"] == "camera" and page["tries"] == 1 for page in pages)
    found = [check for page in pages for check in page["checks"]]
    assert {check["result"] for check in found if check["id"] == "mrz_pitch_even"} == {"successful"}
    portraits = [check for one in evidence if one["face"] for check in one["face"]["page_checks"]]
    assert {check["id"] for check in portraits} == {"printed_portrait_chip", "printed_portrait_live"}
    assert any(check["measured"] is not None and check["measured"] > 0.5 for check in portraits)
    assert "P<UTO" not in clear
    assert "<<<" not in clear


def test_a_passport_that_changes_hands_before_the_camera_opens_for_nobody() -> None:
    wishes = ("--reader", "page", "--travellers", "1", "--scenario", "handed_over_at_the_door", "--headless", "--json")
    document = json.loads(gate("demo", *wishes, timeout_s=120).stdout)
    assert document["as_expected"], document["differences"]
    assert (document["wrong_openings"], document["incidents"]) == (0, {"document_presented_again": 1})
