"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="The configuration file.")]
