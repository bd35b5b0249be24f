"""A configuration without secrets and without names: what each key becomes in a support bundle. Pure.

Kept is what is listed here, and every number. Addresses keep scheme, host and port: what stands before or behind may be a password.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from gate.programs.shared.config import Config
from gate.programs.support.words import LEFT_OUT

_DEVICE: Final = ("driver", "port", "profile", "path", "socket", "reader")
# A table's keys whose text is kept. Of a list of them, each.
KEPT: Final = {
    "": ("purpose", "mode", "gate_id", "operator", "time_zone"),
    "paths": ("run", "state", "spool", "inbox", "models", "trust", "keys", "approval", "identity"),
    **dict.fromkeys(("barrier", "first_barrier", "sensors", "swipe", "page", "chip", "camera"), _DEVICE),
    "face": ("profile", "providers"),
    "rules": ("directions", "page_checks_refer", "two_officers_for"),
    "document": ("control_centre",),
    "lists": ("folder", "signer"),
    "registers": ("folder", "incoming"),
    "screens": ("host", "languages", "management"),
}
ADDRESSES: Final = (("camera", "address"), ("page", "address"), ("sync", "address"))


def without_secrets(config: Config) -> dict[str, object]:
    """The configuration as it may leave."""
    tables = msgspec.to_builtins(config)
    told: dict[str, object] = {
        name: _table(name, value) if isinstance(value, dict) else _value("", name, value)
        for name, value in tables.items()
    }
    told["audit"] = f"{len(config.audit.recipients)} recipients"
    told["officers"] = "an authority" if config.officers is not None else None
    return told


def _table(table: str, values: dict[str, object]) -> dict[str, object]:
    return {key: _value(table, key, value) for key, value in values.items()}


def _value(table: str, key: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if (table, key) in ADDRESSES and isinstance(value, str):
        return _address(value)
    if key in KEPT.get(table, ()) and (
        isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    ):
        return value
    return f"{LEFT_OUT}: {len(value)}" if isinstance(value, list | dict) else LEFT_OUT


def _address(text: str) -> str:
    """Scheme, host and port of an address; a device's name stays."""
    if text.startswith("/dev/"):
        return text
    parts = urlsplit(text if "//" in text else f"//{text}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        return LEFT_OUT
    if not host:
        return LEFT_OUT
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}".removeprefix("://")
