"""The basis of each step's proof, and what a gate lacks for `purpose = "service"` (safety invariant 14).

A proof's basis is the gate, and the settings that the step has tested or written; if one of them changes, the proof is void. The
gate is judged as if it were in service, whatever its present purpose. No device is queried: the outcomes have what it showed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from drivers.barrier.settings import BarrierSettings
from gate.programs import selftest
from gate.programs.lane.rules import embedder_of, require_liveness
from gate.programs.screens import page_texts
from gate.programs.shared.approval import approved
from gate.programs.shared.basis import basis_of, profile_of
from gate.programs.shared.config import Config, refused_in_service
from gate.programs.shared.devices import barriers, mrz_readers, pads, profiles, sensors
from gate.provision.acceptance import Missing
from gate.provision.log_key import log_vkey
from gate.provision.progress import another
from gate.provision.site import run
from gate.provision.steps import SEALING, STEPS, TITLES, Outcome, Row, StepError, StepState, Verified
from gate.screens.kiosk.texts import Languages
from gate.trust.errors import TrustError
from gate.trust.store import TrustStore
from gate_core.approval.canonical import digest
from gate_core.errors import SetupError
from gate_core.settings.config_file import ConfigError

REFUSED: Final = "purpose = service refuses: "
_MEASURED: Final = ("calibration", "control_lag_ms", "lag_ms")  # of [camera], each by a step of its own
_WORDS: Final = {
    Verified.SIMULATOR: "was tried on a simulator",
    Verified.NO: "was tried on what cannot be told from a simulator",
}


def rests_on(step: str, config: Config, answers: Mapping[str, str | list[str]]) -> dict[str, str]:
    """Return the step's present basis, by readable names. `answers`: the technician's."""
    row = STEPS.get(step, Row(""))  # an earlier version's
    found = {"gate": f"{config.operator}/{config.gate_id}"}
    found |= {f"[{table}]": _of_table(config, table) for table in row.tables}
    return found | {name: _besides(name, config, answers) for name in row.rests_on}


def is_there(step: str, config: Config) -> bool:
    """True for a step of this gate: without steps of missing devices, and of a missing TPM or installed unit."""
    devices = {"barrier": config.driven, "first_barrier": config.first_driven, "camera.pad": config.camera.pad}
    tables = STEPS[step].tables
    has_devices = all((devices[one] if one in devices else getattr(config, one)) is not None for one in tables)
    return has_devices and step not in {*SEALING, "units"}


def standing(
    outcomes: Mapping[str, Outcome], config: Config, answers: Mapping[str, str | list[str]]
) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Return the outcomes valid for the present gate; and for the others, by step, why they are not."""
    void = {step: another(one, rests_on(step, config, answers)) for step, one in outcomes.items()}
    return (
        {step: one for step, one in outcomes.items() if not void[step]},
        {step: why for step, why in void.items() if why},
    )


def known_vkey(config: Config) -> str:
    """Return the log's public key; empty without a usable key, or with one of another purpose."""
    with contextlib.suppress(StepError):
        return log_vkey(config)
    return ""


def configuration_digest(config: Config) -> str:
    """Return the digest of the decisions' basis, as approvers sign it; empty if unavailable."""
    with contextlib.suppress(ConfigError):
        return digest(basis_of(config))
    return ""


def _of_table(config: Config, table: str) -> str:
    """Return the SHA-256 of a device's settings and profile, without what the steps themselves write."""
    settings: object = config.camera.pad if table == "camera.pad" else getattr(config, table)
    found: dict[str, object] = msgspec.to_builtins(settings) or {}
    if table == "camera":
        found = {key: value for key, value in found.items() if key not in {*_MEASURED, "challenge", "pad"}}
    try:
        profile: object = profile_of(config, table)
    except ConfigError as error:
        profile = str(error)
    return hashlib.sha256(json.dumps([found, profile], sort_keys=True).encode()).hexdigest()


def _besides(name: str, config: Config, answers: Mapping[str, str | list[str]]) -> str:
    match name:
        case "log":
            return f"the log {config.origin}"
        case "log key":
            return known_vkey(config)
        case "central server":
            # As it was answered: no step covers another enrolment by hand. Without the table [sync] it is enrolled nowhere.
            return str(answers.get("central.address", "")) if config.sync is not None else ""
        case "configuration":
            return configuration_digest(config)
        case "eyes_cm":
            return str(answers.get("eyes_cm", ""))
        case _:
            return json.dumps(msgspec.to_builtins(getattr(config.camera, name, None)), sort_keys=True)


