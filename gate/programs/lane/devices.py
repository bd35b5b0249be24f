"""The lane's devices with their keepers (`gate.programs.lane.parts`), and the colours of the lamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.barrier.settings import BarrierSettings
from gate.passage.desired_barrier_state import holds_open
from gate.passage.events import Part
from gate.passage.lane import LaneContext
from gate.passage.states import Granted, State
from gate.programs.lane.documents import Documents
from gate.programs.lane.engine import LaneInSight
from gate.programs.lane.parts import BarrierKeeper, SensorsKeeper, SwipeKeeper, Watching
from gate.programs.shared.config import Config
from gate.programs.shared.devices.barriers import barrier
from gate.programs.shared.devices.mrz_readers import mrz_reader
from gate.programs.shared.devices.sensors import sensors
from gate_core.evidence.crossing import Door
from gate_core.evidence.screen import Screen
from gate_core.ports.values import LampColour

_LAMPS = {
    Screen.GO: LampColour.GREEN,
    Screen.EMERGENCY: LampColour.GREEN,
    Screen.LOOK: LampColour.AMBER,
    Screen.WAIT: LampColour.AMBER,
}


@dataclass(frozen=True, slots=True)
class Devices:
    """`last` and `first`: the doors' barriers. One door: no `first`. Shadow mode: no barrier, no `sensors`."""

    last: BarrierKeeper | Watching
    first: BarrierKeeper | None
    sensors: SensorsKeeper | None
    swipe: SwipeKeeper | None

    @classmethod
    def of(cls, config: Config, *, lane: LaneInSight, documents: Documents) -> Devices:
        """Create the configured devices. Raises SetupError if one can never work."""

        def keeper(settings: BarrierSettings, door: Door) -> BarrierKeeper:
            return BarrierKeeper(
                barrier(settings),
                post=lane.post,
                poll_s=settings.poll_ms / 1000,
                door=door,
                holds_open=lambda: holds_open(lane.context, lane.state, door),
            )

        inside = config.sensors if config.mode == "gate" else None
        return cls(
            last=Watching() if config.driven is None else keeper(config.driven, Door.LAST),
            first=None if config.first_driven is None else keeper(config.first_driven, Door.FIRST),
            sensors=None
            if inside is None
            else SensorsKeeper(sensors(inside), post=lane.post, poll_s=inside.poll_ms / 1000),
            swipe=None if config.swipe is None else SwipeKeeper(mrz_reader(config.swipe), documents),
        )

    @property
    def missing(self) -> frozenset[Part]:
        """The sensors, until their first status: without them no traveller is invited. Barriers start as unseen."""
        return frozenset() if self.sensors is None else frozenset({Part.SENSORS})

    def keepers(self) -> Iterator[BarrierKeeper | Watching | SensorsKeeper | SwipeKeeper]:
        """Yield each device that has a loop to run."""
        yield from (one for one in (self.last, self.first, self.sensors, self.swipe) if one is not None)

    def lines(self) -> Iterator[tuple[str, BarrierKeeper | Watching | SensorsKeeper]]:
        """Yield names and keepers of the lines whose counters are published."""
        named = {"barrier": self.last, "first_barrier": self.first, "sensors": self.sensors}
        yield from ((name, keeper) for name, keeper in named.items() if keeper is not None)

    def look_inside(self) -> None:
        """Poll the sensors now, if there are any."""
        if self.sensors is not None:
            self.sensors.look()

    def show(self, screen: Screen, state: State) -> None:
        """Set the lamps for a screen; of two doors only the granted one turns green."""
        granted = state.door if isinstance(state, Granted) else None
        for door, keeper in ((Door.LAST, self.last), (Door.FIRST, self.first)):
            if keeper is not None:
                is_the_other = screen is Screen.GO and granted not in {None, door}
                keeper.lamp(LampColour.RED if is_the_other else _LAMPS.get(screen, LampColour.RED))

    def slow_leaves(self) -> bool:
        """True if a leaf has become slow."""
        return any(keeper.leaf.slow for _, keeper in self._leaves())

    def detail(self, lane: LaneContext) -> dict[str, object]:
        """Return status fields: lines and leaves; with two doors also the first leaf and the people inside."""
        found: dict[str, object] = {"barrier_line": self.last.describe()}
        if self.first is not None:
            seen = lane.doors[0].seen
            found |= {
                "first_leaf_closed": None if seen is None else seen.closed,
                "first_barrier_line": self.first.describe(),
            }
        if self.sensors is not None:
            people = None if lane.interior is None else lane.interior.people
            found |= {"people_inside": people, "sensors_line": self.sensors.describe()}
        return found | {"leaves": {door: keeper.leaf.detail() for door, keeper in self._leaves()}}

    def _leaves(self) -> Iterator[tuple[str, BarrierKeeper | Watching]]:
        yield "last", self.last
        if self.first is not None:
            yield "first", self.first
