"""What a technician answers, and the configuration that follows from it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pyrage

from gate.passage.screen import Purpose

_PURPOSES = tuple(Purpose)
_GATE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_AUTHORITY = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class Answers:
    """The facts of one site. `root` is where all folders go, for a gate that is not installed system-wide."""

    purpose: str
    operator: str
    gate_id: str
    barrier_port: str
    barrier_driver: str
    barrier_profile: str
    swipe_port: str
    swipe_driver: str
    swipe_profile: str
    page: str
    chip_driver: str
    chip_socket: str
    camera: str
    recipients: tuple[str, ...]
    first_barrier_port: str = ""
    sensors_port: str = ""
    sensors_profile: str = ""
    officers: str = ""
    root: Path | None = None

    def problems(self) -> list[str]:
        """Everything that can be seen to be wrong before anything is written."""
        found = []
        if self.purpose not in _PURPOSES:
            found.append(f"a purpose is one of {', '.join(_PURPOSES)}")
        if not _GATE_ID.fullmatch(self.gate_id):
            found.append("a gate's id is small letters, digits and hyphens, 63 at most")
        if not (self.swipe_port or self.page):
            found.append("documents need a reader: --swipe, --page, or both")
        if self.first_barrier_port and not (self.barrier_port and self.sensors_port):
            found.append(
                "a lane of two doors has --first-barrier, --barrier for the last one, and --sensors between them"
            )
        if len(self.recipients) < 2:
            found.append("name two auditors at least: the log can be read by nobody else")
        if len(set(self.recipients)) < len(self.recipients):
            found.append("an auditor is named twice")
        for recipient in self.recipients:
            try:
                pyrage.x25519.Recipient.from_str(recipient)
            except pyrage.RecipientError:
                found.append(f"{recipient[:16]}… is no age recipient")
        if self.officers and not _AUTHORITY.fullmatch(self.officers):
            found.append("an officers' authority is named by its public key, 44 characters of Base64")
        return found

    def table(self) -> dict[str, object]:
        """The tables of gate.toml."""
        paths = {}
        if self.root is not None:
            paths = {
                "run": str(self.root / "run"),
                "state": str(self.root / "state"),
                "spool": str(self.root / "spool"),
                "inbox": str(self.root / "inbox"),
                "models": str(self.root / "models"),
                "trust": str(self.root / "trust.sqlite"),
                "keys": str(self.root / "keys"),
                "approval": str(self.root),
                "identity": str(self.root / "identity"),
            }
        return {
            "purpose": self.purpose,
            "gate_id": self.gate_id,
            "operator": self.operator,
            **({"paths": paths} if paths else {}),
            **self._barriers(),
            **({"sensors": self._sensors()} if self.sensors_port else {}),
            **({"swipe": self._swipe()} if self.swipe_port else {}),
            **({"page": self._page()} if self.page else {}),
            "chip": {"driver": self.chip_driver, "socket": self.chip_socket},
            "camera": {"address": self.camera},
            **({"officers": {"authority": self.officers}} if self.officers else {}),
            "audit": {"recipients": list(self.recipients)},
        }

    def _barriers(self) -> dict[str, object]:
        """Both doors have boards of one kind; who has others writes them into gate.toml."""
        if not self.barrier_port:
            return {"mode": "shadow"}
        board = {"driver": self.barrier_driver, "profile": self.barrier_profile}
        ports = {"barrier": self.barrier_port, "first_barrier": self.first_barrier_port}
        return {name: {**board, "port": port} for name, port in ports.items() if port}

    def _sensors(self) -> dict[str, str]:
        return {"port": self.sensors_port, "profile": self.sensors_profile}

    def _swipe(self) -> dict[str, str]:
        profile = {"profile": self.swipe_profile} if self.swipe_profile else {}
        return {"port": self.swipe_port, "driver": self.swipe_driver, **profile}

    def _page(self) -> dict[str, str]:
        is_camera = self.page.startswith("/dev/") or "://" in self.page
        return {"driver": "camera", "address": self.page} if is_camera else {"driver": "folder", "path": self.page}
