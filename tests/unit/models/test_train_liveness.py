"""The weights of the liveness cues as they are fitted: people above artefacts, in a file that the gate reads, and judged on what was left out."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest

from gate.face.liveness.liveness_aggregate import Cue, Reading, parse
from gate_lab.pad import Presentation
from gate_lab.train import liveness

CUES = (Cue.MOTION, Cue.PATTERN, Cue.FLICKER, Cue.LIGHT)
# Of people and of two classes of artefacts: movement tells the prints, the raster tells the screens, flicker tells nothing.
MIDDLES = {None: (0.0, 0.0, 0.0, 1.0), "print": (-3.0, 0.0, 0.0, 0.0), "screen": (0.0, 3.0, 0.0, 0.0)}


@pytest.fixture(scope="module")
def presentations() -> list[Presentation]:
    """Eight people and eight artefacts of each class, ten times each; every fifth was not challenged."""
    rng = np.random.default_rng(5)
    out = []
    for species, middles in MIDDLES.items():
        for source in range(8):
            for number in range(10):
                values = rng.normal(middles, 0.3)
                cues = {cue.value: float(value) for cue, value in zip(CUES, values, strict=True)}
                if number % 5 == 4:
                    cues.pop(Cue.LIGHT.value)
                out.append(Presentation(species, f"{source}", f"{number}", None, cues))
    return out


def judged(table: dict[str, Any], one: Presentation) -> float:
    readings = [Reading(cue, one.cues.get(cue.value)) for cue in CUES]
    score = parse(table).judge(readings)
    assert score is not None
    return score


def test_the_file_that_is_written_is_one_by_which_the_gate_tells_people_from_artefacts(
    presentations: list[Presentation],
) -> None:
    text = liveness.file(presentations, "folder")
    table = tomllib.loads(text)
    assert "# from 240 sequences of folder, 80 of them of people." in text
    for name, chosen in (
        ("challenged", liveness.challenged(presentations)),
        ("unchallenged", liveness.unchallenged(presentations)),
    ):
        people = [judged(table[name], one) for one in chosen if one.species is None]
        artefacts = [judged(table[name], one) for one in chosen if one.species == "print"]
        assert np.quantile(people, 0.04) < 0.5 < np.quantile(people, 0.06)  # one in twenty is flagged
        assert max(artefacts) < 0.5
    assert set(table["challenged"]["cues"]) >= {"light"}
    assert not {"light", "shading"} & set(table["unchallenged"]["cues"])
    assert ("cap" in table["unchallenged"], "cap" in table["challenged"]) == (True, False)


def test_a_cue_that_is_turned_round_counts_as_much_and_one_that_tells_nothing_hardly(
    presentations: list[Presentation],
) -> None:
    cues = CUES[:3]
    fit = liveness.fitted(liveness.readings(presentations, cues), [one.species for one in presentations], cues)
    strength = dict(zip(cues, fit.weight, strict=True))
    assert (fit.sign[0], fit.sign[1]) == (1.0, -1.0)
    assert strength[Cue.FLICKER] < 0.2 * min(strength[Cue.MOTION], strength[Cue.PATTERN])
    assert (fit.weight >= 0).all()


def test_a_class_is_judged_by_weights_that_never_saw_it(presentations: list[Presentation]) -> None:
    report: Any = liveness.report(liveness.challenged(presentations), CUES)
    alone, fusion = report["alone"], report["fusion"]
    for name in ("print", "screen"):
        assert alone["light"][name]["apcer"] < 0.1 < fusion[name]["apcer"]  # the cue that should be shipped alone
        assert alone["motion"][name]["apcer"] > 0.8  # what one class taught of movement says nothing of the other
        assert max(alone["light"][name]["bpcer"], fusion[name]["bpcer"]) < 0.15


def test_a_cue_that_was_not_run_adds_nothing() -> None:
    fit = liveness.Fit(CUES[:2], np.zeros(2), np.ones(2), np.ones(2), np.ones(2), 0.5)
    assert fit.logits(np.array([[np.nan, 1.0], [np.nan, np.nan], [9.0, 0.0]])).tolist() == [1.5, 0.5, 5.5]
