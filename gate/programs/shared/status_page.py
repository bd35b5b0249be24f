"""Output of `gate status` from the programs' status: as JSON fields, as a page and as one line. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from gate.programs.shared.config import Config
from gate.programs.shared.degraded_modes import lists_days_left, modes_now
from gate.programs.shared.program_status import Alarm, ProgramStatus, Silence
from gate_core.programs import clock

RUN_FOR = {"service": "in service", "trial": "on trial", "demo": "in a demo"}
UNKNOWN = {Silence.AWAY: "unknown: the lane is away", Silence.NO_RIGHT: "unknown: this user may not ask the lane"}


@dataclass(frozen=True, slots=True)
class StatusPage:
    """The programs' answers as JSON and as text. `synchronised`: state of the machine's clock. `start_page`: returns
    the file of the traveller's page in the runtime folder of screens.
    """

    settings: Config
    told: ProgramStatus
    synchronised: bool
    start_page: Callable[[Path], Path]

    @property
    def _devices(self) -> dict[str, bool | None]:
        """Devices and programs that the lane needs, and whether each works; None if the lane does not answer."""
        settings, told = self.settings, self.told.says("lane")
        sensors = None if self._watches else settings.sensors
        owned = {"barrier": settings.driven, "first_barrier": settings.first_driven, "sensors": sensors}
        parts = [name for name, one in owned.items() if one is not None]
        parts += ["reader", "camera", "vision", "log", "screen"]
        return {part: part not in self.told.lane.lost if told else None for part in parts}

    def _of(self, program: str, part: str) -> object:
        return self.told.details().get(program, {}).get(part)

    @property
    def _days_left(self) -> dict[str, float | None]:
        lists = lists_days_left(self.told, self.settings)
        return {
            "certificate": self.told.sync.certificate_days_left,
            "lists": None if lists is None else round(lists, 1),
            "disk": self.told.log.disk_days_left,
            **({} if self.told.lane.rules is None else {"rules": self.told.lane.rules.days_left}),
        }

    @property
    def _service(self) -> str:
        return "in_service" if self.told.lane.in_service else "out_of_service"

    @property
    def _present(self) -> bool:
        seen_ago_s = self.told.lane.officer_seen_ago_s
        return seen_ago_s is not None and seen_ago_s <= self.settings.rules.officer_presence_max_s

    def fields(self) -> dict[str, object]:
        """Return the fields of the JSON output."""
        lane, log, states = self.told.lane, self.told.log, self.told.states()
        return {
            "ok": self.told.ok,
            "state": self._service,
            "lane": lane.state or states["lane"],
            "purpose": self.settings.purpose,
            "mode": self.settings.mode,
            "officers": {
                "authority": self.settings.officers is not None,
                "present": self._present,
                "closed_by": lane.closed_by,
            },
            "console": self._of("screens", "console"),
            "serves": {"direction": lane.direction, "travellers": lane.travellers},
            "programs": states,
            "degraded": [
                {"mode": one.name, "effect": one.effect, "tell": one.tell}
                for one in modes_now(self.told, self.settings)
            ],
            "hinders": lane.blockers,
            "alarms": lane.alarms,
            "devices": self._devices,
            "identity": self._of("sync", "identity"),
            "lists": {"trust_age_days": lane.trust_age_days, **lane.lists, "import": self._of("sync", "lists")},
            "registers": {
                name: {"state": one.state, "edition": one.edition}
                for name, one in sorted(self.told.registers.registers.items())
            },
            "disk": {"free_bytes": log.disk_free_bytes},
            **msgspec.to_builtins({"keys": log.keys, "kept": log.kept, "head": log.head}),
            "days_left": self._days_left,
            "clock": {"sure": lane.clock_sure, "synchronised": self.synchronised},
            "detail": self.told.details(),
        }

    def line(self) -> str:
        """Return one line, for `--watch`."""
        return f"{self._service}  {' '.join(f'{name}={state}' for name, state in self.told.states().items())}"

    def page(self) -> str:
        """Return the text page."""
        answer, lane = self.told.answers["lane"], self.told.lane
        unknown = UNKNOWN[answer] if isinstance(answer, Silence) else ""
        lost = [name for name, well in self._devices.items() if not well]
        age = lane.trust_age_days
        old = "none" if age is None else f"{age:.1f} days old" if age >= 0 else "newer than the clock"
        alarms = lane.lists.get("alarms")
        problems = [str(one) for one in alarms] if isinstance(alarms, list) else []
        problems += _problems(self._of("sync", "lists"))
        lines = [
            RUN_FOR[self.settings.purpose] if lane.in_service else f"out of service ({self.settings.purpose})",
            *(["  shadow   an officer does the work, the gate decides and orders nothing"] if self._watches else []),
            *(f"  {name:8} {state}" for name, state in self.told.states().items()),
            f"  lost     {unknown or ', '.join(lost) or 'nothing'}",
            *self._page_lines(),
            f"  alarms   {unknown or _alarms(lane.alarms)}",
            *([f"  closed   {', '.join(lane.blockers)}"] if lane.blockers else []),
            f"  officer  {unknown or self._officer()}",
            f"  serves   {unknown or f'{lane.direction}, {lane.travellers}'}",
            f"  lists    {unknown or old}",
            *(f"           {problem}" for problem in problems),
            *self._register_lines(),
            *self._head_lines(),
            *self._keys_lines(),
            f"  clock    {unknown or clock.in_words(sure=lane.clock_sure is True, synchronised=self.synchronised)}",
            *self._kept_lines(),
            *(f"  identity {problem}" for problem in _problems(self._of("sync", "identity"))),
            *self._console_lines(),
            f"  left     {', '.join(_days(name, days) for name, days in self._days_left.items())}",
            *(f"  degraded {one.name}: {one.effect}; tell {one.tell}" for one in modes_now(self.told, self.settings)),
        ]
        return "\n".join(lines)

    def _page_lines(self) -> Iterator[str]:
        """Yield the address of the traveller's page while no browser shows it."""
        if "screen" in self.told.lane.lost:
            yield f"  page     no browser shows it: open {self.start_page(self.settings.runtime('screens')).absolute().as_uri()}"

    def _register_lines(self) -> Iterator[str]:
        for at, (name, one) in enumerate(sorted(self.told.registers.registers.items())):
            edition = "" if one.edition is None else f", edition {one.edition}"
            yield f"  {'' if at else 'asked':8} {name}: {one.state}{edition}"
        if self.told.registers.problem:
            yield f"           {self.told.registers.problem}"

    def _head_lines(self) -> Iterator[str]:
        if (head := self.told.log.head) is not None:
            age = "" if head.age_s is None else f", {head.age_s:.0f} s ago"
            yield f"  head     {head.state.value}{age}: {head.entries} entries when the machine was started"

    def _keys_lines(self) -> Iterator[str]:
        """Yield how long keys of sealed records are kept, and when the oldest are deleted."""
        if (keys := self.told.log.keys) is None:
            return
        today = clock.now().date()
        yield f"  keys     {', '.join(_kept(about, days, keys.oldest.get(about), today) for about, days in keys.kept_days.items())}"
        if not keys.clock_borne_out and any(days is not None for days in keys.kept_days.values()):
            yield "           none go: neither the time service nor the central server bears the clock out"
        if keys.problem:
            yield f"           {keys.problem}"

    def _kept_lines(self) -> Iterator[str]:
        """Yield which entries are on this disk, if old ones are deleted."""
        kept = self.told.log.kept
        if kept is None or kept.days is None:
            return
        yield f"  entries  {kept.first} to {self.told.log.entries - 1} are here, for {kept.days} days after the central server had them"
        if kept.problem:
            yield f"           {kept.problem}"

    def _console_lines(self) -> Iterator[str]:
        console, settings = self.told.screens.console, self.settings.console
        if settings is None:
            return
        if console is None or console.problem:
            yield f"  console  {'unknown' if console is None else f'not served: {console.problem}'}"
        else:
            yield f"  console  {settings.address}, key {console.key}; {console.streams} watching"

    @property
    def _watches(self) -> bool:
        return self.settings.mode == "shadow"

    def _officer(self) -> str:
        if self.settings.officers is None:
            return "no officer: everybody is referred ([officers] in gate.toml)"
        if self.told.lane.closed_by is not None:
            return f"closed by {self.told.lane.closed_by}"
        return "present" if self._present else "no officer: everybody is referred"


def _problems(part: object) -> list[str]:
    match part:
        case {"problem": str(problem)}:
            return [problem]
        case _:
            return []


def _days(name: str, days: float | None) -> str:
    """Return text: the whole days until something expires, or since it expired."""
    if days is None:
        return f"{name} unknown"
    if days >= 0:
        return f"{name} {_counted(int(days))}"
    return f"{name} expired{f' {_counted(int(-days))} ago' if days <= -1 else ''}"


def _counted(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _kept(about: str, days: int | None, oldest: date | None, today: date) -> str:
    """Return text: how long one class's keys are kept."""
    if days is None:
        return f"{about} for good"
    goes = "" if oldest is None else f" (the oldest go in {max(0, (oldest - today).days + days + 1)} days)"
    return f"{about} {days} days{goes}"


def _alarms(alarms: list[Alarm]) -> str:
    """Return the alarms as text. One that waits for an officer closes the lane; the others end with their cause."""
    named = (f"{one['alarm']}{' (acknowledge it)' if one['waits'] else ''}" for one in alarms)
    return ", ".join(named) or "none"
