"""The tour from its first scene to its last page: sends the travellers at a reader's pace.

The person at the console's frame is its officer, with a fixed time for each waiting traveller. After that the demo's
automatic officer takes over, and the page states this. The tour therefore ends within `SECONDS_MAX`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from gate.programs.shared.runner import status_of
from gate_core.evidence.screen import Screen
from gate_core.programs.task_groups import run_until_first_exits
from gate_demo.officer import SETTLE_AFTER_S
from gate_demo.stage import GATE_ID, StageError
from gate_demo.tour.above import Above, Happening, after
from gate_demo.tour.app import OFFICER, SIGN_IN, Hosting, Shown
from gate_demo.tour.evidence_proof import BYTE, Measured, carry, change, decision_about, measure
from gate_demo.tour.scenes import BORROWED, CAST, OTHERWISE, REAL, SCENES, SIMULATED, UNKNOWN, Scene

if TYPE_CHECKING:
    from gate_demo.director import Visit
    from gate_demo.officers_console import Pages
    from gate_demo.play import Theatre, Wishes

WATCHED_S: Final = 60.0  # for a browser to connect
BEGINS_S: Final = 4.0  # for both frames to load
LOOK_EVERY_S: Final = 0.1
LOG_EVERY_S: Final = 1.0
DECISION_S: Final = 0.5  # until the console has the traveller's state
STEP_S: Final = 3.0  # to read one line of the auditor
LAST_S: Final = 1.0  # for browsers to receive the end
_REFERRED: Final = frozenset({Screen.OFFICER, Screen.OTHER_LANE})


def guided(wishes: Wishes, tell: Callable[[str], None], *, tour: bool) -> tuple[Wishes, Guide | None]:
    """Return what is played and who leads it: for a tour the travellers of its scenes, on its own page; else the wishes alone."""
    if not tour:
        return wishes, None
    return replace(wishes, cast=CAST, open_page=None), Guide(wishes.open_page, tell)


class Guide:
    """One tour. `open_page` receives the start page; None: no audience, so nothing waits for a reader.

    `tell` receives the page's address; `measured` is the result of the tour.
    """

    def __init__(self, open_page: Callable[[str], None] | None, tell: Callable[[str], None]) -> None:
        self._open_page = open_page
        self._tell = tell
        self._hosting = Hosting()
        self._turn = 0
        self._is_away = False  # the console's frame shows a traveller
        self._is_theirs = False
        self.measured: Measured | None = None
        self._shown = Shown(
            scene=0,
            of=len(SCENES),
            title="A gate of its own, and nobody in it yet",
            text="In less than five minutes: eight scenes at a border gate, with its real programs and pages. You are its officer.",
            told="",
            waits=None,
            above=Above().fields(),
            log=None,
            steps=[],
            closing=None,
            traveller=None,
            console=None,
        )

    @property
    def console(self) -> Pages:
        """Return the port and origin at which the console must serve its pages."""
        return self._hosting.console

    async def play(self, theatre: Theatre) -> list[Visit]:
        """Play all scenes. Raises DirectorError, WorldError, StageError."""
        visits: list[Visit] = []
        try:
            async with self._hosting.serving(theatre.stage, self._shown) as start:
                await run_until_first_exits(
                    self._play(theatre, start, visits),
                    self._watch_lane(theatre),
                    self._watch_truth(Path(theatre.world.ready.truth)),
                    self._watch_log(theatre),
                )
        except OSError as error:
            raise StageError(f"the tour cannot be shown: {error}") from error
        return visits

    async def _play(self, theatre: Theatre, start: str, visits: list[Visit]) -> None:
        await self._begin(theatre, start)
        began_s = _now_s()
        for number, scene in enumerate(SCENES, start=1):
            self._shown.show(scene=number, title=scene.title, text=scene.before, told="", waits=None)
            self._lead_back()
            self._is_theirs = scene.is_theirs
            theatre.officer.thinks_s = scene.thinks_s if self._is_watched else 0.0
            await self._pause(scene.reads_s)
            await (
                self._travel(scene, theatre, visits) if scene.visitors else self._audit(scene, theatre, visits, began_s)
            )
        await asyncio.sleep(LAST_S if self._shown.pages else 0)

    async def _begin(self, theatre: Theatre, start: str) -> None:
        """Open the page, and wait until a browser shows it."""
        self._shown.show(traveller={"address": self._hosting.traveller(theatre.stage), "turn": 1})
        self._lead(SIGN_IN)
        self._tell(f"The tour: {start}")
        if self._open_page is None:
            return
        self._open_page(start)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WATCHED_S):
                await self._shown.watched.wait()
        await asyncio.sleep(BEGINS_S)

    # ── scenes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _travel(self, scene: Scene, theatre: Theatre, visits: list[Visit]) -> None:
        """Send the scene's travellers, and report the result."""
        went_well = True
        for visitor in scene.visitors:
            self._lead_back()
            self._shown.show(told=visitor.told, waits=None)
            (visit,) = await theatre.director.run([visitor.scenario])
            visits.append(visit)
            went_well = went_well and visit.passed == theatre.scenarios[visit.scenario].passages
        self._shown.show(text=scene.after if went_well or scene.is_theirs else OTHERWISE)
        await self._pause(scene.stays_s)

    async def _audit(self, scene: Scene, theatre: Theatre, visits: list[Visit], began_s: float) -> None:
        """Verify the log, change a byte of it, verify it again, and close with the results."""
        await theatre.mirrored()
        carried = await carry(theatre.stage)
        steps = [f"gate audit verify: {carried.checked}"]
        await self._step(steps)
        borrowed = next(visit for visit in visits if visit.scenario == BORROWED)
        entry = decision_about(borrowed, carried.records.lines)
        changed, found = await change(theatre.stage, carried, entry)
        steps.append(
            f"Entry {entry}, the decision about the borrowed passport: byte {BYTE} was {changed.was:02x} and is {changed.now:02x} now."
        )
        await self._step(steps)
        steps.append(f"gate audit verify: {'NOT VERIFIED' if found else 'verified'}. {'; '.join(found)}")
        self._shown.show(text=scene.after if found else OTHERWISE)
        await self._step(steps)
        await self._pause(scene.stays_s)
        self.measured = await measure(
            visits,
            carried,
            scenarios=theatre.scenarios,
            truth=Path(theatre.world.ready.truth),
            changed_entry=entry,
            found=found,
            seconds=round(_now_s() - began_s, 1),
        )
        closing = {"measured": self.measured.lines(OFFICER), "simulated": SIMULATED, "real": REAL, "unknown": UNKNOWN}
        self._shown.show(title="What you saw, and what you did not", text="", waits=None, closing=closing)

    async def _step(self, steps: list[str]) -> None:
        self._shown.show(steps=list(steps))
        await self._pause(STEP_S)

    def _lead(self, path: str) -> None:
        """Show this page in the console's frame."""
        self._turn += 1
        self._shown.show(console={"address": f"{self.console.origin}{path}", "turn": self._turn})

    def _lead_back(self) -> None:
        """Show all lanes again in the console's frame."""
        if self._is_away:
            self._is_away = False
            self._lead("/")

    @property
    def _is_watched(self) -> bool:
        return self._open_page is not None

    async def _pause(self, seconds: float) -> None:
        """Wait as long as reading takes, if the page is open in a browser."""
        await asyncio.sleep(seconds if self._is_watched else 0)

    # ── visible state ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch_lane(self, theatre: Theatre) -> NoReturn:
        """Report when an officer is waited for, and open that page in the console's frame."""
        officer = theatre.officer
        waits: str | None = None
        since_s, led = 0.0, False
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            view = officer.view
            now: str | None = None
            if view is not None and view.screen is Screen.EMERGENCY:
                now = ""
            elif view is not None and view.screen in _REFERRED:
                now = view.referred
            if now != waits:
                self._shown.show(waits=self._waits(officer.thinks_s, now, waits, officer.took_over))
                waits, since_s, led = now, _now_s(), False
            elif waits is not None and not led and _now_s() - since_s >= DECISION_S:
                lane = f"/gates/{GATE_ID}"
                self._lead(f"{lane}/crossings/{waits}" if waits else lane)
                led = self._is_away = True

    def _waits(
        self, thinks_s: float, now: str | None, before: str | None, took_over: set[str]
    ) -> dict[str, object] | None:
        """Return the page's text on the traveller who waits, or waited before."""
        if now is not None:
            what = "You decide" if self._is_theirs else "You may decide" if now else "You may end the emergency"
            return {
                "words": f"{what}. The automatic officer does in … s.",
                "left_s": round(thinks_s + SETTLE_AFTER_S, 1),
            }
        if not before:
            return None
        by_robot = before in took_over
        return {
            "words": "Nobody decided in time: the automatic officer did." if by_robot else "You decided.",
            "left_s": None,
        }

    async def _watch_truth(self, truth: Path) -> NoReturn:
        """Report what is visible from above, as the simulated world writes it."""
        above = Above()
        with truth.open("rb") as file:
            begun = b""
            while True:
                *lines, begun = (begun + file.read()).split(b"\n")
                for line in lines:
                    above = after(above, msgspec.json.decode(line, type=Happening))
                self._shown.show(above=above.fields())
                await asyncio.sleep(LOOK_EVERY_S)

    async def _watch_log(self, theatre: Theatre) -> NoReturn:
        """Report how many records are in the log, and how many of them at the central server."""
        while True:
            status = await status_of(theatre.stage.config, "log")
            if status is not None:
                self._shown.show(log={name: status.detail[name] for name in ("entries", "mirrored")})
            await asyncio.sleep(LOG_EVERY_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
