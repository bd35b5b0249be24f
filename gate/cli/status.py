"""`gate status`: how the running programs are, over their Unix sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import typer

from gate.cli.output import Exit, emit_json, fail, say
from gate.programs.shared.config import Config, ConfigError
from gate.programs.shared.runner import load_config, programs_of, status_of

WATCH_S = 1.0
PARTS = ("barrier", "reader", "vision", "log")
UNKNOWN = "unknown: the lane is away"


def command(
    config: Path | None = typer.Option(None, help="The configuration file."),
    watch: bool = typer.Option(False, "--watch", help="Again every second, one line or document each."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """How the gate is."""
    try:
        settings = load_config(config)
    except ConfigError as error:
        fail(Exit.CONFIG, str(error))
    code = asyncio.run(_show(settings, watch=watch, as_json=as_json))
    raise typer.Exit(int(code))


async def _show(settings: Config, *, watch: bool, as_json: bool) -> Exit:
    while True:
        fields = await collect(settings)
        if as_json:
            emit_json("gate.status/1", fields)
        else:
            say(_line(fields) if watch else _page(fields))
        if not watch:
            return Exit.UNREACHABLE if fields["lane"] == "away" else Exit.OK if fields["ok"] else Exit.NO
        await asyncio.sleep(WATCH_S)


async def collect(settings: Config) -> dict[str, Any]:
    """One document of everything the programs say."""
    names = programs_of(settings)
    answers = dict(zip(names, await asyncio.gather(*(status_of(settings, name) for name in names)), strict=True))
    states = {name: answer.state if answer else "away" for name, answer in answers.items()}
    details = {name: answer.detail if answer else {} for name, answer in answers.items()}
    lane, log = details["lane"], details["log"]
    in_service, lane_told = bool(lane.get("in_service")), answers["lane"] is not None
    seen_ago_s = lane.get("officer_seen_ago_s")
    present = seen_ago_s is not None and seen_ago_s <= settings.rules.officer_presence_max_s
    return {
        "ok": "away" not in states.values() and in_service and states["log"] == "ready",
        "state": "in_service" if in_service else "out_of_service",
        "lane": lane.get("state", "away"),
        "purpose": settings.purpose,
        "officers": {
            "authority": settings.officers is not None,
            "present": present,
            "closed_by": lane.get("closed_by"),
        },
        "programs": states,
        "hinders": lane.get("hinders", []),
        "alarms": lane.get("alarms", []),
        "devices": {part: part not in lane.get("lost", []) if lane_told else None for part in PARTS},
        "lists": {
            "trust_age_days": lane.get("trust_age_days"),
            **(lane.get("lists") or {}),
            "import": details.get("sync", {}).get("lists"),
        },
        "disk": {"free_bytes": log.get("disk_free_bytes")},
        "clock": {"sure": lane.get("clock_sure")},
        "detail": details,
    }


def _line(fields: dict[str, Any]) -> str:
    programs = " ".join(f"{name}={state}" for name, state in fields["programs"].items())
    return f"{fields['state']}  {programs}"


def _officer(officers: dict[str, Any]) -> str:
    if not officers["authority"]:
        return "no officer: everybody is referred ([officers] in gate.toml)"
    if officers["closed_by"] is not None:
        return f"closed by {officers['closed_by']}"
    return "present" if officers["present"] else "no officer: everybody is referred"


def _alarms(alarms: list[dict[str, Any]]) -> str:
    """An alarm that waits for an officer closes the lane until one has seen it; the others end with their cause."""
    named = (f"{one['alarm']}{' (acknowledge it)' if one['waits'] else ''}" for one in alarms)
    return ", ".join(named) or "none"


def _page(fields: dict[str, Any]) -> str:
    told = fields["programs"]["lane"] != "away"
    lost = [name for name, well in fields["devices"].items() if not well]
    age = fields["lists"]["trust_age_days"]
    importing = fields["lists"]["import"]
    problems = [
        *fields["lists"].get("alarms", ()),
        *([importing["problem"]] if importing and importing["problem"] else ()),
    ]
    lines = [
        f"{fields['state'].replace('_', ' ')} ({fields['purpose']})",
        *(f"  {name:8} {state}" for name, state in fields["programs"].items()),
        f"  lost     {(', '.join(lost) or 'nothing') if told else UNKNOWN}",
        f"  alarms   {_alarms(fields['alarms']) if told else UNKNOWN}",
        *([f"  closed   {', '.join(fields['hinders'])}"] if fields["hinders"] else []),
        f"  officer  {_officer(fields['officers']) if told else UNKNOWN}",
        f"  lists    {('none' if age is None else f'{age:.1f} days old') if told else UNKNOWN}",
        *(f"           {problem}" for problem in problems),
        f"  clock    {('sure' if fields['clock']['sure'] else 'unsure') if told else UNKNOWN}",
    ]
    return "\n".join(lines)
