"""`gate policy`: examines a site's written rules before they are in force: errors, differences, and the travellers they would refer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, note, say, tell, tracked, with_next_step

if TYPE_CHECKING:
    from gate.passage.rule_set import Rule, RuleSet
    from gate.programs.shared.written_rules import Written
    from gate_core.settings.toml_file import Problem
    from gate_lab.rules_dry_run import Impact, Share

app = typer.Typer(no_args_is_help=True)

PROFILE_BYTES_MAX = 64 << 20
RECORDS_BYTES_MAX = 4 << 30
CHANGED_SHOWN = 20

Rules = Annotated[Path, typer.Argument(metavar="RULES", help="A file of written rules (docs/rules.md).")]


@app.callback()
def _noun() -> None:
    """Written rules before they are in force."""


@app.command()
def check(rules: Rules, as_json: Json = False) -> None:
    """Say everything that is wrong with the rules, each with file, key and line. Exit 65 for rules that may not be in force."""
    from gate.programs.shared.written_rules import written_in
    from gate_core.programs import clock
    from gate_core.settings.config_file import ConfigError

    rule_set: RuleSet | None = None
    problems: tuple[Problem, ...] = ()
    code = Exit.OK
    try:
        rule_set = written_in(rules).rule_set
    except ConfigError as error:
        problems, code = error.problems, Exit.IO_ERROR if error.is_unreadable else Exit.BAD_DATA
    if as_json:
        rows = [{"file": one.file, "key": one.key, "line": one.line, "problem": one.problem} for one in problems]
        named = [] if rule_set is None else [_fields(rule) for rule in rule_set.rules]
        about = (
            {"version": None, "sha256": None}
            if rule_set is None
            else {"version": rule_set.version, "sha256": rule_set.sha256}
        )
        emit_json("policy.check/1", {"ok": not rows, "problems": rows, **about, "rules": named})
    else:
        for problem in problems:
            say(with_next_step(str(problem)))
        if rule_set is not None:
            say(f"well: {len(rule_set.rules)} rules, version {rule_set.version}, SHA-256 {rule_set.sha256}")
            for rule in rule_set.rules:
                say(f"  {rule.name}: {rule.effect.value}, {rule.first} to {rule.last}: {rule.title} ({rule.basis})")
    if rule_set is not None:
        for rule in rule_set.rules:
            if rule.last < clock.now().date():
                note(f"gate: {rule.name} is over since {rule.last}: it is asked no more")
    raise typer.Exit(int(code))


@app.command()
def diff(
    old: Rules,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Other rules.")],
    as_json: Json = False,
) -> None:
    """Say what differs, rule by rule and key by key, old and new. Exit 1 when anything does."""
    from gate_core.approval.canonical import canonical, differences, read

    def values(path: Path) -> dict[str, str]:
        return read(canonical(json.loads(_written(path).text)).encode())

    found = differences(values(old), values(new))
    rows = [{"key": one.key, "old": one.old, "new": one.new} for one in found]
    lines = [str(one) for one in found] or ["the same rules"]
    tell("policy.diff/1", {"same": not rows, "differences": rows}, *lines, as_json=as_json)
    raise typer.Exit(int(Exit.NO if found else Exit.OK))


@app.command("dry-run")
def dry_run(
    rules: Rules,
    profile: Annotated[
        Path | None, typer.Option(help="Travellers as counts by kind (CSV, docs/rules.md): the impact by group.")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="Past decisions, as gate audit decrypt prints them: which of them would be others."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Try rules on travellers who came, or on decisions that were taken, before anybody approves them."""
    if (profile is None) == (records is None):
        fail(Exit.USAGE, "one of --profile and --records says on whom the rules are to be tried")
    written = _written(rules)
    if profile is not None:
        _try_on_profile(written, profile, as_json=as_json)
    elif records is not None:
        _try_on_records(written, records, as_json=as_json)


