"""The printed portrait against chip and face, with the real models: alike, unlike, and nothing to compare."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from fakes.portraits import as_file, astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.face.chain import FaceModels, open_models, portrait_template
from gate.programs.vision.portraits import PrintedPortrait
from gate_core.evidence.crossing import CheckResult, PageCheck
from gate_core.evidence.names import PageCheckId
from hardware_sim.faces import identities

pytestmark = pytest.mark.faces


@pytest.fixture(scope="module")
def models() -> FaceModels:
    return open_models(real_models())


def results(findings: list[PageCheck]) -> dict[PageCheckId, CheckResult]:
    return {finding.id: finding.result for finding in findings}


def test_one_person_in_print_chip_and_before_the_camera_is_alike(models: FaceModels) -> None:
    printed = PrintedPortrait(models, as_file(cv2.GaussianBlur(astronaut(), (0, 0), 1.5)))
    printed.take_chip(portrait_template(models, as_file(astronaut())))
    printed.take_live(before_the_camera(astronaut()))
    findings = printed.findings()
    assert set(results(findings).values()) == {CheckResult.SUCCESSFUL}
    assert all(finding.measured_on and finding.false_alarm_rate is not None for finding in findings)


def test_another_persons_chip_is_unlike_the_print(models: FaceModels) -> None:
    printed = PrintedPortrait(models, as_file(astronaut()))
    printed.take_chip(portrait_template(models, identities()[0].portrait_jpeg()))
    found = results(printed.findings())
    assert found == {
        PageCheckId.PRINTED_PORTRAIT_CHIP: CheckResult.FAILED,
        PageCheckId.PRINTED_PORTRAIT_LIVE: CheckResult.UNDETERMINED,
    }


@pytest.mark.parametrize("image", [b"junk", as_file(np.full((200, 160, 3), 128, np.uint8))])
def test_a_print_that_shows_no_face_leaves_both_open(models: FaceModels, image: bytes) -> None:
    printed = PrintedPortrait(models, image)
    printed.take_chip(portrait_template(models, as_file(astronaut())))
    printed.take_live(before_the_camera(astronaut()))
    assert set(results(printed.findings()).values()) == {CheckResult.UNDETERMINED}


def test_a_frame_without_a_face_is_passed_over_and_a_wiped_print_compares_with_nothing(models: FaceModels) -> None:
    printed = PrintedPortrait(models, as_file(astronaut()))
    printed.take_live(np.full((480, 640, 3), 90, np.uint8))
    assert results(printed.findings())[PageCheckId.PRINTED_PORTRAIT_LIVE] is CheckResult.UNDETERMINED
    printed.take_chip("no template")
    chip = portrait_template(models, as_file(astronaut()))
    printed.take_chip(chip)
    printed.wipe()
    assert float(np.linalg.norm(chip.vector)) == pytest.approx(1.0), "the capture's own template stays"
    assert results(printed.findings())[PageCheckId.PRINTED_PORTRAIT_CHIP] is CheckResult.FAILED
