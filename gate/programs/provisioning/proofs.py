"""What a gate lacks for `purpose = "service"`: every missing proof in one place (safety invariant 14).

The gate is judged as if it were in service, whatever its purpose is now. Nothing is opened and nothing is asked of a device: what its
devices have shown stands in the outcomes of the technician's steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from drivers.barrier.settings import BarrierSettings
from gate.programs import selftest
from gate.programs.lane.rules import embedder_of, require_liveness
from gate.programs.provisioning.resting import AT_DEVICES
from gate.programs.screens import page_texts
from gate.programs.shared.approval import approved
from gate.programs.shared.config import Config, refused_in_service
from gate.programs.shared.devices import barriers, mrz_readers, pads, profiles, sensors
from gate.provision.acceptance_values import Missing
from gate.provision.course import Ending, Outcome, Verified
from gate.provision.way import TITLES
from gate.screens.kiosk.texts import Languages
from gate.trust.errors import TrustError
from gate.trust.store import TrustStore
from gate_core.errors import DriverError, SetupError
from gate_core.settings.config_file import ConfigError

REFUSED: Final = "purpose = service refuses: "
_WORDS: Final = {
    Verified.SIMULATOR: "was tried on a simulator",
    Verified.NO: "was tried on what cannot be told from a simulator",
}


def missing_for_service(
    config: Config, outcomes: Mapping[str, Outcome], void: Mapping[str, str], steps: list[str]
) -> list[Missing]:
    """Everything that service would be refused for, or that nobody has proven; `steps` are those of this gate's way, and `void` says of
    outcomes that do not count any more why.
    """
    in_service = msgspec.structs.replace(config, purpose="service")
    anew = [*_lists(in_service), *_clock(in_service)]  # what the steps of these names found is told no second time
    steps = [step for step in steps if step not in {one.id for one in anew}]
    return [
        *(
            Missing(id="parts", why=f"{one.key}: {one.why.removeprefix(REFUSED)}")
            for one in refused_in_service(in_service)
        ),
        *_profiles(in_service),
        *(Missing(id="words", why=str(problem)) for problem in page_texts.problems(in_service, Languages())),
        *_decisions(in_service),
        *_people(in_service),
        *anew,
        *_steps(outcomes, void, steps),
    ]


def _profiles(config: Config) -> Iterator[Missing]:
    for problem in profiles.problems(config):
        yield Missing(id="profiles", why=str(problem))
    boards: tuple[tuple[str, BarrierSettings | None], ...] = (
        ("barrier", config.driven),
        ("first_barrier", config.first_driven),
    )
    for name, settings in boards:
        if settings is not None:
            yield from _tried(name, settings.driver, partial(barriers.is_verified, settings))
    if (unit := config.sensors) is not None:
        yield from _tried("sensors", unit.profile, partial(sensors.is_verified, unit))
    if (pad := config.camera.pad) is not None:
        yield from _tried("camera.pad", pad.profile, partial(pads.is_verified, pad))
    if (swipe := config.swipe) is not None:
        yield from _tried("swipe", swipe.driver, partial(mrz_readers.is_verified, swipe))


def _tried(name: str, kind: str, is_verified: Callable[[], bool]) -> Iterator[Missing]:
    try:
        if not is_verified():
            yield Missing(id=name, why=f"its profile or protocol ({kind}) was not tried on hardware, by its own word")
    except SetupError as error:
        yield Missing(id=name, why=str(error))


def _decisions(config: Config) -> Iterator[Missing]:
    """The evidence of the threshold and of the liveness check, and the approvals."""
    said: set[str] = set()
    for name, check in (("threshold", embedder_of), ("liveness", require_liveness), ("approval", approved)):
        try:
            check(config)
        except ConfigError as error:
            if str(error) not in said:
                said.add(str(error))
                yield Missing(id=name, why=str(error).replace(REFUSED, ""))


def _people(config: Config) -> Iterator[Missing]:
    if config.officers is None:
        yield Missing(id="officers", why="no officers' authority is named: nobody could ever be admitted")


def _lists(config: Config) -> Iterator[Missing]:
    try:
        _answer(selftest.TESTS["trust"], config)
    except DriverError as error:
        yield Missing(id="lists", why=str(error))
    try:
        store = TrustStore.open(Path(config.paths.trust))
    except TrustError:
        return
    if store.marked_as_test:
        yield Missing(
            id="lists",
            why=f"{store.marked_as_test} certificates or lists are fit for demos only: take the store away, and import the countries' own",
        )


def _clock(config: Config) -> Iterator[Missing]:
    try:
        _answer(selftest.TESTS["clock"], config)
    except DriverError as error:
        yield Missing(id="clock", why=str(error))


def _answer(test: selftest.Test, config: Config) -> str:
    async def run() -> str:
        return await test(config)

    return asyncio.run(run())


def _steps(outcomes: Mapping[str, Outcome], void: Mapping[str, str], steps: list[str]) -> Iterator[Missing]:
    for step in steps:
        outcome = outcomes.get(step)
        if step in void:
            if step != "approval":  # _decisions looks into it
                yield Missing(id=step, why=f"{void[step]}: {TITLES[step]}")
        elif outcome is None:
            yield Missing(id=step, why=f"not done: {TITLES[step]}")
        elif outcome.state is not Ending.DONE:
            if step not in {"enrolment", "approval"}:
                yield Missing(id=step, why=f"{outcome.state.value}: {outcome.detail}")
        elif step in AT_DEVICES and outcome.verified in _WORDS:
            yield Missing(id=step, why=f"{_WORDS[outcome.verified]}: {TITLES[step]}")
