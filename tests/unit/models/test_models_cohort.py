"""A site's cohort: made of enough people, bound to the embedder's bytes and to the report, and refused otherwise."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from fakes.tiny_models import abs_model

from gate.face.compare import alike, cosine, fused
from gate.face.values import Template
from gate.programs.config_check import _cohorts
from gate_lab.cohort import require_people, spelt, statistics_of
from gate_lab.error_rates import compare_all
from gate_lab.folders import UnfitError
from models.cohort import FILE_BYTES_MAX, Cohort, CohortFile, mark, read
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
        "covariance": np.eye(SIDE, dtype="<f4").tobytes(),
        "pictures": (mark(b"one"),),
    }
    return CohortFile(**{**fields, **changes})


def filed(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_cohort_is_read_as_it_was_made(tmp_path: Path) -> None:
    mean, covariance = np.full(SIDE, 0.1, "<f4"), np.diag([0.04, 0.01, 0.01, 0.01]).astype("<f4")
    content = spelt(cohort(mean=mean.tobytes(), covariance=covariance.tobytes()))
    found = read(filed(tmp_path / "c", content), MODEL, sha256=hashlib.sha256(content).hexdigest())
    means, spreads = found.standing(np.eye(SIDE, dtype=np.float32))
    assert (means.tolist(), spreads.tolist()) == (pytest.approx([0.1] * 4), pytest.approx([0.2, 0.1, 0.1, 0.1]))
    assert (found.people, found.pictures) == (300, {mark(b"one")})
    assert "array" not in repr(found)


def test_a_comparison_counts_by_how_far_it_stands_out_from_both_faces_own() -> None:
    """The scores of the cohort's own people with a template, counted one by one."""
    random = np.random.default_rng(2)
    people = random.normal(size=(400, 16)) * np.linspace(0.2, 2, 16) + 1
    people /= np.linalg.norm(people, axis=1, keepdims=True)
    mean, covariance = statistics_of(people, [str(number) for number in range(400)])
    one, other = (row.astype(np.float32) for row in people[:2])
    found = Cohort("a" * 64, 400, mean.astype(np.float32), covariance.astype(np.float32), frozenset())
    expected = [
        (float(one @ other) - (people @ face).mean()) / (people @ face).std() * found.usual_spread
        for face in (one, other)
    ]
    templates = [Template(vector, "test_aaaaaaaa", found) for vector in (one, other)]
    assert alike(*templates) == pytest.approx(sum(expected) / 2, abs=1e-4)
    assert alike(templates[1], templates[0]) == pytest.approx(alike(*templates), abs=1e-6)
    assert cosine(*templates) == pytest.approx(float(one @ other))
    assert found.usual_spread == pytest.approx((people @ people.T).std(axis=1).mean(), rel=0.1)
    with pytest.raises(ValueError, match="do not compare"):
        alike(templates[0], Template(other, "test"))
    assert fused(templates, [1.0, 1.0]).cohort is found
    both = compare_all(templates * 2, templates * 2, ["a", "b", "a", "b"])
    assert sorted(both.impostor.tolist()) == pytest.approx([alike(*templates)] * 4, abs=1e-4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (spelt(cohort()).replace(b"cohort/3", b"cohort/2"), "no cohort.* make it and its threshold anew"),
        (b"", "no cohort"),
        (b"\x93" * 3000, "no cohort"),
        (spelt(cohort())[:-1], "no cohort"),
        (bytes(FILE_BYTES_MAX + 1), "larger than"),
        (spelt(cohort(model_sha256="0" * 64)), "another model"),
        (spelt(cohort(covariance=np.eye(3, dtype="<f4").tobytes())), "another size"),
        (spelt(cohort(covariance=b"abc")), "another size"),
        (spelt(cohort(mean=np.zeros(2, "<f4").tobytes(), covariance=np.eye(2, dtype="<f4").tobytes())), "does not fit"),
        (spelt(cohort(mean=np.full(SIDE, np.nan, "<f4").tobytes())), "does not fit"),
        (spelt(cohort(covariance=np.full((SIDE, SIDE), np.inf, "<f4").tobytes())), "does not fit"),
        # Finite numbers by which strangers would match, or nobody: no templates of unit length have them.
        (spelt(cohort(covariance=(-np.eye(SIDE, dtype="<f4")).tobytes())), "no mean and covariance of templates"),
        (spelt(cohort(covariance=np.full((SIDE, SIDE), 3e38, "<f4").tobytes())), "no mean and covariance of templates"),
        (spelt(cohort(covariance=np.triu(np.full((SIDE, SIDE), 0.5, "<f4")).tobytes())), "no mean and covariance of"),
        (spelt(cohort(mean=np.full(SIDE, 3e38, "<f4").tobytes())), "no mean and covariance of templates"),
        (msgspec.msgpack.encode({**msgspec.to_builtins(cohort(), builtin_types=(bytes,)), "people": 299}), "no cohort"),
        (msgspec.msgpack.encode({**msgspec.to_builtins(cohort(), builtin_types=(bytes,)), "more": 1}), "no cohort"),
    ],
    ids=[
        "two looks",
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
        "negative",
        "too wide",
        "lopsided",
        "too far",
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


def test_each_person_counts_once() -> None:
    vectors = np.random.default_rng(3).normal(size=(40, 8))
    people = [str(number) for number in range(40)]
    mean, covariance = statistics_of(vectors, people)
    assert (mean, covariance) == (
        pytest.approx(vectors.mean(axis=0)),
        pytest.approx(np.cov(vectors, rowvar=False, bias=True)),
    )
    again = np.vstack((vectors, np.repeat(vectors[:1], 500, axis=0)))
    found = statistics_of(again, [*people, *["0"] * 500])
    assert (found[0], found[1]) == (pytest.approx(mean), pytest.approx(covariance))


def test_people_who_are_all_alike_leave_a_score_a_number() -> None:
    vector = np.eye(SIDE, dtype=np.float32)[0]
    found = Cohort("a" * 64, 300, vector, np.zeros((SIDE, SIDE), np.float32), frozenset())
    template = Template(vector, "test", found)
    assert -1.0 <= alike(template, template) <= 1.0


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
