"""Makes the acceptance report from the stored outcomes and the present configuration, and signs it with the log's key."""

from __future__ import annotations

import base64
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from gate.programs.shared.config import Config, load
from gate.programs.shared.consoles import known_fingerprint
from gate.provision import acceptance, simulation
from gate.provision.log_key import fingerprint, signer_of
from gate.provision.progress import Store, folder_of
from gate.provision.proofs import configuration_digest, declared, is_there, known_vkey, missing_for_service, standing
from gate.provision.steps import TITLES, ConfigurationStepError, Outcome, StepError, StepState, Verified, step_errors
from gate_core import durable
from gate_core.errors import DriverError
from gate_core.evidence.screen import Purpose
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError
from models.errors import ModelError
from models.site import load_for

NAME = "acceptance"
_REAL: Final = {
    Verified.HARDWARE: "a real device",
    Verified.SIMULATOR: "a simulator",
    Verified.NO: "not there, or not to be told from a simulator",
}


def configuration_of(path: Path) -> Config:
    """Return the configuration, even if service would refuse it. Raises ConfigurationStepError, and StepError if it is unreadable."""
    try:
        return load(path, refuse_in_service=False)
    except ConfigError as error:
        failure = StepError if error.is_unreadable else ConfigurationStepError
        raise failure(str(error)) from error


def sign(path: Path, report: acceptance.Report, *, out: Path | None = None) -> dict[str, str]:
    """Sign the report and write page and document to `out`, or beside the stored outcomes. Raises StepError, also for a log key of another purpose."""
    config = configuration_of(path)
    html, document = acceptance.signed(
        report, acceptance.page(report), signer_of(Path(config.paths.keys), config.origin)
    )
    place = out or folder_of(config)
    page_file, document_file = place / f"{NAME}.html", place / f"{NAME}.json"
    with step_errors(OSError, doing=f"cannot write the report into {place}"):
        durable.make_folder(place, mode=0o750)
        durable.write(document_file, document)
        durable.write(page_file, html)
    return {"page": str(page_file), "document": str(document_file)}


def describe(path: Path) -> acceptance.Report:
    """Return the report to be signed. Raises StepError."""
    config = configuration_of(path)
    store = Store(folder_of(config))
    outcomes, void = standing(store.outcomes, config, store.answers)
    steps = [step for step in TITLES if step in outcomes or is_there(step, config)]
    lines = [acceptance.line(step, TITLES[step], outcomes.get(step), why_not=void.get(step, "")) for step in steps]
    missing = missing_for_service(config, outcomes, void, steps)
    vkey = known_vkey(config)
    in_service = msgspec.structs.replace(config, purpose=Purpose.SERVICE)
    if not known_vkey(in_service):
        why = f"there is no key of the log {in_service.origin}: a gate in service begins a log of its own (technician's guide, From trial to service)"
        missing.append(acceptance.Missing(id="log_key", why=why))
    return acceptance.Report(
        gate=acceptance.Gate(
            id=config.gate_id,
            operator=config.operator,
            origin=config.origin,
            purpose=str(config.purpose),
            mode=config.mode,
            time_zone=config.time_zone,
        ),
        by=str(store.answers.get("by", "")),
        made_at=clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        software=_software(config),
        configuration=acceptance.Configuration(path=str(path), digest=configuration_digest(config)),
        profiles=tuple(_profiles(config)),
        key=acceptance.Key(vkey=vkey, fingerprint=fingerprint(vkey)),
        console_key=known_fingerprint(config) if config.console else "",
        auditors=config.audit.recipients,
        verdict=_verdict(outcomes, steps, len(missing)),
        lines=tuple(lines),
        missing_for_service=tuple(missing),
        pictures=tuple(
            acceptance.Picture(id=step, caption=caption, jpeg=base64.b64encode(jpeg).decode())
            for step in steps
            if (outcome := outcomes.get(step)) is not None
            for caption, jpeg in outcome.pictures
        ),
    )


def _verdict(outcomes: Mapping[str, Outcome], steps: list[str], missing: int) -> str:
    done = sum(1 for step in steps if step in outcomes and outcomes[step].state is StepState.DONE)
    real = sum(1 for one in outcomes.values() if one.state is StepState.DONE and one.verified is Verified.HARDWARE)
    for_service = f"{missing} proofs are missing for service" if missing else "no proof is missing for service"
    return f"{done} of {len(steps)} steps done, {real} verified on hardware; {for_service}."


def _software(config: Config) -> acceptance.Software:
    with step_errors(ModelError):
        models = load_for(Path(config.paths.models)).needed_for(config.face.profile)
    return acceptance.Software(
        portcullis=metadata.version("portcullis"),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        models=tuple(acceptance.Model(name=one.name, version=str(one.version), sha256=one.sha256) for one in models),
    )


def _profiles(config: Config) -> Iterator[acceptance.Profile]:
    for name, driver, profile, is_verified in declared(config):
        if name != "camera.pad":
            yield acceptance.Profile(device=name, driver=driver, profile=profile, said=_said(is_verified))
    seen = [("chip", config.chip.driver, simulation.of_chip(config.chip))]
    if (source := config.page) is not None:
        seen.insert(0, ("page", source.driver, simulation.of_page(source)))
    for device, driver, verified in [*seen, ("camera", config.camera.driver, simulation.of_camera(config.camera))]:
        yield acceptance.Profile(device=device, driver=driver, profile="", said=_REAL[verified])


def _said(is_verified: Callable[[], bool]) -> str:
    try:
        return "verified on hardware" if is_verified() else "not tried on hardware, by its own word"
    except DriverError as error:
        return str(error)