# ── what is missing for service ──────────────────────────────────────────────────────────────────────────────────────


def missing_for_service(
    config: Config, outcomes: Mapping[str, Outcome], void: Mapping[str, str], steps: list[str]
) -> list[Missing]:
    """Return everything for which service would be refused, or that lacks a proof; `steps`: this gate's; `void`: why
    outcomes are no longer valid.
    """
    in_service = msgspec.structs.replace(config, purpose="service")
    anew = [
        *_lists(in_service),
        *_tested(in_service, "clock", selftest.TESTS["clock"]),
    ]  # findings of the steps with these names are not repeated
    steps = [step for step in steps if step not in {one.id for one in anew}]
    return [
        *(
            Missing(id="parts", why=f"{one.key}: {one.why.removeprefix(REFUSED)}")
            for one in refused_in_service(in_service)
        ),
        *_profiles(in_service),
        *(Missing(id="words", why=str(problem)) for problem in page_texts.problems(in_service, Languages())),
        *_decisions(in_service),
        *anew,
        *_steps(outcomes, void, steps),
    ]


def declared(config: Config) -> Iterator[tuple[str, str, str, Callable[[], bool]]]:
    """Yield the devices whose profile or protocol states whether it was tested on hardware: name, driver, profile, and that statement."""
    boards: dict[str, BarrierSettings | None] = {"barrier": config.driven, "first_barrier": config.first_driven}
    for name, board in boards.items():
        if board is not None:
            # A protocol has no profile.
            yield name, board.driver, getattr(board, "profile", ""), partial(barriers.is_verified, board)
    if (unit := config.sensors) is not None:
        yield "sensors", unit.driver, getattr(unit, "profile", ""), partial(sensors.is_verified, unit)
    if (pad := config.camera.pad) is not None:
        yield "camera.pad", "", pad.profile, partial(pads.is_verified, pad)
    if (swipe := config.swipe) is not None:
        yield "swipe", swipe.driver, mrz_readers.profile_of(swipe) or "", partial(mrz_readers.is_verified, swipe)


def _profiles(config: Config) -> Iterator[Missing]:
    for problem in profiles.problems(config):
        yield Missing(id="profiles", why=str(problem))
    for name, driver, profile, is_verified in declared(config):
        kind = profile or driver
        try:
            if not is_verified():
                why = f"its profile or protocol ({kind}) was not tried on hardware, by its own word"
                yield Missing(id=name, why=why)
        except SetupError as error:
            yield Missing(id=name, why=str(error))


def _decisions(config: Config) -> Iterator[Missing]:
    """Yield what is missing of the threshold's and liveness check's evidence, the approvals, and the officers' authority."""
    said: set[str] = set()
    for name, check in (("threshold", embedder_of), ("liveness", require_liveness), ("approval", approved)):
        try:
            check(config)
        except ConfigError as error:
            if str(error) not in said:
                said.add(str(error))
                yield Missing(id=name, why=str(error).replace(REFUSED, ""))
    if config.officers is None:
        yield Missing(id="officers", why="no officers' authority is named: nobody could ever be admitted")


def _lists(config: Config) -> Iterator[Missing]:
    yield from _tested(config, "lists", selftest.TESTS["trust"])
    try:
        store = TrustStore.open(Path(config.paths.trust))
    except TrustError:
        return
    if count := store.marked_as_test:
        why = (
            f"{count} certificates or lists are fit for demos only: take the store away, and import the countries' own"
        )
        yield Missing(id="lists", why=why)


def _tested(config: Config, name: str, test: selftest.Test) -> Iterator[Missing]:
    try:
        run(test(config))
    except StepError as error:
        yield Missing(id=name, why=str(error))


def _steps(outcomes: Mapping[str, Outcome], void: Mapping[str, str], steps: list[str]) -> Iterator[Missing]:
    for step in steps:
        outcome = outcomes.get(step)
        if step in void:
            if step != "approval":  # _decisions looks into it
                yield Missing(id=step, why=f"{void[step]}: {TITLES[step]}")
        elif outcome is None:
            yield Missing(id=step, why=f"not done: {TITLES[step]}")
        elif outcome.state is not StepState.DONE:
            if step not in {"enrolment", "approval"}:
                yield Missing(id=step, why=f"{outcome.state.value}: {outcome.detail}")
        elif STEPS[step].tables and outcome.verified in _WORDS:
            yield Missing(id=step, why=f"{_WORDS[outcome.verified]}: {TITLES[step]}")
