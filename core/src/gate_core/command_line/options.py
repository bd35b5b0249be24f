"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="The configuration file.")]


def _folder(text: str) -> Path:
    """Parse a folder's path; refuse an empty one, which would mean the current folder."""
    if not text:
        raise typer.BadParameter("it is empty. Name a folder, or leave the option out")
    return Path(text)


Root = Annotated[
    Path | None,
    typer.Option(parser=_folder, metavar="PATH", help="One folder for everything, instead of the system's."),
]
