"""What the proof of each step rests on: the gate, and those of its settings that the step has tried. Once one of them is another, it is none.

What a step measures and writes into gate.toml is a part of it, too: a file that was made anew without it has the step done again. Whether
the gate is in service is none: what was shown on trial is shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from gate.programs.provisioning.log_key import vkey_of
from gate.programs.shared.basis import basis_of, profile_of
from gate.programs.shared.config import Config
from gate.provision.course import Outcome, another
from gate.provision.steps import StepError
from gate.provision.way import BARRIER_TITLES, SEALING
from gate_core.approval.canonical import digest
from gate_core.settings.config_file import ConfigError

_MEASURED: Final = ("calibration", "control_lag_ms", "lag_ms")  # of [camera], each by a step of its own
_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "swipe": ("swipe",),
    "page": ("page",),
    "chip": ("chip",),
    "document": ("swipe", "chip"),
    "sensors": ("sensors",),
    "camera_exposure": ("camera",),
    "camera_control_lag": ("camera",),
    "camera_lag": ("camera",),
    "camera_height": ("camera",),
    "lighting": ("camera",),
    "liveness_sensor": ("camera.pad",),
    **dict.fromkeys(BARRIER_TITLES, ("barrier",)),
    **{f"first_{step}": ("first_barrier",) for step in BARRIER_TITLES},
    "left_bag": ("sensors",),
}
_BESIDES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("log_key", *SEALING), ("log",)),
    "camera_exposure": ("calibration",),
    "camera_control_lag": ("control_lag_ms",),
    "camera_lag": ("lag_ms",),
    "camera_height": ("eyes_cm",),
    "enrolment": ("log", "central server"),
    "recipients": ("log", "log key"),
    "approval": ("log", "configuration"),
}
AT_DEVICES: Final = frozenset(_TABLES)


def rests_on(step: str, config: Config, answers: Mapping[str, str | list[str]]) -> dict[str, str]:
    """What it rests on as it is now, by names that people read. `answers` are the technician's."""
    found = {"gate": f"{config.operator}/{config.gate_id}"}
    found |= {f"[{table}]": _of_table(config, table) for table in _TABLES.get(step, ())}
    return found | {name: _besides(name, config, answers) for name in _BESIDES.get(step, ())}


def standing(
    outcomes: Mapping[str, Outcome], config: Config, answers: Mapping[str, str | list[str]]
) -> tuple[dict[str, Outcome], dict[str, str]]:
    """The outcomes that count for this gate as it is now; and of the others, by their steps, why they do not."""
    void = {step: another(one, rests_on(step, config, answers)) for step, one in outcomes.items()}
    return (
        {step: one for step, one in outcomes.items() if not void[step]},
        {step: why for step, why in void.items() if why},
    )


def _of_table(config: Config, table: str) -> str:
    """The SHA-256 of a device's settings and of its profile, without what the steps themselves write."""
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
            try:
                return vkey_of(Path(config.paths.keys) / "log.key", config.origin)
            except StepError:
                return ""
        case "central server":
            # As it was answered: another enrolment by hand is nobody's step. Without the table [sync] it is enrolled nowhere.
            return str(answers.get("central.address", "")) if config.sync is not None else ""
        case "configuration":
            try:
                return digest(basis_of(config))
            except ConfigError:
                return ""
        case "eyes_cm":
            return str(answers.get("eyes_cm", ""))
        case _:
            return json.dumps(msgspec.to_builtins(getattr(config.camera, name, None)), sort_keys=True)
