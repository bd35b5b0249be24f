"""How often genuine simulated pages fail the checks of the printed page. `PAGES` at 300 gives the figures that the code states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.tiny_models import real_models

from gate.face.chain import open_models, portrait_template, template_of
from gate.face.compare import alike
from gate.page.picture.crosscheck import print_findings
from gate.page.picture.portrait import crop_portrait
from gate.page.picture.reader import open_recogniser, read
from gate.page.values import Reading
from gate.picture import preview
from gate_core.evidence.crossing import CheckResult
from hardware_sim.camera import scenes
from hardware_sim.company import Company
from hardware_sim.faces import identities
from hardware_sim.page.placement import PlacedPage
from hardware_sim.passport.issuer import Issuer
from hardware_sim.scenario import Sight, read_scenarios, scenario_folder
from hardware_sim.stage import Cast

PAGES = 20

pytestmark = pytest.mark.faces


def casts() -> Iterator[tuple[int, Cast]]:
    """Genuine travellers before a document camera; one in four has a card."""
    company = Company(identities(), Issuer(77), 77, lays_pages=True)
    stories = read_scenarios(scenario_folder())
    for number in range(PAGES):
        yield number, company.cast(f"m{number}", stories["page_card" if number % 4 == 3 else "genuine"])


def test_no_genuine_page_of_these_is_unlike_its_print_its_chip_or_its_holder() -> None:
    recogniser, models = open_recogniser(Path("the model is committed")), open_models(real_models())
    threshold = models.embed.model.threshold
    assert threshold is not None
    alarms, scores = [], []
    for number, cast in casts():
        (laid,) = cast.laid
        assert isinstance(laid, PlacedPage)
        frame = laid.picture(number % laid.loop_length)
        seen = read(frame, recogniser, any_rotation=False)
        assert isinstance(seen, Reading)
        alarms += [finding.id for finding in print_findings(seen) if finding.result is not CheckResult.SUCCESSFUL]
        crop = crop_portrait(frame, seen)
        if crop is None:
            continue
        person = cast.scenes[Sight.SELF]
        assert isinstance(person, scenes.Person)
        jpeg = preview(crop, width_max=640, bytes_max=256 * 1024)
        assert jpeg is not None
        printed = portrait_template(models, jpeg)
        scores.append(alike(printed, portrait_template(models, person.identity.portrait_jpeg())))
        scores.append(alike(printed, template_of(models, person.identity.frame(number % person.loop_length))))
    assert alarms == []
    assert len(scores) >= PAGES
    assert min(scores) > threshold.value
