"""Serves the operator's update repository to enrolled gates, as files. Each gate verifies them itself.

`groups/<name>` may hold a complete repository for a group of gates that gets releases first. A gate in such a group is
served only from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from gate_central.errors import UnknownError
from gate_central.roster import Gate

GROUPS: Final = "groups"
_PATH: Final = re.compile(r"(?:metadata|targets/[a-z]+)/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class UpdateRepository:
    """Serves one folder's files, also ranges; 404 for every file if `folder` is None."""

    def __init__(self, folder: Path | None, canary: Callable[[str], str | None]) -> None:
        self._folder = folder
        self._canary = canary

    async def get(self, request: Request, gate: Gate) -> Response:
        """Serve one file. Raises UnknownError."""
        path = await run_in_threadpool(self._find, gate.device, str(request.path_params["path"]))
        return FileResponse(path, media_type="application/octet-stream")

    def _find(self, device: str, path: str) -> Path:
        if self._folder is None or _PATH.fullmatch(path) is None:
            raise UnknownError("there is no such file of updates")
        group = self._canary(device)
        its_own = None if group is None else self._folder / GROUPS / group
        folder = self._folder if its_own is None or not its_own.is_dir() else its_own
        found = folder / path
        if not found.is_file() or not found.resolve().is_relative_to(folder.resolve()):
            raise UnknownError("there is no such file of updates")
        return found
