"""No document claims a false match rate of the shipped thresholds without saying what it is among people of the same sex."""

import re
from pathlib import Path

import pytest

from models.manifest import Model, load

ROOT = Path(__file__).parents[3]
CLAIM = re.compile(r"(?:FMR|false match)[^.|]{0,40}\b1(?:\.04)?e-4|1 in 10,000 (?:impostors|strangers)|FMR 0\.01 %")
SAID = re.compile(r"[^.|\n]*(?:1\.8e-4|same sex)(?:[^.|\n]|\.\d)*")
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("models/cards/*.md"), *ROOT.glob("docs/**/*.md"))
    if CLAIM.search(path.read_text()) and path.parent.name != "decisions" and path.name != "CHANGELOG.md"
)


def test_the_pages_that_claim_such_a_rate_are_found() -> None:
    assert {"biometrics.md", "fr_feature.md", "dlib_resnet.md"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_that_claims_a_false_match_rate_says_what_it_is_among_people_of_the_same_sex(path: Path) -> None:
    said = [match[0] for match in SAID.finditer(path.read_text())]
    assert any("same sex" in one and ("1.8e-4" in one or "not measured" in one) for one in said), f"{path.name}: {said}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_so_does_each_paragraph_and_table_that_claims_one(path: Path) -> None:
    blocks = [block for block in re.split(r"\n\s*\n", path.read_text()) if CLAIM.search(block)]
    assert [block for block in blocks if "same sex" not in block] == []


@pytest.mark.parametrize("model", [one for one in load().models if one.role == "embed"], ids=lambda model: model.name)
def test_so_does_the_evidence_that_goes_into_records_and_cards(model: Model) -> None:
    assert model.threshold is not None
    assert "among people of the same sex" in model.threshold.evidence
