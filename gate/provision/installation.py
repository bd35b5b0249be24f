"""The steps from a bare machine to a gate that can start: configuration, folders, keys, models, and drop-ins of the units.

Each step reads the results of the earlier ones, so a second run continues where the first one stopped.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import tomli_w

from gate.device_certificate.credentials import LOG_KEY
from gate.programs.shared.config import Config
from gate.provision.answers import SiteAnswers
from gate.provision.log_key import log_vkey, make_key, publish
from gate.provision.questions import keyed
from gate.provision.site import config_of, hand_over, running_program
from gate.provision.steps import ConfigurationStepError, Step, StepError, step_errors
from gate.provision.tpm_seal import has_tpm, seal_steps
from gate_core import durable
from gate_core.command_line.output import Exit
from models.errors import ModelError
from models.fetch import fetch
from models.site import load_for

UNITS: Final = Path("/etc/systemd/system")
VISION_DROP_IN: Final = "gate-vision.service.d/50-site.conf"
BOOTED_BY_SYSTEMD: Final = Path("/run/systemd/system")  # sd_booted(3)
RELOAD_DEADLINE_S: Final = 60.0
_HEAD: Final = (
    "# Written by `gate provision init` from gate.toml. When its cameras change, run that again.\n[Service]\n"
)


def installation_steps(
    answers: SiteAnswers,
    path: Path,
    root: Path | None,
    *,
    given: Collection[str] | None = None,
    booted: Path = BOOTED_BY_SYSTEMD,
    seals: Callable[[], bool] = has_tpm,
) -> Iterator[Step]:
    """Yield the steps in order, for a gate whose configuration is in `path`; `root`: the folder of all its folders, if not the system's.

    `given`: the requested keys of the configuration, None for all; an existing file is compared with these. `booted`: a path that exists
    if systemd runs; `seals`: whether it can seal.
    """
    table = answers.configuration(root)

    def write_configuration() -> str:
        with step_errors(OSError, doing=f"cannot write {path}"):
            durable.make_folder(path.parent)
            durable.write(path, tomli_w.dumps(table).encode())
        try:
            config_of(path)
        except ConfigurationStepError:
            path.unlink()
            raise
        return str(path)

    def is_configured() -> bool:
        return path.exists() and bool(config_of(path))

    def difference() -> str:
        return not_written(table, path, given)

    yield Step("configuration", write_configuration, is_configured, difference, needed=True)
    try:
        config = config_of(path)
    except ConfigurationStepError:
        return  # the step before has reported why
    paths, keys = config.paths, Path(config.paths.keys)
    yield _folders_step([Path(one) for one in (paths.state, paths.spool, paths.inbox, paths.models, paths.keys)])
    yield _log_key_step(config, keys)
    installed = root is None and booted.is_dir()
    if installed and seals():
        yield from (replace(step, needed=True) for step in _seal_steps(config, registers=()))
    yield _models_step(Path(paths.models), config.face.profile)
    if installed:
        yield _units_step(config)


def sealing(config: Config) -> Iterator[Step]:
    """Yield the steps that seal every key of a gate. Raises StepError without a TPM, and if the log's public key cannot be published."""
    if not has_tpm():
        raise StepError("systemd finds no TPM that it can seal with: keys stay files of mode 0600", Exit.NO)
    publish(Path(config.paths.keys) / LOG_KEY.name, config.origin)
    return _seal_steps(config, registers=() if config.registers is None else config.registers.credentials)


def _seal_steps(config: Config, *, registers: Collection[str]) -> Iterator[Step]:
    def sync_runs() -> bool:
        return running_program(config, ("sync",)) is not None

    paths = config.paths
    return seal_steps(Path(paths.keys), UNITS, Path(paths.identity), sync_runs=sync_runs, registers=registers)


def not_written(table: Mapping[str, object], path: Path, given: Collection[str] | None) -> str:
    """Return where the existing configuration differs from the answers, which do not change it; empty if equal. Raises StepError."""
    try:
        found = keyed(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepError(f"cannot read {path}: {error}") from error
    differs = [
        f"{key} = {json.dumps(wanted)} ({'it says ' + json.dumps(found[key]) if key in found else 'it says nothing'})"
        for key, wanted in keyed(table).items()
        if (given is None or key in given) and found.get(key, "") != wanted
    ]
    return f"not written: {'; '.join(differs)}. Change {path} itself" if differs else ""


def _folders_step(folders: list[Path]) -> Step:
    def make() -> str:
        for folder in folders:
            with step_errors(OSError, doing=f"cannot make {folder}"):
                durable.make_folder(folder, mode=0o750)
        return ", ".join(map(str, folders))

    return Step("folders", make, lambda: all(folder.is_dir() for folder in folders), needed=True)


def _log_key_step(config: Config, keys: Path) -> Step:
    path = keys / LOG_KEY.name

    def make() -> str:
        vkey = make_key(path, config.origin)
        publish(path, config.origin)
        hand_over(path, "log")
        return vkey

    def is_there() -> bool:
        try:
            return (path.exists() or LOG_KEY.sealed(keys).exists()) and bool(log_vkey(config))
        except StepError as error:
            why = "a gate with another purpose begins a log of its own: see From trial to service in the technician's guide"
            raise StepError(f"{error}; {why}") from error

    return Step("log_key", make, is_there, needed=True)


def _models_step(folder: Path, profile: str) -> Step:
    def fetch_models() -> str:
        with step_errors(ModelError):
            return f"{len(fetch(load_for(folder), folder, profile=profile))} fetched into {folder}"

    def all_there() -> bool:
        with step_errors(ModelError):
            return all(model.is_intact(folder) for model in load_for(folder).needed_for(profile))

    return Step("models", fetch_models, all_there, needed=True)


def _units_step(config: Config) -> Step:
    reached = [device.reach for device in (config.camera, config.page) if device is not None]
    hosts = [reach.host for reach in reached if reach.host is not None]
    folders = [reach.folder for reach in reached if reach.folder is not None]
    path, text = UNITS / VISION_DROP_IN, vision_drop_in(hosts=hosts, folders=folders)

    def write_drop_in() -> str:
        try:
            durable.make_folder(path.parent)
            durable.write(path, text.encode())
            subprocess.run(["systemctl", "daemon-reload"], check=True, capture_output=True, timeout=RELOAD_DEADLINE_S)  # noqa: S607
        except (OSError, subprocess.SubprocessError) as error:
            raise StepError(f"{path} cannot be put into force: {error}") from error
        return str(path)

    return Step("units", write_drop_in, lambda: path.exists() and path.read_text() == text, needed=True)


def vision_drop_in(*, hosts: Iterable[str], folders: Iterable[str]) -> str:
    """Return vision's drop-in: camera addresses that it may reach (an IP address or `localhost`), scanners' folders that it may empty."""
    allowed = "".join(f"IPAddressAllow={host}\n" for host in dict.fromkeys(hosts))
    return _HEAD + allowed + "".join(f"ReadWritePaths={folder}\nNoExecPaths={folder}\n" for folder in folders)
