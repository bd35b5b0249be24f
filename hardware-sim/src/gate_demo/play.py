"""The whole demo: world, stage, programs, travellers, and then the review by auditor and judge.

A visit with an unexpected result on a late machine is no judgement of the gate; it is played again.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gate.channel import screen_messages
from gate.programs.screens.kiosk_start import page_address, page_with_secret, start_page
from gate.programs.shared.runner import status_of
from gate.programs.shared.supervisor import Child, Family
from gate_core.orders.keys import read_shift
from gate_demo import audit_review
from gate_demo import stage as staging
from gate_demo import world as worlds
from gate_demo.audit_review import outcomes_of
from gate_demo.central import Central, Mirrored
from gate_demo.director import Director, DirectorError, Visit, plan
from gate_demo.disk import LogDisk, log_disk
from gate_demo.machine import Machine, pss_mb, worked_ms
from gate_demo.officer import Officer
from gate_demo.officers_console import Pages
from gate_demo.officers_console import console as officers_console
from gate_demo.report import Again, Checked, Outcome, Result
from gate_demo.stage import Stage, StageError
from gate_demo.world import World, WorldError
from hardware_sim.readers.kinds import KINDS, PAGE_READER
from hardware_sim.samples import write
from hardware_sim.scenario import Lane, Scenario, ScenarioError, read_scenarios, scenario_folder

READY_DEADLINE_S = 30.0  # for a program that does no work
READY_S_MAX = 300.0
WORKS_MS = 500.0  # a program that hangs wakes sometimes, but works less than this
TELL_EVERY_S = 10.0
READY_POLL_S = 0.05
WORK_LOOK_S = 1.0  # it reads one file for each thread
MIRROR_DEADLINE_S = 60.0
MIRROR_POLL_S = 0.1
READERS = frozenset({*KINDS, PAGE_READER})
LANES = tuple(lane.value for lane in Lane)
PERSON_PRESENT_S = 120  # a person's console reports once a minute that its officer is present
KEPT = ("*.bundle", "*.vkey", "*.identity", "*.html")
AGAIN_MAX = 2  # rounds of repeated visits


class PlayError(Exception):
    """The demo did not finish."""


class UnfitWishError(PlayError):
    """There is no reader, lane or scenario of this name."""


class TooSlowError(PlayError):
    """The machine was too late for the demo to finish."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of the demo's user."""

    travellers: int
    seed: int
    scenario: str | None
    reader: str
    models: Path
    face_profile: str
    open_page: Callable[[str], None] | None
    lane: str = Lane.ONE_DOOR.value
    cast: tuple[str, ...] = ()  # these scenarios, in this order, each once; none is played again
    role: str = "officer"  # of the officer's key


@dataclass(frozen=True, slots=True)
class Travelled:
    """The demo's state after the last traveller."""

    stage: Stage
    visits: list[Visit]
    again: list[Again]
    ready_s: float
    memory_mb: dict[str, float]
    at_central: Mirrored
    disk: LogDisk


@dataclass(frozen=True, slots=True)
class Theatre:
    """A gate that is ready for travellers. `mirrored` waits until the central server has the whole log."""

    stage: Stage
    world: World
    director: Director
    officer: Officer
    scenarios: dict[str, Scenario]
    mirrored: Callable[[], Awaitable[None]]


class Show(Protocol):
    """Sends the travellers, with a person at the officers' console, whose pages must be at `console`."""

    @property
    def console(self) -> Pages:
        """Return the port and origin at which the console must serve its pages."""

    async def play(self, theatre: Theatre) -> list[Visit]:
        """Send the travellers. Raises DirectorError, WorldError, StageError."""


def scenarios_of(wishes: Wishes) -> dict[str, Scenario]:
    """Return the scenarios of the lane. Raises PlayError; UnfitWishError for an unknown name."""
    if wishes.reader not in READERS:
        raise UnfitWishError(f"a reader is one of {', '.join(sorted(READERS))}")
    if wishes.lane not in LANES:
        raise UnfitWishError(f"a lane is one of {', '.join(LANES)}")
    try:
        scenarios = read_scenarios(scenario_folder(), Lane(wishes.lane))
    except ScenarioError as error:
        raise PlayError(str(error)) from error
    if wishes.scenario not in {None, *scenarios}:
        raise UnfitWishError(f"no scenario {wishes.scenario}: one of {', '.join(scenarios)}")
    return scenarios


