"""The chain's error rates over the shared test pictures: the figure that the cards and the threshold rest on."""

import json

import pytest
from fakes.tiny_models import real_models
from shared_data import SHARED_DATA
from typer.testing import CliRunner

from gate_lab.commands import face

FACES = SHARED_DATA / "faces"

pytestmark = [pytest.mark.conformance, pytest.mark.long]


def test_fnmr_at_fmr_1e_4_is_as_documented() -> None:
    real_models()
    result = CliRunner().invoke(face.app, ["evaluate", str(FACES), "--json"])
    assert result.exit_code == 0
    measured = json.loads(result.stdout)
    assert (measured["images"], measured["identities"], measured["missed"]) == (2499, 1232, 0)
    assert (measured["genuine"], measured["impostor"]) == (1702, 3119549)
    assert measured["fnmr_at_fmr"]["1e-4"] <= 0.020
    assert measured["fnmr_at_fmr"]["1e-3"] <= 0.0085
    low, high = measured["fnmr_interval"]["1e-4"]
    assert low < measured["fnmr_at_fmr"]["1e-4"] < high
    assert measured["eer"] <= 0.006
    assert measured["threshold_at_fmr"]["1e-4"] == pytest.approx(0.411, abs=0.005)