def _try_on_profile(written: Written, profile: Path, *, as_json: bool) -> None:
    from gate.rules.profiling_guard import ProfileError, read_profile
    from gate_lab.rules_dry_run import impact_of

    raw = bytes_of(profile, bytes_max=PROFILE_BYTES_MAX)
    try:
        found = impact_of(written.rule_set, read_profile(raw.decode()))
    except (ProfileError, UnicodeDecodeError) as error:
        fail(Exit.BAD_DATA, f"{profile}: {error}")
    alone = {fact.value: name for fact, name in found.alone().items()}
    if as_json:
        groups = {
            fact.value: {name: _share(share) for name, share in sorted(groups.items())}
            for fact, groups in found.groups.items()
        }
        emit_json(
            "policy.dry-run/1",
            {
                "version": written.rule_set.version,
                "sha256": written.rule_set.sha256,
                "travellers": found.everybody.of + found.closed,
                "closed": found.closed,
                "referred": _share(found.everybody),
                "stricter": found.stricter,
                "not_known": found.unknown,
                "by_rule": dict(found.by_rule),
                "by_group": groups,
                "only": alone,
                "changed": [],
            },
        )
        return
    _say_impact(found)
    for fact, name in alone.items():
        note(f"of {fact}, these rules concern {name} alone: is that what they are for, and may they?")


def _say_impact(found: Impact) -> None:
    say(f"{found.everybody.of + found.closed} travellers, {found.closed} of them while the lane would be closed")
    say(f"an officer would see {_said(found.everybody)}; a stricter threshold holds for {found.stricter}")
    if found.unknown:
        say(f"of {found.unknown}, what a rule asks is not known: an officer sees them")
    for name, count in found.by_rule.most_common():
        say(f"  {name}: {count}")
    for fact, groups in found.groups.items():
        say(f"by {fact.value}:")
        for name, share in sorted(groups.items(), key=lambda one: -one[1].of):
            say(f"  {name}: {_said(share)}")


def _try_on_records(written: Written, records: Path, *, as_json: bool) -> None:
    from gate.passage.policy import Verdict
    from gate_lab.rules_dry_run import RecordsError, decisions_again, decisions_in

    raw = bytes_of(records, bytes_max=RECORDS_BYTES_MAX).splitlines()
    try:
        found = decisions_again(written.rule_set, decisions_in(raw, tracked=tracked))
    except RecordsError as error:
        fail(Exit.BAD_DATA, f"{records}: {error}")
    changed = found.changed
    if not found.crossings + found.others:
        fail(Exit.BAD_DATA, f"{records}: no decision is in it, and on nobody rules show nothing")
    if as_json:
        emit_json(
            "policy.dry-run/1",
            {
                "version": written.rule_set.version,
                "sha256": written.rule_set.sha256,
                "crossings": found.crossings,
                "not_taken_again": found.others,
                "changed": [asdict(one) for one in changed],
            },
        )
        return
    say(f"{found.crossings} decisions taken again, {len(changed)} would be others; {found.others} could not be")
    for one in changed[:CHANGED_SHOWN]:
        why = ", ".join(one.reasons) or "nothing objects"
        say(f"  {one.crossing}: {one.was}, would {one.would}: {why}")
    if len(changed) > CHANGED_SHOWN:
        say(f"  and {len(changed) - CHANGED_SHOWN} more: --json names them")
    if any(one.was == Verdict.REFER.value for one in changed):
        note("what the moment alone knew, such as a document pulled away, is not in a decision that is taken again")


def _written(path: Path) -> Written:
    """Return the rules of a file; end the command with a list of all errors when there are any."""
    from gate.programs.shared.written_rules import written_in
    from gate_core.settings.config_file import ConfigError

    try:
        return written_in(path)
    except ConfigError as error:
        fail(Exit.IO_ERROR if error.is_unreadable else Exit.BAD_DATA, str(error))


def _fields(rule: Rule) -> Mapping[str, object]:
    return {
        "name": rule.name,
        "effect": rule.effect.value,
        "title": rule.title,
        "basis": rule.basis,
        "author": rule.author,
        "from": rule.first.isoformat(),
        "to": rule.last.isoformat(),
    }


def _share(share: Share) -> dict[str, object]:
    low, high = _interval(share)
    return {"n": share.seen, "of": share.of, "interval": [low, high]}


def _said(share: Share) -> str:
    if not share.of:
        return "0 of 0"
    low, high = _interval(share)
    return f"{share.seen} of {share.of} ({share.seen / share.of:.1%}, {low:.1%} to {high:.1%})"


def _interval(share: Share) -> tuple[float, float]:
    """Return Wilson's interval of the share; (0, 1) for no travellers."""
    from gate_verify.report.rates import Rate

    return Rate(share.seen, share.of).interval if share.of else (0.0, 1.0)