class Play:
    """One demo. `arrives` receives each traveller; a `show` sends the travellers of `cast` instead."""

    def __init__(
        self,
        folder: Path,
        wishes: Wishes,
        console: Console,
        *,
        officer: Callable[..., Officer] = Officer,
        arrives: Callable[[], None] = lambda: None,
        show: Show | None = None,
    ) -> None:
        self._officer = officer
        self._arrives = arrives
        self._show = show
        self._folder = folder
        self._wishes = wishes
        self._console = console

    async def run(self) -> Result:
        """Play it. Raises PlayError with one line, TooSlowError when the machine is the cause."""
        try:
            scenarios = scenarios_of(self._wishes)
            cast = self._cast(scenarios)
            (self._folder / "world").mkdir()
            self._console.print("Setting up the simulated world …")
            async with worlds.start(
                self._folder / "world",
                seed=self._wishes.seed,
                reader=self._wishes.reader,
                lane=self._wishes.lane,
                log=self._folder / "world.log",
            ) as world:
                travelled = await self._travel(world, cast, scenarios)
            return self._look_back(travelled, scenarios, world)
        except DirectorError as error:
            raise (TooSlowError(f"{error}; {error.late}") if error.late.excuses else PlayError(str(error))) from error
        except (WorldError, StageError, ScenarioError) as error:
            raise PlayError(str(error)) from error

    def _cast(self, scenarios: dict[str, Scenario]) -> list[str]:
        wished = self._wishes.scenario
        if self._wishes.cast:
            return list(self._wishes.cast)
        if wished is None:
            return plan(_fitting(scenarios, self._wishes.reader), self._wishes.travellers, self._wishes.seed)
        return [wished] * self._wishes.travellers

    async def _travel(self, world: World, cast: list[str], scenarios: dict[str, Scenario]) -> Travelled:
        if why := world.ready.chip.why:
            self._console.print(f"No PC/SC here, the chip is on a direct link: {why}")
        central = Central(self._folder / "central", self._folder / "central.log")
        central.prepare()
        await central.start()
        try:
            async with log_disk(self._folder / "state", len(cast)) as disk:
                return await self._travel_with(world, central, disk, cast, scenarios)
        finally:
            await central.stop()

    async def _travel_with(
        self, world: World, central: Central, disk: LogDisk, cast: list[str], scenarios: dict[str, Scenario]
    ) -> Travelled:
        stage = await asyncio.to_thread(
            staging.prepare,
            self._folder,
            world.ready,
            state=disk.state,
            models=self._wishes.models,
            face_profile=self._wishes.face_profile,
            role=self._wishes.role,
            registers=True,
            both_ways=True,
            enrol=central.enrol,
            **({} if self._show is None else {"presence_max_s": PERSON_PRESENT_S}),
        )
        family = Family(
            [
                Child(
                    name,
                    stage.config_path,
                    output=stage.log_of(name),
                    on_start=lambda _: None,
                    prefix=disk.prefix if name == "log" else (),
                )
                for name in stage.config.programs
            ]
        )
        with self._progress(len(cast)) as on_progress:
            director: Director | None = None

            def on_view(view: screen_messages.View) -> None:
                if director is not None:
                    director.see(view)

            shift, _ = read_shift(stage.shift.read_bytes())
            supervisor = None if stage.supervisor is None else read_shift(stage.supervisor.read_bytes())[0]
            officer = self._officer(
                views=stage.config.socket("lane"), orders=stage.config.socket("orders"), shift=shift, on_view=on_view
            )
            machine = Machine(lambda: [child.pid for child in family.children.values() if child.pid])
            async with (
                family.running(),
                _running(officer.run()),
                _running(machine.run()),
                contextlib.AsyncExitStack() as beside,
            ):
                ready_s = await _until_ready(
                    stage,
                    list(stage.config.programs),
                    machine,
                    worked=lambda names: worked_ms(
                        child.pid for name, child in family.children.items() if name in names and child.pid
                    ),
                    say=self._console.print,
                )
                pages = await _served(
                    officers_console(stage, None if self._show is None else self._show.console), beside, machine
                )
                page = page_with_secret(stage.config.runtime("screens"), page_address(stage.config))
                world.tell({"do": "display", "page": page})  # the page's light falls on the person before the camera
                start = start_page(stage.config.runtime("screens")).as_uri()  # no secret on a command line
                self._console.print(f"The traveller's page: {start} (at {page_address(stage.config)}).", soft_wrap=True)
                self._console.print(
                    f"The officers' console: {pages} (sign in with the key file {stage.shift}).", soft_wrap=True
                )
                if self._wishes.open_page is not None:
                    self._wishes.open_page(start)
                director = Director(
                    world=world,
                    officer=officer,
                    programs=family.children,
                    central=central,
                    disk=disk,
                    machine=machine,
                    on_progress=on_progress,
                    patience=officer.patience,
                    supervisor=supervisor,
                )
                visits, again = list[Visit](), list[Again]()
                if self._show is None:
                    visits = await director.run(cast)
                else:
                    mirrored = partial(_until_mirrored, stage)
                    visits = await self._show.play(Theatre(stage, world, director, officer, scenarios, mirrored))
                if not self._wishes.cast:
                    visits, again = await self._play_again(director, visits, stage, scenarios)
                memory_mb = {name: pss_mb(child.pid) for name, child in family.children.items() if child.pid}
                await family.stop("lane")
                await _until_mirrored(stage)
        return Travelled(stage, visits, again, ready_s, memory_mb, central.gate(), disk)

    async def _play_again(
        self, director: Director, visits: list[Visit], stage: Stage, scenarios: dict[str, Scenario]
    ) -> tuple[list[Visit], list[Again]]:
        """Repeat visits with unexpected results on a late machine; return the visits that count."""
        again: list[Again] = []
        for _ in range(AGAIN_MAX):
            if not any(visit.late.excuses for visit in visits):
                break
            await _until_mirrored(stage)
            outcomes = await asyncio.to_thread(self._outcomes, visits, stage, scenarios)
            excused = [outcome for outcome in outcomes if outcome.excused]
            if not excused:
                break
            again += [Again(one.visit.scenario, one.differences, one.visit.late) for one in excused]
            visits = [outcome.visit for outcome in outcomes if not outcome.excused]
            visits += await director.run([outcome.visit.scenario for outcome in excused])
        return visits, again

    def _outcomes(self, visits: list[Visit], stage: Stage, scenarios: dict[str, Scenario]) -> list[Outcome]:
        """Return the outcomes of these visits, by the log as published now."""
        return outcomes_of(visits, audit_review.read(stage, self._folder / "so-far"), scenarios)

    @contextlib.contextmanager
    def _progress(self, total: int) -> Iterator[Callable[[Visit, int], None]]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # A drill's officer must notice travellers themselves.
        with Progress(*columns, console=self._console, disable=bool(self._wishes.cast)) as progress:
            task = progress.add_task("travellers", total=total)

            def on_progress(visit: Visit, over: int) -> None:
                if not over:
                    self._arrives()
                # A repeated visit is one more.
                due = max(total, int(progress.tasks[0].completed) + 1)
                progress.update(task, total=due, advance=over, description=visit.scenario.replace("_", " "))

            yield on_progress

    def _look_back(self, travelled: Travelled, scenarios: dict[str, Scenario], world: World) -> Result:
        """Export, verify and decrypt the log, and let the judge judge."""
        stage = travelled.stage
        bundle = self._folder / "demo.bundle"
        records = audit_review.read(stage, bundle)
        verified = staging.command("audit", "verify", str(bundle), "--vkey", str(stage.vkey), may_say_no=True)
        told = audit_review.report(stage, bundle, self._folder / audit_review.REPORT)
        central = travelled.at_central
        return Result(
            outcomes_of(travelled.visits, records, scenarios),
            again=travelled.again,
            audit=Checked(verified["entries"], verified["verified"]),
            contradictions=told,
            foreign=audit_review.foreign_word(stage, self._folder),
            synced=Checked(central.entries, bool(central.verified) and central.root == verified["root"]),
            judged=audit_review.judge(Path(world.ready.truth), records),
            ready_s=round(travelled.ready_s, 2),
            memory_mb=travelled.memory_mb,
            chip=world.ready.chip.kind,
            disk=travelled.disk,
            lane=self._wishes.lane,
        )


