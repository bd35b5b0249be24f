"""The operator's repository of updates, as files for enrolled gates: what it holds is decided elsewhere, and verified by each gate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from gate.central.errors import UnknownError
from gate.central.roster import Gate

_PATH: Final = re.compile(r"(?:metadata|targets/[a-z]+)/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Shelf:
    """Serves the files of one folder, in part if that is asked for; none where there is no folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    async def get(self, request: Request, _gate: Gate) -> Response:
        """Serve one file. Raises UnknownError."""
        path = await run_in_threadpool(self._find, str(request.path_params["path"]))
        return FileResponse(path, media_type="application/octet-stream")

    def _find(self, path: str) -> Path:
        if self._folder is None or _PATH.fullmatch(path) is None:
            raise UnknownError("there is no such file of updates")
        found = self._folder / path
        if not found.is_file() or not found.resolve().is_relative_to(self._folder.resolve()):
            raise UnknownError("there is no such file of updates")
        return found
