"""Whose certificates children take for those of officers, as the configuration says. A module of its own: a child's parent needs no cryptography."""

from __future__ import annotations

from base64 import b64decode

from gate.channel.messages import OfficersOf
from gate.programs.shared.config import Config


def officers_of(config: Config) -> OfficersOf | None:
    """None where the gate knows no officers' authority."""
    return None if config.officers is None else OfficersOf(config.gate_id, b64decode(config.officers.authority))
