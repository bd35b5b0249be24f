"""The technician's steps at the camera. The image library and the models load with the first of them only."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import tomli_w

from gate.programs.provisioning.site import Site, at_device, require_unit_access
from gate.programs.shared.config import Config
from gate.provision.course import Finding, Task
from gate.provision.steps import StepError
from gate_core import durable

if TYPE_CHECKING:
    from gate.face.chain import FaceModels


def camera_tasks(site: Site) -> Iterator[Task]:
    """The steps in their order."""
    yield Task("camera_exposure", _at_camera(site, _exposure), acts=True)
    yield Task("camera_control_lag", _at_camera(site, _control_lag), acts=True)
    yield Task("camera_lag", _at_camera(site, _display_lag), acts=True)
    yield Task("camera_height", _at_camera(site, _height), acts=True)
    yield Task("lighting", _at_camera(site, _lighting), acts=True)


def _at_camera(site: Site, do: Callable[[Site, Config], Finding]) -> Callable[[], Finding]:
    return at_device(site, lambda config: do(site, config))


def _exposure(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    site.tell("Nobody stands before the camera now")
    found = camera_acts.exposure(config.camera, _models(config))
    require_unit_access(site, "vision", config.camera)
    if found.calibration is not None:
        values = msgspec.to_builtins(found.calibration)
        amend(site.path, {"camera": {"calibration": values}}, check=site.check)
    return found.finding


def _control_lag(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    site.tell("Nobody stands before the camera now; its exposure changes for ten seconds")
    found, lag_ms = camera_acts.control_lag(config.camera, site.dice)
    if lag_ms is None and config.camera.is_challenged:
        raise StepError(
            f"{found.detail}, so that everybody would be referred: take a camera that obeys, or one with https"
        )
    if lag_ms is not None:
        amend(site.path, {"camera": {"control_lag_ms": lag_ms, "challenge": True}}, check=site.check)
    return found


def _display_lag(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import colours  # noqa: PLC0415

    async def measured() -> tuple[Finding, int]:
        return await colours.measure(config, _models(config), wait_s=site.wait_s, tell=site.tell, dice=site.dice)

    found, lag_ms = asyncio.run(measured())
    amend(site.path, {"camera": {"lag_ms": lag_ms}, "screens": {"challenge": True}}, check=site.check)
    return found


def _height(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    site.tell(f"Your eyes are taken to be {site.answers.eyes_cm} cm above the floor (eyes_cm in the answers)")
    stood = camera_acts.stand_before(config.camera, _models(config), wait_s=site.wait_s, tell=site.tell)
    return camera_acts.height(stood, config.camera, eyes_cm=site.answers.eyes_cm)


def _lighting(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    stood = camera_acts.stand_before(config.camera, _models(config), wait_s=site.wait_s, tell=site.tell)
    return camera_acts.lighting(stood, config.camera)


def _models(config: Config) -> FaceModels:
    from gate.face.chain import open_models  # noqa: PLC0415
    from models.errors import ModelError  # noqa: PLC0415

    try:
        return open_models(Path(config.paths.models), profile=config.face.profile, providers=config.face.providers)
    except ModelError as error:
        raise StepError(str(error)) from error


def amend(path: Path, changes: Mapping[str, Mapping[str, object]], *, check: Callable[[Path], object]) -> None:
    """Set these keys of these tables of `gate.toml` and leave the others: it stands changed and sound, or as it was.

    `check` of the new file raises StepError. Raises StepError.
    """
    try:
        whole = tomllib.loads(path.read_text())
        for table, keys in changes.items():
            whole[table] = {**whole.get(table, {}), **keys}
        with durable.writing(path, mode=path.stat().st_mode & 0o777) as draft:
            draft.write(tomli_w.dumps(whole).encode())
            draft.flush()
            check(Path(draft.name))
    except OSError as error:
        raise StepError(f"cannot write {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepError(f"{path} is not TOML: {error}") from error
