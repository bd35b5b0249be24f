"""A report on attack detection counts for service only when it is the pinned one, about the model's bytes, from the lane, and says enough."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w

from models.errors import ManifestError
from models.liveness_evidence import Counted, Fifth, Service
from models.manifest import load
from models.site import FILE, load_for

SHA256 = load().model("fr_liveness").sha256


def service(**changes: Any) -> dict[str, Any]:
    """Enough, just so: 2 % of all people are flagged, 4 % of the brightest fifth; of the worst species 7 % pass."""
    fifths = [
        {"errors": errors, "of": 75, "darkest": 40.0 + n, "brightest": 41.0 + n}
        for n, errors in enumerate((0, 1, 1, 2, 3))
    ]
    fields = {
        "flagged": {"errors": 7, "of": 375},
        "people": 60,
        "fifths": fifths,
        "passed": {"print": {"errors": 21, "of": 300}, "display": {"errors": 0, "of": 150}},
        "shortfalls": [],
    }
    found = {**fields, **changes}
    return {"apcer": found["passed"], **found}  # each attempt got a score, unless a test says otherwise


def report(**changes: Any) -> bytes:
    fields = {
        "schema": "face.evaluate-pad/1",
        "model": "fr_liveness",
        "model_sha256": SHA256,
        "kind": "lane_camera",
        "bound": 0.3,
        "service": service(),
    }
    return json.dumps({**fields, **changes}).encode()


def filed(folder: Path, content: bytes, *, sha256: str = "", model: str = "fr_liveness") -> Path:
    (folder / "pad.json").write_bytes(content)
    pinned = sha256 or hashlib.sha256(content).hexdigest()
    (folder / FILE).write_text(
        f'schema = 1\n[[liveness]]\nmodel = "{model}"\nreport = "pad.json"\nsha256 = "{pinned}"\n'
    )
    return folder


def test_a_report_from_the_lane_gives_the_model_its_bound_and_says_what_it_showed(tmp_path: Path) -> None:
    threshold = load_for(filed(tmp_path, report())).model("fr_liveness").threshold
    assert threshold is not None
    assert (threshold.value, threshold.kind) == (0.3, "lane_camera")
    assert threshold.evidence == (
        "pad.json: BPCER 1.9% (7 of 375) of 60 people; by brightness 0.0%, 1.3%, 1.3%, 2.7%, 4.0%; worst APCER 7.0% (21 of 300), print"
    )
    shipped = load().model("fr_liveness").threshold
    assert shipped is not None
    assert shipped.kind == "development"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flagged": {"errors": 8, "of": 375}}, "BPCER 2.1%"),
        ({"people": 59}, "59 people, 60 wanted"),
        ({"fifths": service()["fifths"][:4]}, "4 fifths"),
        (
            {"fifths": [*service()["fifths"][:4], {"errors": 4, "of": 75, "darkest": 1, "brightest": 2}]},
            "fifth 5 by brightness: BPCER 5.3%",
        ),
        (
            {"fifths": [{"errors": 0, "of": 74, "darkest": 1, "brightest": 2}, *service()["fifths"][1:]]},
            "74 presentations",
        ),
        (
            {"fifths": [{"errors": 0, "of": 0, "darkest": 1, "brightest": 2}, *service()["fifths"][1:]]},
            "0 presentations",
        ),
        ({"flagged": {"errors": 0, "of": 374}}, "no more presentations than there are"),
        ({"passed": {}}, "APCER is not stated"),
        ({"passed": {"print": {"errors": 0, "of": 149}}}, "print: 149 attempts with a score, 150 wanted"),
        ({"passed": {"print": {"errors": 150, "of": 150}}}, r"print: APCER 100\.0% \(150 of 150\), 7% at most"),
        ({"passed": {"print": {"errors": 71, "of": 1000}}}, r"print: APCER 7\.1% \(71 of 1000\), 7% at most"),
        (
            {"passed": {"print": {"errors": 0, "of": 900}, "mask": {"errors": 11, "of": 150}}},
            r"mask: APCER 7\.3%",  # the worst species, however many attempts with others failed
        ),
        (
            {"passed": {"print": {"errors": 0, "of": 150}}, "apcer": {"print": {"errors": 0, "of": 149}}},
            "print: 149 attempts with a score",
        ),
        ({"apcer": {}}, "is not said of each class: make the report anew"),  # an earlier tool's
        ({"apcer": {"print": {"errors": 21, "of": 300}}}, "is not said of each class: make the report anew"),
        (
            {"apcer": {**service()["passed"], "mask": {"errors": 0, "of": 150}}},
            "is not said of each class: make the report anew",
        ),
        ({"flagged": {"errors": 0, "of": 0}, "shortfalls": []}, "BPCER 100.0%"),
    ],
)
def test_a_report_that_shows_too_little_is_refused_whatever_it_says_of_itself(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ManifestError, match=words):
        load_for(filed(tmp_path, report(service=service(**changes))))


def test_the_intervals_that_a_report_states_stand_in_what_is_approved(tmp_path: Path) -> None:
    passed = {"print": {"errors": 10, "of": 150, "rate": 0.067, "interval": [0.0324, 0.1192]}}
    threshold = load_for(filed(tmp_path, report(service=service(passed=passed)))).model("fr_liveness").threshold
    assert threshold is not None
    assert threshold.evidence.endswith("; worst APCER 6.7% (10 of 150; 3.2% to 11.9%), print")


def test_no_model_says_of_itself_that_a_lane_has_shown_what_it_is_worth(tmp_path: Path) -> None:
    """Neither one that a site brings, with a threshold in its own words, nor the shipped one by a report on embedders."""
    ours = json.loads(msgspec.json.encode(load().model("fr_liveness")))
    ours |= {"name": "ours", "threshold": {"value": 0.5, "evidence": "believe me", "kind": "lane_camera"}}
    for key in ("package", "member", "source", "pixels", "supplied", "cohort"):
        ours.pop(key)
    for key in ("fmr", "same_min", "found_by"):
        ours["threshold"].pop(key, None)
    (tmp_path / FILE).write_text(tomli_w.dumps({"schema": 1, "models": [ours]}))
    with pytest.raises(ManifestError, match=r"ours: .* \[\[liveness\]\]"):
        load_for(tmp_path)
    ours["threshold"]["kind"] = "development"
    (tmp_path / FILE).write_text(tomli_w.dumps({"schema": 1, "models": [ours]}))
    assert load_for(tmp_path).model("ours").threshold is not None
    content = json.dumps(
        {
            "schema": "face.evaluate/1", "model": "fr_liveness", "model_sha256": SHA256, "kind": "lane_camera",
            "images": 9, "identities": 3, "genuine": 9, "impostor": 27, "threshold_at_fmr": {"1e-4": 0.5}, "fnmr_at_fmr": {"1e-4": 0.0},
        }
    ).encode()  # fmt: skip
    (tmp_path / "face.json").write_bytes(content)
    (tmp_path / FILE).write_text(
        'schema = 1\n[[thresholds]]\nmodel = "fr_liveness"\nreport = "face.json"\nfmr = "1e-4"\nsame_min = 0.1\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )
    with pytest.raises(ManifestError, match="fr_liveness is no embedder"):
        load_for(tmp_path)


def test_one_of_other_sequences_may_be_filed_and_keeps_its_kind(tmp_path: Path) -> None:
    content = report(kind="development", service=service(people=2))
    threshold = load_for(filed(tmp_path, content)).model("fr_liveness").threshold
    assert threshold is not None
    assert threshold.kind == "development"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_sha256": "0" * 64}, "about another model"),
        ({"schema": "face.evaluate/1"}, "about another model"),
        ({"kind": "guessed"}, "is no report"),
        ({"bound": 1.5}, "is no report"),
        ({"bound": None}, "is no report"),
        ({"service": None}, "is no report"),
        ({"service": service(flagged={"errors": -1, "of": 9})}, "is no report"),
    ],
)
def test_a_report_about_something_else_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        load_for(filed(tmp_path, report(**changes)))


def test_one_that_was_changed_is_missing_is_for_nothing_or_for_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="not the pinned report"):
        load_for(filed(tmp_path, report(), sha256="0" * 64))
    with pytest.raises(ManifestError, match="is no liveness model"):
        load_for(filed(tmp_path, report(), model="fr_feature"))
    with pytest.raises(ManifestError, match="is no model"):
        load_for(filed(tmp_path, report(), model="other"))
    filed(tmp_path, report())
    (tmp_path / "pad.json").unlink()
    with pytest.raises(ManifestError, match="is missing"):
        load_for(tmp_path)
    with pytest.raises(ManifestError, match="is no report"):
        load_for(filed(tmp_path, b"[" * 100_000))


def test_without_an_error_the_least_number_shows_what_is_claimed() -> None:
    """The rule of three: a fifth of 75 without an error bears out 4 % at 95 %, one of 72 does not."""
    assert 1 - 0.05 ** (1 / 75) < 0.04
    fifths = tuple(Fifth(0, 75, darkest=n, brightest=n) for n in range(5))
    shown = {"print": Counted(0, 150)}
    assert not [*Service(Counted(0, 375), 60, fifths, shown, shown).shortfalls()]
