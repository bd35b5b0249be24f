"""A site's cohort: made of enough people, bound to the embedder's bytes and to the report, and refused otherwise."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from fakes.tiny_models import abs_model

from gate.performance.cohort import require_people, spelt, whitening
from gate.performance.folders import UnfitError
from gate.programs.checking import _cohorts
from models.cohort import FILE_BYTES_MAX, CohortFile, mark, read
from models.errors import CohortError, ManifestError
from models.manifest import SiteCohort, load
from models.site import FILE, load_for

MODEL = abs_model()  # whose answer has four numbers a row
SIDE = 4


def cohort(**changes: Any) -> CohortFile:
    fields: dict[str, Any] = {
        "model": MODEL.name,
        "model_sha256": MODEL.sha256,
        "people": 300,
        "mean": np.zeros(SIDE, "<f4").tobytes(),
        "matrix": np.eye(SIDE, dtype="<f4").tobytes(),
        "pictures": (mark(b"one"),),
    }
    return CohortFile(**{**fields, **changes})


def filed(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_cohort_is_read_as_it_was_made(tmp_path: Path) -> None:
    mean, matrix = np.arange(SIDE, dtype="<f4"), np.arange(SIDE * SIDE, dtype="<f4").reshape(SIDE, SIDE)
    content = spelt(cohort(mean=mean.tobytes(), matrix=matrix.tobytes()))
    found = read(filed(tmp_path / "c", content), MODEL, sha256=hashlib.sha256(content).hexdigest())
    assert found.seen_by(np.full(SIDE, 2, np.float32)) == pytest.approx(matrix @ (2 - mean))
    assert (found.people, found.pictures) == (300, {mark(b"one")})
    assert "array" not in repr(found)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no cohort"),
        (b"\x93" * 3000, "no cohort"),
        (spelt(cohort())[:-1], "no cohort"),
        (bytes(FILE_BYTES_MAX + 1), "larger than"),
        (spelt(cohort(model_sha256="0" * 64)), "another model"),
        (spelt(cohort(matrix=np.eye(3, dtype="<f4").tobytes())), "another size"),
        (spelt(cohort(matrix=b"abc")), "another size"),
        (spelt(cohort(mean=np.zeros(2, "<f4").tobytes(), matrix=np.eye(2, dtype="<f4").tobytes())), "does not fit"),
        (spelt(cohort(mean=np.full(SIDE, np.nan, "<f4").tobytes())), "does not fit"),
        (spelt(cohort(matrix=np.full((SIDE, SIDE), np.inf, "<f4").tobytes())), "does not fit"),
        (msgspec.msgpack.encode({**msgspec.to_builtins(cohort(), builtin_types=(bytes,)), "people": 299}), "no cohort"),
        (msgspec.msgpack.encode({**msgspec.to_builtins(cohort(), builtin_types=(bytes,)), "more": 1}), "no cohort"),
    ],
    ids=[
        "empty",
        "deep",
        "cut",
        "huge",
        "model",
        "size",
        "odd",
        "few numbers",
        "nan",
        "infinite",
        "few people",
        "more",
    ],
)
def test_what_is_no_cohort_of_this_model_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(CohortError, match=words):
        read(filed(tmp_path / "c", content), MODEL)


def test_one_that_is_missing_or_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="cannot read"):
        read(tmp_path / "c", MODEL)
    with pytest.raises(CohortError, match="not the pinned"):
        read(filed(tmp_path / "c", spelt(cohort())), MODEL, sha256="0" * 64)


def test_fewer_than_three_hundred_people_make_none() -> None:
    require_people(300)
    with pytest.raises(UnfitError, match="takes 300 people"):
        require_people(299)


def test_after_the_matrix_people_differ_alike_in_every_direction_and_each_counts_once() -> None:
    random = np.random.default_rng(3)
    spread = np.linspace(1, 3, 8)
    vectors = random.normal(size=(4000, 8)) * spread + 5
    people = [str(number) for number in range(4000)]
    mean, matrix = whitening(vectors, people)
    assert np.cov((vectors - mean) @ matrix.T, rowvar=False) == pytest.approx(np.eye(8), abs=0.1)
    assert mean == pytest.approx(vectors.mean(axis=0))
    again = np.vstack((vectors, np.repeat(vectors[:1], 500, axis=0)))
    assert whitening(again, [*people, *["0"] * 500])[0] == pytest.approx(mean)


def test_few_people_are_drawn_towards_a_ball_and_the_same_ones_to_one() -> None:
    random = np.random.default_rng(4)
    _, matrix = whitening(random.normal(size=(12, 40)), [str(number) for number in range(12)])
    values = np.linalg.eigvalsh(matrix)
    assert values.max() / values.min() < 2.0  # there are 11 directions in 40 numbers, and none is blown up
    assert np.isfinite(
        whitening(np.ones((300, 4)) + np.eye(4)[np.arange(300) % 4], [str(n) for n in range(300)])[1]
    ).all()


def test_a_configuration_whose_cohort_is_missing_or_another_one_is_told_before_anything_runs(tmp_path: Path) -> None:
    content = spelt(cohort())
    pinned = msgspec.structs.replace(MODEL, cohort=SiteCohort("c", hashlib.sha256(content).hexdigest()))
    (missing,) = _cohorts([pinned], tmp_path)
    assert (missing.key, missing.unreadable) == ("face.profile", True)
    (other,) = _cohorts([pinned], filed(tmp_path / "c", spelt(cohort(people=301))).parent)
    assert ("not the pinned cohort" in other.problem, other.unreadable) == (True, False)
    assert not list(_cohorts([pinned, MODEL], filed(tmp_path / "c", content).parent))


# ── site.toml ────────────────────────────────────────────────────────────────────────────────────────────────────────

PINNED = "a" * 64


def site_with(folder: Path, *, told: str | None, named: str | None) -> Path:
    """A folder in which the report was made with the cohort `told`, and the file names `named`."""
    shipped = load().model("fr_feature")
    report = {
        "schema": "face.evaluate/1", "model": "fr_feature", "model_sha256": shipped.sha256, "kind": "chip_to_live", "images": 4000,
        "identities": 2000, "genuine": 2000, "impostor": 7_000_000, "threshold_at_fmr": {"1e-4": 0.2}, "fnmr_at_fmr": {"1e-4": 0.01},
        **({} if told is None else {"cohort_sha256": told}),
    }  # fmt: skip
    content = json.dumps(report).encode()
    (folder / "lane.json").write_bytes(content)
    beside = "" if named is None else f'cohort = {{ file = "cohort", sha256 = "{named}" }}\n'
    (folder / FILE).write_text(
        'schema = 1\n[[thresholds]]\nmodel = "fr_feature"\nreport = "lane.json"\nfmr = "1e-4"\nsame_min = 0.15\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n{beside}'
    )
    return folder


def test_a_threshold_and_the_cohort_that_it_was_made_with_stand_beside_one_another(tmp_path: Path) -> None:
    found = load_for(site_with(tmp_path, told=PINNED, named=PINNED)).model("fr_feature")
    assert found.cohort is not None
    assert (found.cohort.file, found.cohort.sha256) == ("cohort", PINNED)
    assert found.threshold is not None
    assert found.threshold.value == 0.2


@pytest.mark.parametrize(("told", "named"), [(None, PINNED), (PINNED, None), ("b" * 64, PINNED)])
def test_a_report_that_was_made_with_another_cohort_is_refused(
    tmp_path: Path, told: str | None, named: str | None
) -> None:
    with pytest.raises(ManifestError, match="another cohort"):
        load_for(site_with(tmp_path, told=told, named=named))


def test_no_cohort_ships() -> None:
    assert {model.cohort for model in load().models} == {None}
