"""`gate status`: how the running programs are, over their Unix sockets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import msgspec
import typer

from gate.channel.messages import Status
from gate.channel.table import OPERATORS
from gate.cli.output import Exit, emit_json, note, refuse_configuration, say
from gate.programs.shared.config import Config, ConfigError
from gate.programs.shared.runner import load_config, programs_of
from gate.programs.shared.status import Silence, hear

WATCH_S = 1.0
PARTS = ("barrier", "reader", "vision", "log")
UNKNOWN = {Silence.AWAY: "unknown: the lane is away", Silence.NO_RIGHT: "unknown: this user may not ask the lane"}


def command(
    config: Path | None = typer.Option(None, help="The configuration file."),
    watch: bool = typer.Option(False, "--watch", help="Again every second, one line or document each."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """How the gate is. Exit 69: the lane is away. 77: this user may not ask."""
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
            if told.code is Exit.NOT_PERMITTED:
                note(f"gate: this user may not ask the programs; root and members of {OPERATORS} may")
            return told.code
        await asyncio.sleep(WATCH_S)


async def ask(settings: Config) -> Told:
    """Have every program say how it is."""
    names = programs_of(settings)
    answers = dict(zip(names, await asyncio.gather(*(hear(settings, name) for name in names)), strict=True))
    details = {name: answer.detail if isinstance(answer, Status) else {} for name, answer in answers.items()}
    return Told(settings, answers, details, msgspec.convert(details["lane"], _Lane))


class _Alarm(TypedDict):
    alarm: str
    standing: bool
    waits: bool


class _Lane(msgspec.Struct):
    """What the lane says, as far as it is shown here."""

    state: str | None = None
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
    """Everything that the programs say, or why they do not."""

    settings: Config
    answers: dict[str, Status | Silence]
    details: dict[str, dict[str, object]]
    lane: _Lane

    @property
    def ok(self) -> bool:
        """True when every program answers, the log is ready and the lane is in service."""
        answers = self.answers.values()
        return (
            all(isinstance(one, Status) for one in answers) and self.lane.in_service and self._states["log"] == "ready"
        )

    @property
    def code(self) -> Exit:
        """What the command ends with."""
        if Silence.NO_RIGHT in self.answers.values():
            return Exit.NOT_PERMITTED
        if self.answers["lane"] is Silence.AWAY:
            return Exit.UNREACHABLE
        return Exit.OK if self.ok else Exit.NO

    @property
    def _states(self) -> dict[str, str]:
        return {name: one.state if isinstance(one, Status) else one.value for name, one in self.answers.items()}

    @property
    def _devices(self) -> dict[str, bool | None]:
        told = isinstance(self.answers["lane"], Status)
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
            "lane": lane.state or self._states["lane"],
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
        answer, lane = self.answers["lane"], self.lane
        unknown = UNKNOWN[answer] if isinstance(answer, Silence) else ""
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
            f"  lost     {unknown or ', '.join(lost) or 'nothing'}",
            f"  alarms   {unknown or _alarms(lane.alarms)}",
            *([f"  closed   {', '.join(lane.hinders)}"] if lane.hinders else []),
            f"  officer  {unknown or self._officer()}",
            f"  serves   {unknown or f'{lane.direction}, {lane.travellers}'}",
            f"  lists    {unknown or ('none' if age is None else f'{age:.1f} days old')}",
            *(f"           {problem}" for problem in problems),
            f"  clock    {unknown or ('sure' if lane.clock_sure else 'unsure')}",
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
