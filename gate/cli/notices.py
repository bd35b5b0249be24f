"""`gate notices`: the privacy boards for travellers, made from the configuration that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate.cli.configuration import configured, file_errors
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import refuse_configuration, tell


def command(
    out: Annotated[Path, typer.Option(help="The folder that the files go into; it is made where there is none.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Write a board to be printed for each language of the page (A4 or A3), index.html with all of them, and notice.txt, whose SHA-256 is the
    version that stands in the log's records.
    """
    from gate.programs.screens.page_texts import notice_of, problems
    from gate.screens.kiosk.texts import Languages
    from gate_core import durable
    from gate_core.evidence.screen import Purpose
    from gate_core.settings.config_file import ConfigError

    texts = Languages()
    settings = configured(config)
    if found := list(problems(settings, texts)):
        refuse_configuration(ConfigError(*found), config)
    notice = notice_of(settings, texts)
    mark = None if settings.purpose == Purpose.SERVICE else f"mark-{settings.purpose}"
    files = dict(notice.boards(purpose_mark=mark))
    with file_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            durable.write(out / name, content.encode())
    said = {"version": notice.version, "languages": list(settings.screens.languages), "files": list(files)}
    tell("notices.make/1", said, f"notice {notice.version}: {len(files)} files in {out}", as_json=as_json)
