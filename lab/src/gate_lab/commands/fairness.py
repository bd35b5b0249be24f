"""`gate fairness`: how a gate fares with groups of travellers, as its lane counted; a public page, and an alarm where a group fares worse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.output import Exit, emit_json, fail, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gate_lab.fairness_page import Facts
    from gate_lab.trials import Trial, Trials
    from gate_verify.audit_record import AuditRecord

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
    from gate_lab.fairness_page import pages
    from gate_verify.commands.audit import vkey_text

    wanted = list(dict.fromkeys(one.strip() for one in languages.split(",") if one.strip()))
    if out.exists():
        fail(Exit.IO_ERROR, f"{out} is there already; name another")
    try:
        facts, tried = _facts(logs, identity, "\n".join(map(vkey_text, vkey)), _trials(trials))
        made = dict(pages(facts, wanted))
    except TextError as error:
        fail(Exit.USAGE, f"--languages: {error}")
    if not facts.counted.shifts:
        fail(Exit.BAD_DATA, "this log counts by no group: name some under [fairness] in gate.toml (docs/fairness.md)")
    _write(out, made)
    alarms = facts.counted.alarms()
    if as_json:
        document = {
            "out": str(out),
            "files": list(made),
            "since": facts.counted.since,
            "until": facts.counted.until,
            "crossings": facts.crossings,
            "groups": [
                {"attribute": one.attribute, "value": one.value, "crossings": int(one.counts["crossings"])}
                | {rate: one.estimate(rate).fields() for rate in ("referred", "not_acquired", "alarms", "fnmr")}
                for one in facts.counted.groups()
            ],
            "fmr": [
                {"attribute": attribute, "value": value, **one.fields()}
                for (attribute, value), one in sorted(facts.fmr.items())
            ],
            "trials_missing": tried.missing,
            "alarms": [one.fields() for one in alarms],
        }
        emit_json("fairness.page/1", document)
    else:
        say(f"{facts.crossings} crossings in {len(facts.counted.shifts)} shifts: {', '.join(made)} in {out}")
        for one in alarms:
            say(
                f"- {one.attribute} {one.value} fares worse: {one.rate} {one.of_group.value:.1%} of {one.of_group.of}, others {one.of_others.value:.1%}"
            )
        if tried.missing:
            say(f"- {len(tried.missing)} trials of which this log holds no comparison: {', '.join(tried.missing[:5])}")
    raise typer.Exit(int(Exit.NO if alarms else Exit.OK))


def _facts(logs: Sequence[Path], identity: Path, vkey: str, trials: Sequence[Trial]) -> tuple[Facts, Trials]:
    """What a log tells that is as it was signed and does not contradict itself; else the command ends."""
    from gate_lab.fairness_page import Facts
    from gate_lab.trials import Trials
    from gate_verify.commands.records import read_as_signed
    from gate_verify.report.fairness import Fairness
    from gate_verify.verify import name_of

    counted, tried, face = Fairness(), Trials(trials), dict[str, object]()
    problems = read_as_signed(logs, vkey, identity, _taker(counted.take, tried, face))
    if problems:
        fail(Exit.NO, f"what this log tells cannot be: {problems[0]}; see gate audit verify")
    threshold = face.get("threshold")
    return Facts(
        name_of(vkey),
        counted,
        tried.fmr(),
        str(face.get("model", ""))[:100],
        f"{threshold:.3f}" if isinstance(threshold, float) else "",
    ), tried


def _taker(
    count: Callable[[int, dict[str, object]], None], tried: Trials, face: dict[str, object]
) -> Callable[[AuditRecord], None]:
    def take(told: AuditRecord) -> None:
        if told.body is None:
            return
        tried.take(told.crossing, told.kind, told.body)
        if told.kind == "groups_counted":
            count(told.index, dict(told.body))
        elif told.kind == "started" and isinstance(found := told.body.get("face"), dict):
            face.clear()
            face.update(found)

    return take


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
