"""Canonical text of what a gate's decisions rest on: the configuration with defaults, and the files that it names.

Left out is the folder of the device's certificate: enrolments change it, and no decision rests on it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

import msgspec

from drivers.profile_file import ProfileFile
from gate.programs.shared.config import Config
from gate.programs.shared.written_rules import written_rules
from gate_core.approval.canonical import canonical
from gate_core.errors import SetupError
from gate_core.settings.config_file import ConfigError, problems_from
from gate_core.settings.toml_file import Problem
from models.errors import ManifestError
from models.manifest import Model
from models.site import FILE, load_for

FILE_BYTES_MAX: Final = 1024 * 1024
_ROOMS: Final = {
    "barrier": "barrier",
    "first_barrier": "barrier",
    "sensors": "sensors",
    "swipe": "readers",
    "camera.pad": "pad",
}


def basis_of(config: Config, approvers: Path | None = None) -> str:
    """Return the canonical text. `approvers`: instead of those in force. Raises ConfigError for an unreadable file."""
    settings, who = msgspec.to_builtins(config), approvers or config.approvers_path
    if config.sync is not None:
        del settings["sync"]["identity"]
    return canonical(
        {
            **settings,
            "origin": config.origin,
            "profiles": {name: found for name in _ROOMS if (found := profile_of(config, name)) is not None},
            "models": _models(config),
            "signer_sha256": _content("lists.signer", config.lists.signer if config.lists else ""),
            "consoles_sha256": _content("console.certificates", config.console.certificates if config.console else ""),
            "camera_authorities_sha256": _content("camera.authorities", getattr(config.camera, "authorities", "")),
            "page_authorities_sha256": _content("page.authorities", getattr(config.page, "authorities", "")),
            # The full text, so that the approvers can read it.
            "written_rules": json.loads(text) if (text := written_rules(config).text) else None,
            "card_sha256": _content("card", config.card),
            "approvers_sha256": _content("", str(who) if approvers or who.exists() else ""),
        }
    )


def profile_of(config: Config, device: str) -> dict[str, str] | None:
    """Return file and SHA-256 of a device's profile; None without one. Raises ConfigError if it is unreadable."""
    if device not in _ROOMS:
        return None
    settings = config.camera.pad if device == "camera.pad" else getattr(config, device)
    name: str | None = getattr(settings, "profile", None)
    if name is None:
        return None
    try:
        file = ProfileFile.open(name, room=_ROOMS[device])
    except SetupError as error:
        raise ConfigError(*problems_from(f"{device}.profile", error)) from error
    return {"file": file.name, "sha256": _sha256(file.text.encode())}


def _models(config: Config) -> dict[str, object]:
    """Return version, threshold and hashes of the face profile's and our own models, and the site file's hash."""
    folder = Path(config.paths.models)
    try:
        models = load_for(folder).needed_for(config.face.profile)
        site = _sha256((folder / FILE).read_bytes()) if (folder / FILE).exists() else None
    except ManifestError as error:
        raise ConfigError(Problem("face.profile", str(error))) from error
    except OSError as error:
        problem = Problem("", f"cannot be read: {error.strerror}", str(folder / FILE), unreadable=True)
        raise ConfigError(problem) from error
    return {"site_sha256": site, **{model.name: _model(model) for model in models}}


def _model(model: Model) -> dict[str, object]:
    whole = json.dumps(msgspec.to_builtins(model), sort_keys=True, separators=(",", ":"))
    return {
        "role": model.role,
        "version": model.version,
        "sha256": model.sha256,
        "threshold": msgspec.to_builtins(model.threshold),
        "manifest_sha256": _sha256(whole.encode()),
    }


def _content(key: str, path: str) -> str | None:
    """Return the SHA-256 of the small file at `path`; None if `path` is empty."""
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            return _sha256(file.read(FILE_BYTES_MAX))
    except OSError as error:
        raise ConfigError(Problem(key, f"{path} cannot be read: {error.strerror}", unreadable=True)) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
