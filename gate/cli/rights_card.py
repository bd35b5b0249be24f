"""`gate rights card`: the system card of a gate, its facts from the configuration and its judgements from whoever answers for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from gate_core.command_line.output import Exit, emit_json, refuse_configuration, say

_PAGES: Final = Path(__file__).with_name("pages")


def card(
    out: Annotated[Path | None, typer.Option(help="The page to write; a file that is there is kept.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="The configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Write the system card. Exit 1 while a judgement is blank: with blanks no configuration is put in force, and none that runs is stopped."""
    from gate.programs.shared.basis import basis_of
    from gate.programs.shared.runner import load_config
    from gate.programs.shared.system_card import facts_of, judgements_of
    from gate_core.approval.canonical import digest, read
    from gate_core.command_line.output import write_new
    from gate_core.settings.config_file import ConfigError
    from gate_core.web_pages.templates import environment

    try:
        settings = load_config(config)
        judged, text = judgements_of(settings), basis_of(settings)
    except ConfigError as error:
        refuse_configuration(error, config)
    basis: dict[str, object] = {name: json.loads(value) for name, value in read(text.encode()).items()}
    facts, blanks = facts_of(settings, basis), judged.blanks()
    said = {name: str(getattr(judged, name) or "") for name in judged.__struct_fields__}
    if out is not None:
        page = (
            environment(_PAGES)
            .get_template("system_card.html")
            .render(gate=settings.gate_id, origin=settings.origin, digest=digest(text), chapters=facts, judgements=said)
        )
        write_new(out, page.encode())
    if as_json:
        emit_json("rights.card/1", {"digest": digest(text), "facts": facts, "judgements": said, "blanks": list(blanks)})
    else:
        for chapter, rows in facts.items():
            say(chapter)
            for name, value in rows.items():
                say(f"  {name}: {value}")
        say("Judgements")
        for name, value in said.items():
            say(f"  {name}: {value or 'BLANK'}")
    raise typer.Exit(int(Exit.NO if blanks else Exit.OK))
