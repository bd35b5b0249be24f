"""`gate status`: how the running programs are, over their Unix sockets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import msgspec
import typer

from gate.channel.messages import Status
from gate.cli.output import Exit, emit_json, refuse_configuration, say
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
        refuse_configuration(error, config)
    code = asyncio.run(_show(settings, watch=watch, as_json=as_json))
    raise typer.Exit(int(code))


async def _show(settings: Config, *, watch: bool, as_json: bool) -> Exit:
    while True:
        told = await ask(settings)
        if as_json:
            emit_json("gate.status/1", told.fields())
        else:
            say(told.line() if watch else told.page())
        if not watch:
            return Exit.UNREACHABLE if told.lane.state == "away" else Exit.OK if told.ok else Exit.NO
        await asyncio.sleep(WATCH_S)


async def ask(settings: Config) -> Told:
    """Have every program say how it is."""
    names = programs_of(settings)
    answers = dict(zip(names, await asyncio.gather(*(status_of(settings, name) for name in names)), strict=True))
    details = {name: answer.detail if answer else {} for name, answer in answers.items()}
    return Told(settings, answers, details, msgspec.convert(details["lane"], _Lane))


class _Alarm(TypedDict):
    alarm: str
    standing: bool
    waits: bool


class _Lane(msgspec.Struct):
    """What the lane says, as far as it is shown here."""

    state: str = "away"
    in_service: bool = False
    lost: list[str] = []
    hinders: list[str] = []
    alarms: list[_Alarm] = []
    officer_seen_ago_s: float | None = None
    closed_by: str | None = None
    direction: str | None = None
    travellers: str | None = None
    trust_age_days: float | None = None
    lists: dict[str, object] = {}
    clock_sure: bool | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the programs say; None of one that is away."""

    settings: Config
    answers: dict[str, Status | None]
    details: dict[str, dict[str, object]]
    lane: _Lane

    @property
    def ok(self) -> bool:
        """True when every program answers, the log is ready and the lane is in service."""
        return "away" not in self._states.values() and self.lane.in_service and self._states["log"] == "ready"

    @property
    def _states(self) -> dict[str, str]:
        return {name: answer.state if answer else "away" for name, answer in self.answers.items()}

    @property
    def _devices(self) -> dict[str, bool | None]:
        told = self.answers["lane"] is not None
        parts = [part for part in PARTS if part != "barrier" or not self._watches]
        return {part: part not in self.lane.lost if told else None for part in parts}

    @property
    def _importing(self) -> object:
        return self.details.get("sync", {}).get("lists")

    @property
    def _service(self) -> str:
        return "in_service" if self.lane.in_service else "out_of_service"

    @property
    def _present(self) -> bool:
        seen_ago_s = self.lane.officer_seen_ago_s
        return seen_ago_s is not None and seen_ago_s <= self.settings.rules.officer_presence_max_s

    def fields(self) -> dict[str, object]:
        """For JSON."""
        lane = self.lane
        return {
            "ok": self.ok,
            "state": self._service,
            "lane": lane.state,
            "purpose": self.settings.purpose,
            "mode": self.settings.mode,
            "officers": {
                "authority": self.settings.officers is not None,
                "present": self._present,
                "closed_by": lane.closed_by,
            },
            "serves": {"direction": lane.direction, "travellers": lane.travellers},
            "programs": self._states,
            "hinders": lane.hinders,
            "alarms": lane.alarms,
            "devices": self._devices,
            "lists": {"trust_age_days": lane.trust_age_days, **lane.lists, "import": self._importing},
            "disk": {"free_bytes": self.details["log"].get("disk_free_bytes")},
            "clock": {"sure": lane.clock_sure},
            "detail": self.details,
        }

    def line(self) -> str:
        """For people who watch."""
        return f"{self._service}  {' '.join(f'{name}={state}' for name, state in self._states.items())}"

    def page(self) -> str:
        """For people."""
        told, lane = self.answers["lane"] is not None, self.lane
        lost = [name for name, well in self._devices.items() if not well]
        age = lane.trust_age_days
        problems = msgspec.convert(lane.lists.get("alarms", []), list[str])
        match self._importing:
            case {"problem": str(problem)}:
                problems.append(problem)
            case _:
                pass
        lines = [
            f"{self._service.replace('_', ' ')} ({self.settings.purpose})",
            *(["  shadow   an officer does the work, the gate decides and orders nothing"] if self._watches else []),
            *(f"  {name:8} {state}" for name, state in self._states.items()),
            f"  lost     {(', '.join(lost) or 'nothing') if told else UNKNOWN}",
            f"  alarms   {_alarms(lane.alarms) if told else UNKNOWN}",
            *([f"  closed   {', '.join(lane.hinders)}"] if lane.hinders else []),
            f"  officer  {self._officer() if told else UNKNOWN}",
            f"  serves   {f'{lane.direction}, {lane.travellers}' if told else UNKNOWN}",
            f"  lists    {('none' if age is None else f'{age:.1f} days old') if told else UNKNOWN}",
            *(f"           {problem}" for problem in problems),
            f"  clock    {('sure' if lane.clock_sure else 'unsure') if told else UNKNOWN}",
        ]
        return "\n".join(lines)

    @property
    def _watches(self) -> bool:
        return self.settings.mode == "shadow"

    def _officer(self) -> str:
        if self.settings.officers is None:
            return "no officer: everybody is referred ([officers] in gate.toml)"
        if self.lane.closed_by is not None:
            return f"closed by {self.lane.closed_by}"
        return "present" if self._present else "no officer: everybody is referred"


def _alarms(alarms: list[_Alarm]) -> str:
    """An alarm that waits for an officer closes the lane until one has seen it; the others end with their cause."""
    named = (f"{one['alarm']}{' (acknowledge it)' if one['waits'] else ''}" for one in alarms)
    return ", ".join(named) or "none"