def _fitting(scenarios: dict[str, Scenario], reader: str) -> list[str]:
    """Return the scenarios that this reader can play; with a document camera, those on placing pages come first."""
    laying = [name for name, scenario in scenarios.items() if scenario.lays is not None]
    others = [name for name in scenarios if name not in laying]
    return [*laying, *others] if reader == PAGE_READER else others


@contextlib.asynccontextmanager
async def _running(coroutine: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run this during the block, and cancel it at the end."""
    task = asyncio.ensure_future(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until_ready(
    stage: Stage, names: list[str], machine: Machine, *, worked: Callable[[set[str]], float], say: Callable[[str], None]
) -> float:
    """Return the seconds until all programs answer. `say` receives the names of those that do not; working ones get more time.
    `worked` returns their processor time in milliseconds.

    Raises StageError with the programs that do not answer, TooSlowError on a late machine.
    """
    loop = asyncio.get_running_loop()
    start_s, waiting, look_at_s = loop.time(), set(names), 0.0
    patience = Patience(start_s)
    while waiting:
        answers = await asyncio.gather(*(status_of(stage.config, name) for name in sorted(waiting)))
        waiting -= {answer.program for answer in answers if answer is not None and answer.state != "starting"}
        now_s = loop.time()
        if waiting and now_s >= look_at_s:
            look_at_s, those = now_s + WORK_LOOK_S, ", ".join(sorted(waiting))
            if patience.is_over(now_s, worked(waiting)):
                why, late = f"not ready after {now_s - start_s:.0f} s: {those}", machine.late_throughout()
                raise TooSlowError(f"{why}; {late}") if late.excuses else StageError(why)
            if patience.is_told(now_s):
                say(f"Waiting for {those}: started {now_s - start_s:.0f} s ago.")
        await asyncio.sleep(READY_POLL_S)
    return loop.time() - start_s


@dataclass(slots=True)
class Patience:
    """The time limit for programs that have not answered: longer while they work, but finite. Pure."""

    since_s: float
    _told_s: float | None = None
    _worked_ms: float = 0.0
    _progress_s: float | None = None

    def is_over(self, now_s: float, worked_ms: float) -> bool:
        """Return True after READY_DEADLINE_S without work, or READY_S_MAX after the start."""
        if self._progress_s is None or worked_ms - self._worked_ms >= WORKS_MS:
            self._progress_s, self._worked_ms = now_s, worked_ms
        return now_s - self._progress_s > READY_DEADLINE_S or now_s - self.since_s > READY_S_MAX

    def is_told(self, now_s: float) -> bool:
        """Return True when it is time to report which programs are waited for."""
        due = now_s - (self.since_s if self._told_s is None else self._told_s) >= TELL_EVERY_S
        if due:
            self._told_s = now_s
        return due


async def _served(
    console: contextlib.AbstractAsyncContextManager[str], beside: contextlib.AsyncExitStack, machine: Machine
) -> str:
    """Return the console's address; it runs until `beside` ends. Raises StageError, TooSlowError on a late machine."""
    try:
        return await beside.enter_async_context(console)
    except StageError as error:
        late = machine.late_throughout()
        if not late.excuses:
            raise
        raise TooSlowError(f"{error}; {late}") from error


async def _until_mirrored(stage: Stage) -> None:
    """Wait until the central server has signed every entry. Raises StageError when it does not."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + MIRROR_DEADLINE_S
    while True:
        answer = await status_of(stage.config, "log")
        if answer is not None and answer.detail["entries"] == answer.detail["mirrored"]:
            return
        if loop.time() > end_s:
            raise StageError("the central server did not catch up; see sync.log and central.log")
        await asyncio.sleep(MIRROR_POLL_S)


def leave_files(folder: Path, keep: Path | None, *, everything: bool) -> None:
    """Copy the auditor's files to `keep`, and all messages of programs if `everything`."""
    if keep is None:
        return
    keep.mkdir(parents=True, exist_ok=True)
    for pattern in (*KEPT, *(("*.log",) if everything else ())):
        for path in folder.glob(pattern):
            shutil.copy(path, keep / path.name)
    for path in (folder / "world").glob("*truth*.jsonl"):
        shutil.copy(path, keep / "ground-truth.jsonl")


def leave_samples(folder: Path, seed: int) -> None:
    """Write a chip's files, scans, pictures and lists of a simulated world into a folder. Raises OSError."""
    write(folder, seed)
