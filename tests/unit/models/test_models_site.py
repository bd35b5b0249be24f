"""A site's models and thresholds: pinned files and reports, nothing that was merely written down."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fakes.tiny_models import one_node_graph

from models.errors import ManifestError, ModelMissingError
from models.manifest import check_finders, finders, load
from models.site import FILE, FILE_BYTES_MAX, load_for

GRAPH = one_node_graph()
SHA256 = hashlib.sha256(GRAPH).hexdigest()
MODEL = f"""
schema = 1
[profiles]
ours = ["fr_detect", "fr_landmark", "vendor_face", "fr_liveness"]
[[models]]
name = "vendor_face"
version = "7"
role = "embed"
sha256 = "{SHA256}"
size_bytes = {len(GRAPH)}
licence = "the vendor's"
input = {{ name = "input", shape = [1, 1, 4, 4], range = [0.0, 1.0], content = "face" }}
pixels = {{ order = "RGB", mean = 127.5, divisor = 127.5, alignment = "arcface" }}
outputs = [{{ name = "output", shape = [1, 1, 4, 4], content = "embedding" }}]
golden = [{{ output = "output", tolerance = 0.01, probes = [0.5] }}]
"""


def report(**changes: Any) -> bytes:
    fields = {
        "schema": "face.evaluate/1",
        "model": "vendor_face",
        "model_sha256": SHA256,
        "kind": "chip_to_live",
        "images": 4000,
        "identities": 2000,
        "genuine": 2000,
        "impostor": 7_000_000,
        "threshold_at_fmr": {"1e-3": 0.31, "1e-4": 0.38, "1e-5": None},
        "fnmr_at_fmr": {"1e-3": 0.004, "1e-4": 0.011, "1e-5": None},
    }
    return json.dumps({**fields, **changes}).encode()


def bound(content: bytes, **changes: Any) -> str:
    fields = {
        "model": "vendor_face",
        "report": "lane.json",
        "sha256": hashlib.sha256(content).hexdigest(),
        "fmr": "1e-4",
        "same_min": 0.3,
        **changes,
    }
    return "[[thresholds]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in fields.items())


def written(folder: Path, content: bytes, text: str) -> Path:
    (folder / "vendor_face.onnx").write_bytes(GRAPH)
    (folder / "lane.json").write_bytes(content)
    (folder / FILE).write_text(text)
    return folder


def test_without_a_file_the_shipped_models_are_all(tmp_path: Path) -> None:
    assert load_for(tmp_path) == load()


def test_a_vendors_embedder_is_known_and_has_no_threshold_before_it_was_measured(tmp_path: Path) -> None:
    found = load_for(written(tmp_path, b"", MODEL))
    model = found.model("vendor_face")
    assert model.threshold is None
    assert model.read(tmp_path) == GRAPH
    assert [one.name for one in found.profile("ours")] == ["fr_detect", "fr_landmark", "vendor_face", "fr_liveness"]
    (tmp_path / "vendor_face.onnx").unlink()
    with pytest.raises(ModelMissingError, match=r"site\.toml"):
        model.read(tmp_path)


def test_a_report_gives_it_the_threshold_that_was_measured(tmp_path: Path) -> None:
    content = report()
    threshold = load_for(written(tmp_path, content, MODEL + bound(content))).model("vendor_face").threshold
    assert threshold is not None
    assert (threshold.value, threshold.fmr, threshold.same_min, threshold.kind) == (0.38, 1e-4, 0.3, "chip_to_live")
    assert "2000 people" in threshold.evidence
    assert "1.10%" in threshold.evidence


def test_the_rate_among_people_of_the_same_sex_stands_in_the_evidence_beside_the_one_among_all(tmp_path: Path) -> None:
    among = {
        "1e-3": {"fmr": 1.9e-3, "interval": [0.001, 0.003]},
        "1e-4": {"fmr": 1.8e-4, "interval": None},
        "1e-5": None,
    }
    content = report(same_sex_at_fmr=among)
    threshold = load_for(written(tmp_path, content, MODEL + bound(content))).model("vendor_face").threshold
    assert threshold is not None
    assert threshold.evidence.endswith("FNMR 1.10% at FMR 1e-4, 1.8e-04 among people of the same sex")


@pytest.mark.parametrize("among", [{}, {"same_sex_at_fmr": {"1e-4": None}}])
def test_where_that_rate_is_not_known_the_evidence_says_so(tmp_path: Path, among: dict[str, Any]) -> None:
    content = report(**among)
    threshold = load_for(written(tmp_path, content, MODEL + bound(content))).model("vendor_face").threshold
    assert threshold is not None
    assert threshold.evidence.endswith("FNMR 1.10% at FMR 1e-4, among people of the same sex higher and not known")


def test_a_shipped_model_can_get_the_sites_own_evidence(tmp_path: Path) -> None:
    shipped = load().model("fr_feature")
    content = report(model="fr_feature", model_sha256=shipped.sha256)
    text = "schema = 1\n" + bound(content, model="fr_feature")
    found = load_for(written(tmp_path, content, text)).model("fr_feature").threshold
    assert found is not None
    assert found.kind == "chip_to_live"
    assert shipped.threshold is not None
    assert shipped.threshold.kind == "development"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_sha256": "0" * 64}, "about another model"),
        ({"schema": "face.compare/1"}, "about another model"),
        ({"kind": "guessed"}, "no report"),
        ({"threshold_at_fmr": {"1e-4": None}}, "too few pairs"),
        ({"threshold_at_fmr": {}}, "too few pairs"),
        ({"threshold_at_fmr": {"1e-4": 0.2}}, "same_min"),
        ({"images": "many"}, "no report"),
    ],
)
def test_a_report_that_does_not_carry_the_threshold_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    content = report(**changes)
    with pytest.raises(ManifestError, match=words):
        load_for(written(tmp_path, content, MODEL + bound(content)))


def test_a_threshold_serves_with_the_models_alone_that_found_the_faces_of_its_report(tmp_path: Path) -> None:
    shipped = load()
    found_by = finders(shipped.profile("standard"))
    assert found_by == tuple(sorted(shipped.model(name).sha256 for name in ("fr_detect", "fr_landmark")))
    content = report(model="fr_feature", model_sha256=shipped.model("fr_feature").sha256, found_by=found_by)
    manifest = load_for(written(tmp_path, content, "schema = 1\n" + bound(content, model="fr_feature")))
    check_finders(manifest.profile("standard"))
    others = [model for model in manifest.profile("clean") if model.role != "embed"]
    with pytest.raises(ManifestError, match="faces that other models found"):
        check_finders([*others, manifest.model("fr_feature")])
    check_finders([*others, shipped.model("fr_feature")])


def test_a_report_that_was_changed_or_is_missing_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, report(genuine=1), MODEL + bound(report()))
    with pytest.raises(ManifestError, match="not the pinned report"):
        load_for(folder)
    (folder / "lane.json").unlink()
    with pytest.raises(ManifestError, match="is missing"):
        load_for(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "vendor_face"', 'name = "fr_feature"', "already"),
        ("ours = ", "standard = ", "cannot be changed"),
        ('role = "embed"', 'role = "embed"\npackage = "box"\nmember = "x"', "not fetched"),
        ('role = "embed"', 'role = "embed"\nthreshold = { value = 0.1, evidence = "mine" }', "read from a report"),
        ('"vendor_face", "fr_liveness"', '"vendor_face", "fr_feature"', "two models for one role"),
        ("schema = 1", "schema = 2", "is wrong"),
        ("schema = 1", "schema = ", "is wrong"),
        ("alignment = ", "alignment2 = ", "is wrong"),
    ],
)
def test_a_site_file_that_oversteps_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in MODEL
    with pytest.raises(ManifestError, match=words):
        load_for(written(tmp_path, b"", MODEL.replace(old, new, 1)))


def test_a_threshold_for_nothing_and_a_file_without_end_are_refused(tmp_path: Path) -> None:
    content = report()
    with pytest.raises(ManifestError, match="no model"):
        load_for(written(tmp_path, content, MODEL + bound(content, model="other")))
    with pytest.raises(ManifestError, match="is wrong"):
        load_for(written(tmp_path, content, MODEL + bound(content, report="../lane.json")))
    with pytest.raises(ManifestError, match="larger than"):
        load_for(written(tmp_path, content, "#" * (FILE_BYTES_MAX + 1)))
