"""`gate fairness`: a gate's results by group of travellers, as its lane counted them; writes a public page and warns of worse results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.output import Exit, fail, tell

if TYPE_CHECKING:
    from gate_lab.trials import Trial

app = typer.Typer(no_args_is_help=True)

TRIALS_BYTES_MAX = 16 << 20


@app.callback()
def _noun() -> None:
    """How a gate fares with groups of travellers."""


@app.command()
def page(
    logs: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="A log, as gate audit report takes it.")],
    identity: Annotated[Path, typer.Option(help="An auditor's age identity file.")],
    vkey: Annotated[
        list[str], typer.Option(help="The log's public key, or a file that holds it; again for each that followed.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for the pages, one a language; there must be none yet.")],
    trials: Annotated[
        Path | None, typer.Option(help="Scheduled trials with strangers: a CSV table (docs/guides/impostor-trials.md).")
    ] = None,
    languages: Annotated[str, typer.Option(help="Languages by their tags, with commas.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Write the public page, and say which group fares worse. Exit 1 when one does beyond what chance explains.

    Also 1 for a log that gate audit verify does not bear out; 65 when nothing was counted.
    """
    from gate_core.web_pages.texts import TextError
    from gate_lab.fairness_page import facts_in, pages
    from gate_verify.commands.audit import vkey_text
    from gate_verify.commands.records import explained

    wanted = list(dict.fromkeys(one.strip() for one in languages.split(",") if one.strip()))
    if out.exists():
        fail(Exit.IO_ERROR, f"{out} is there already; name another")
    try:
        with explained():
            facts, problems = facts_in(logs, "\n".join(map(vkey_text, vkey)), identity, _trials(trials))
        if problems:
            fail(Exit.NO, f"what this log tells cannot be: {problems[0]}; see gate audit verify")
        made = dict(pages(facts, wanted))
    except TextError as error:
        fail(Exit.USAGE, f"--languages: {error}")
    if not facts.counted.shifts:
        fail(Exit.BAD_DATA, "this log counts by no group: name some under [fairness] in gate.toml (docs/fairness.md)")
    _write(out, made)
    alarms = facts.counted.alarms()
    lines = [f"{facts.crossings} crossings in {len(facts.counted.shifts)} shifts: {', '.join(made)} in {out}"]
    for one in alarms:
        rates = f"{one.of_group.value:.1%} of {one.of_group.of}, others {one.of_others.value:.1%}"
        lines.append(f"- {one.attribute} {one.value} fares worse: {one.rate} {rates}")
    if missing := facts.trials_missing:
        lines.append(f"- {len(missing)} trials of which this log holds no comparison: {', '.join(missing[:5])}")
    tell("fairness.page/1", {"out": str(out), "files": list(made), **facts.fields()}, *lines, as_json=as_json)
    raise typer.Exit(int(Exit.NO if alarms else Exit.OK))


def _trials(path: Path | None) -> list[Trial]:
    from gate_lab.trials import TrialsError, read_trials

    if path is None:
        return []
    try:
        return read_trials(bytes_of(path, bytes_max=TRIALS_BYTES_MAX).decode())
    except UnicodeDecodeError:
        fail(Exit.BAD_DATA, f"{path}: is not UTF-8")
    except TrialsError as error:
        fail(Exit.BAD_DATA, f"{path}: {error}")


def _write(out: Path, made: dict[str, str]) -> None:
    from gate_core import durable

    try:
        durable.make_folder(out)
        for name, content in made.items():
            durable.write(out / name, content.encode(errors="backslashreplace"), new_only=True)
    except OSError as error:
        fail(Exit.IO_ERROR, f"{error.filename or out}: {error.strerror}")
