"""The manifest is strict, and a file is what was pinned or it is nothing."""

import hashlib
from pathlib import Path

import msgspec
import pytest
from fakes.tiny_models import manifest_of, tiny_model

from models.errors import ManifestError, ModelCorruptError, ModelMissingError
from models.manifest import MANIFEST_PATH, load, parse

CONTENT = b"pretend this is a model"


def test_the_shipped_manifest_names_every_model_with_its_licence_and_how_it_proves_itself() -> None:
    manifest = load()
    roles = ["detect", "landmark", "embed", "liveness", "pose", "eyes"]
    assert [model.role for model in manifest.profile("standard")] == roles
    assert [model.role for model in manifest.profile("clean")] == ["propose", "refine", "locate", "embed"]
    for model in manifest.models:
        assert model.licence
        assert model.golden
        assert model.package is None or model.package in manifest.packages
    embedder = manifest.model("fr_feature")
    assert embedder.threshold is not None
    assert embedder.threshold.value == 0.411
    assert embedder.threshold.fmr == 1e-4


def test_the_shipped_manifest_names_no_host() -> None:
    assert "://" not in MANIFEST_PATH.read_text()


def test_every_model_has_a_card() -> None:
    for model in load().models:
        cards = MANIFEST_PATH.parent / "cards"
        assert (cards / f"{model.name}.md").is_file() or (cards / f"{model.name.partition('_')[0]}.md").is_file()


def test_an_unknown_model_is_told_with_the_known_ones() -> None:
    with pytest.raises(ManifestError, match=r"no model is called 'fr_age'.*fr_feature"):
        load().model("fr_age")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema = 1", "schema = 2"),
        ('role = "detect"', 'role = "guess"'),
        ('sha256 = "6c0256', 'sha256 = "XX0256'),
        ("size_bytes = 1_217_758", "size_bytes = 0"),
        ("size_bytes = 1_217_758", "size_bytes = 999_999_999_999"),
        ('client = "npm"', 'client = "curl"'),
        ('version = "0.0.1"', 'version = "0.0.1"\nsurprise = 1'),
        ('package = "faceplugin"', 'package = "nowhere"'),
        ('package = "faceplugin"\n', ""),
        ("shape = [1, 3, 240, 320]", "shape = [2, 3, 240, 320]"),
        ("batch_max = 64", "batch_max = 257"),
        ('name = "fr_landmark"', 'name = "fr_detect"'),
        ('output = "scores"', 'output = "nothing"'),
        ('"fr_landmark", "fr_feature"', '"fr_landmark", "fr_unknown"'),
        ('"fr_landmark", "fr_feature"', '"fr_feature", "dlib_resnet"'),
        ('pixels = { order = "BGR", mean = 127.0, divisor = 128.0, alignment = "arcface" }\n', ""),
        ("fmr = 1e-4, same_min = 0.36", "fmr = 1e-4"),
        ("same_min = 0.36, ", "same_min = 0.36, alike = 1, "),
        ("schema = 1", "schema = "),
    ],
)
def test_a_wrong_manifest_is_refused(old: str, new: str) -> None:
    text = MANIFEST_PATH.read_text()
    assert old in text
    with pytest.raises(ManifestError):
        parse(text.replace(old, new, 1))


def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot read"):
        load(tmp_path / "none.toml")


def test_the_pinned_bytes_are_returned(tmp_path: Path) -> None:
    model = tiny_model(CONTENT)
    (tmp_path / "tiny.onnx").write_bytes(CONTENT)
    assert model.read(tmp_path) == CONTENT
    assert model.is_intact(tmp_path)


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"x", b"P" + CONTENT[1:]])
def test_any_other_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    model = tiny_model(CONTENT)
    (tmp_path / "tiny.onnx").write_bytes(content)
    assert not model.is_intact(tmp_path)
    with pytest.raises(ModelCorruptError, match=r"tiny\.onnx is not the pinned file"):
        model.read(tmp_path)


def test_a_missing_or_unreadable_file_is_told(tmp_path: Path) -> None:
    model = tiny_model(CONTENT)
    with pytest.raises(ModelMissingError, match="is missing"):
        model.read(tmp_path)
    (tmp_path / "tiny.onnx").mkdir()
    with pytest.raises(ModelMissingError, match="cannot read"):
        model.read(tmp_path)


def test_a_manifest_is_looked_up_by_name() -> None:
    model = tiny_model(CONTENT)
    assert manifest_of(model).model("tiny") is model


def test_a_model_of_our_own_lies_with_the_code_whatever_the_folder(tmp_path: Path) -> None:
    model = load().model("mrz_lines")
    assert model.package is None
    assert model.size_bytes < 1_000_000
    assert model.is_intact(tmp_path / "no such folder")
    assert hashlib.sha256(model.read(tmp_path)).hexdigest() == model.sha256


def test_a_model_of_our_own_that_is_damaged_or_gone_is_no_matter_for_fetching(tmp_path: Path) -> None:
    own = load().model("mrz_lines")
    with pytest.raises(ModelMissingError, match="it comes with the program"):
        msgspec.structs.replace(own, name="nowhere").read(tmp_path)
    with pytest.raises(ModelCorruptError, match="it comes with the program"):
        msgspec.structs.replace(own, sha256="0" * 64).read(tmp_path)
