"""The steps from a bare machine to a gate that can start: configuration, folders, keys, models, and what the site adds to the units.

Each step reads what the ones before it left, so that a second run goes on where the first one stopped. Left to the caller: what a
configuration says (`Site`), and the making of the log's key.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tomli_w

from gate.provision.answers import Answers
from gate.provision.ownership import hand_over
from gate.provision.sealing import LOG_KEY, has_tpm, seal_steps
from gate.provision.steps import ConfigurationStepError, Step, StepError
from gate.provision.units import VISION_DROP_IN
from gate_core import durable
from models.errors import ModelError
from models.fetch import fetch
from models.site import load_for

UNITS: Final = Path("/etc/systemd/system")
BOOTED_BY_SYSTEMD: Final = Path("/run/systemd/system")  # sd_booted(3)
RELOAD_DEADLINE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Site:
    """What the steps take from the configuration; `drop_in` is the text of vision's (`gate.provision.units`); `identities` has a folder an identity."""

    origin: str
    folders: tuple[Path, ...]
    keys: Path
    identities: Path
    sync_runs: Callable[[], bool]
    models: Path
    face_profile: str
    drop_in: str


def init_steps(
    answers: Answers,
    path: Path,
    *,
    read: Callable[[Path], Site],
    make_log_key: Callable[[Path, str], str],
    log_key_of: Callable[[Path, str], str],
    given: Collection[str] | None = None,
    booted: Path = BOOTED_BY_SYSTEMD,
    seals: Callable[[], bool] = has_tpm,
) -> Iterator[Step]:
    """The steps in their order. `read` raises ConfigurationStepError; `make_log_key` and `log_key_of` of a path and an origin return the public half
    and raise StepError, the one for a key that is another log's.

    `given`: the keys of the configuration that were asked for, all of them without it; of those a file that is there is compared with.
    `booted` is there where systemd runs, `seals` whether it can seal.
    """

    def write_configuration() -> str:
        try:
            durable.make_folder(path.parent)
            durable.write(path, tomli_w.dumps(answers.table()).encode())
        except OSError as error:
            raise StepError(f"cannot write {path}: {error.strerror}") from error
        try:
            read(path)
        except ConfigurationStepError:
            path.unlink()
            raise
        return str(path)

    def is_configured() -> bool:
        return path.exists() and bool(read(path))

    yield Step("configuration", write_configuration, is_configured, lambda: not_written(answers, path, given))
    try:
        site = read(path)
    except ConfigurationStepError:
        return  # the step before has said why
    yield _folders_step(site.folders)
    log_key = site.keys / "log.key"

    def make_key_of_the_log() -> str:
        vkey = make_log_key(log_key, site.origin)
        hand_over(log_key, "log")
        return vkey

    sealed = LOG_KEY.sealed(site.keys)

    def has_key_of_the_log() -> bool:
        return (log_key.exists() or sealed.exists()) and bool(log_key_of(log_key, site.origin))

    yield Step("log_key", make_key_of_the_log, has_key_of_the_log)
    installed = answers.root is None and booted.is_dir()
    if installed and seals():
        yield from seal_steps(site.keys, UNITS, site.identities, sync_runs=site.sync_runs)
    yield _models_step(site.models, site.face_profile)
    if installed:
        yield _units_step(UNITS / VISION_DROP_IN, site.drop_in)


def not_written(answers: Answers, path: Path, given: Collection[str] | None) -> str:
    """What the configuration that is there says otherwise than the answers, which change nothing. Empty: it says the same. Raises StepError."""
    try:
        there = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StepError(f"cannot read {path}: {error}") from error
    differs = [
        f"{key} = {json.dumps(wanted)} ({'it says ' + json.dumps(found[key]) if key in found else 'it says nothing'})"
        for found in (_flat(there),)
        for key, wanted in _flat(answers.table()).items()
        if (given is None or key in given) and found.get(key, "") != wanted
    ]
    return f"not written: {'; '.join(differs)}. Change {path} itself" if differs else ""


def _flat(table: Mapping[str, object], room: str = "") -> dict[str, object]:
    """The keys of a table and of the tables in it."""
    found: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{room}{key}.")
        else:
            found[room + key] = value
    return found


def _folders_step(folders: tuple[Path, ...]) -> Step:
    def make() -> str:
        for folder in folders:
            try:
                durable.make_folder(folder, mode=0o750)
            except OSError as error:
                raise StepError(f"cannot make {folder}: {error.strerror}") from error
        return ", ".join(str(folder) for folder in folders)

    return Step("folders", make, lambda: all(folder.is_dir() for folder in folders))


def _models_step(folder: Path, profile: str) -> Step:
    def fetch_models() -> str:
        try:
            return f"{len(fetch(load_for(folder), folder, profile=profile))} fetched into {folder}"
        except ModelError as error:
            raise StepError(str(error)) from error

    def all_there() -> bool:
        try:
            return all(model.is_intact(folder) for model in load_for(folder).needed_for(profile))
        except ModelError as error:
            raise StepError(str(error)) from error

    return Step("models", fetch_models, all_there)


def _units_step(path: Path, text: str) -> Step:
    def write_drop_in() -> str:
        try:
            durable.make_folder(path.parent)
            durable.write(path, text.encode())
            subprocess.run(["systemctl", "daemon-reload"], check=True, capture_output=True, timeout=RELOAD_DEADLINE_S)  # noqa: S607
        except (OSError, subprocess.SubprocessError) as error:
            raise StepError(f"{path} cannot be put into force: {error}") from error
        return str(path)

    return Step("units", write_drop_in, lambda: path.exists() and path.read_text() == text)
