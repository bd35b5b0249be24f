"""A central server in memory and a gate whose log the gate's own writer keeps."""

from __future__ import annotations

from pathlib import Path

from central_fakes import server
from fakes.audit_logs import SmallLog


class Bench(server.Bench):
    log: SmallLog

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder, log=SmallLog(folder))
