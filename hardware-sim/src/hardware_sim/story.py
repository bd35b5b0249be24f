"""A traveller's actions as a conversation: the story yields moves and receives what the traveller then sees. No I/O, no clock.

A traveller reacts only to the screen: presents the passport at the invitation, walks at GO, waits for an officer,
leaves at once in an emergency. The story also moves other people (one who takes the traveller's place, one who
follows). The stage (`hardware_sim.stage`) carries out the moves; a test can replace it without waiting.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hardware_sim.barrier.zone import Place
from hardware_sim.scenario import HOST_DEEDS, UNDONE_BY, Deed, Kind, Moment, Owner, Scenario, Sight, Step

if TYPE_CHECKING:
    import random

SCREENS = frozenset({"closed", "welcome", "look", "wait", "go", "officer", "other_lane", "emergency"})
# An invitation's request about the document, which replaces the screen's name.
PAGE_WORDS = frozenset({"page_open", "page_turn", "page_flat", "page_clear", "page_still", "page_glare"})
ASKED = frozenset({"page_open", "page_turn"})  # requests to place the document again
WELCOME_MS_MAX = 60_000  # no invitation: the traveller goes to another lane
DECISION_MS_MAX = 60_000  # neither GO nor an officer: the traveller gives up
OFFICERS_GRANTS_MAX = 3  # an officer's grant may also fail
OFFICER_MS_MAX = 120_000  # no officer comes: the traveller gives up
PASSAGE_MS_MAX = 20_000  # from the start of walking until through the door
BACK_MS_MAX = 10_000  # walking out again
HOST_MS_MAX = 30_000  # time for the host to complete a request
AHEAD_MS = 1_800  # from the start of walking behind the traveller to the leaf
FOLLOWING_M = 0.85  # a tailgater's distance between centres: close, but separate to the beams for a third of a second
CLOSE_M = 0.44  # a follower this close is one body with the first to the beams, and two to a counter
HIDDEN_MS_MAX = 40_000  # the person inside is not let out
OUT_AGAIN_MS = 5_000  # from seeing the open way back until it has closed behind them
FOLLOWER_TRIES_MS = 800  # how long a tailgater stands at the closed leaf
STEPPED_IN_MS = 100  # how long a person walks on in the zone before they turn back


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, in milliseconds."""

    ms: float


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for one of these screens or places of the walker, or for the limit. Screens are noticed in order.

    `way_back` also ends the wait when the first of two doors opens, as a person between them sees.
    """

    screens: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()
    limit_ms: float = 0.0
    way_back: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """Look at the present screen; earlier ones do not matter."""


@dataclass(frozen=True, slots=True)
class Present:
    """Place the passport on the reader. `by` is the person who does it."""

    by: Owner


@dataclass(frozen=True, slots=True)
class LayAgain:
    """Place the document before the camera in the next way, or its next page."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take the passport off the reader."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Be before the camera in this way."""

    sight: Sight


@dataclass(frozen=True, slots=True)
class Walk:
    """Walk through the barrier, this far behind the first person."""

    who: Owner
    behind_m: float = 0.0


@dataclass(frozen=True, slots=True)
class WalkOn:
    """Walk through the last of two doors."""

    who: Owner


@dataclass(frozen=True, slots=True)
class Hide:
    """Be between two doors without having entered."""

    who: Owner


@dataclass(frozen=True, slots=True)
class TurnBack:
    """Walk back out."""

    who: Owner


@dataclass(frozen=True, slots=True)
class Disturb:
    """A disturbance of the gate by the world: an unplugged cable, the fire input, a request to the host."""

    step: Step
    limit_ms: float = HOST_MS_MAX


@dataclass(frozen=True, slots=True)
class Seen:
    """What the traveller sees: the screen, the walker's place, and whether the first of two doors opens."""

    screen: str
    place: Place
    way_back: bool = False


Move: TypeAlias = (
    Pause | Await | LookUp | Present | LayAgain | TakeBack | Stand | Walk | WalkOn | Hide | TurnBack | Disturb
)
Story: TypeAlias = Generator[Move, Seen, bool]
Part: TypeAlias = Generator[Move, Seen, Seen]

_INVITING = frozenset({"welcome"}) | PAGE_WORDS
SETTLED = _INVITING | {"closed", "emergency"}
REFERRED = frozenset({"officer", "other_lane"})
DECIDED = REFERRED | {"go", "emergency", "closed"}
# After "one moment" or "look at the camera" an invitation is for the next traveller: an officer was faster than the page.
OVER = DECIDED | _INVITING
_OUT = frozenset({Place.PASSED, Place.BACK})


class Traveller:
    """One traveller in one scenario. `chance` draws small delays; `lays_pages` is True with a document camera."""

    def __init__(self, scenario: Scenario, chance: random.Random, *, lays_pages: bool = False) -> None:
        self._lays_pages = lays_pages
        self._scenario = scenario
        self._chance = chance
        self._walker = Owner.SELF
        self._followed = False
        self._holds_passport = True
        self._to_undo: list[Deed] = []

    def story(self) -> Story:
        """Play the story. Return True when the traveller was served, False when they gave up before an invitation."""
        yield from self._deeds(Moment.ARRIVING)
        yield LookUp()
        seen = yield Await(screens=_INVITING, limit_ms=WELCOME_MS_MAX)
        invited = seen.screen in _INVITING
        if invited:
            yield from self._cross()
        yield from self._leave()
        yield from self._deeds(Moment.LEAVING)
        # A story that ended early has not repaired what its scenario broke; the next story must begin with working devices.
        for deed in tuple(self._to_undo):
            yield Disturb(Step(Moment.LEAVING, deed))
        return invited

    def _cross(self) -> Generator[Move, Seen, None]:
        """Yield the moves from the invitation to the end of the crossing."""
        seen = yield from self._be_served()
        if seen.screen == "go":
            seen = yield from self._go()
        if seen.screen in REFERRED and seen.place is not Place.PASSED:
            yield from self._with_the_officer()

    def _be_served(self) -> Part:
        """Yield the moves from the invitation to the decision."""
        yield Pause(self._draw(150, 350))
        if not self._scenario.sight_late:
            yield Stand(self._scenario.sight)
        yield from self._present()
        seen = yield from self._be_read()
        if seen.screen == "look":
            yield from self._deeds(Moment.LOOK)
            if self._scenario.sight_late:
                yield Stand(self._scenario.sight)
            seen = yield Await(screens=OVER, limit_ms=DECISION_MS_MAX)
        return seen

    def _present(self) -> Generator[Move, Seen, None]:
        """Place the document, if the traveller has one."""
        yield from self._deeds(Moment.INVITED)
        if self._scenario.kind is not Kind.NONE:
            yield Present(Owner.SELF)
            self._holds_passport = False

    def _be_read(self) -> Part:
        """Wait until the placed document is read; place it again on request, as often as the scenario has ways."""
        again = len(self._scenario.lays or ()) - 1 if self._lays_pages else 0
        while True:
            asked = ASKED if again > 0 else frozenset()
            seen = yield Await(screens=self._told() | {"look", "wait"} | asked, limit_ms=DECISION_MS_MAX)
            if seen.screen == "wait":
                return (yield Await(screens=OVER | {"look"}, limit_ms=DECISION_MS_MAX))
            if seen.screen not in asked:
                return seen
            again -= 1
            yield Pause(self._draw(500, 900))
            yield LayAgain()
            yield LookUp()

    def _told(self) -> frozenset[str]:
        """Return the screens that end the crossing. At a lane in exit service the traveller also waits while it is closed."""
        lays_all_the_same = any(step.do is Deed.SERVE_EXIT for step in self._scenario.steps)
        return DECIDED - {"closed"} if lays_all_the_same else DECIDED

    def _go(self) -> Part:
        """Yield the moves from GO until through the door, or until GO is no longer shown."""
        yield Pause(self._draw(150, 300))
        yield from self._take_passport()
        yield from self._deeds(Moment.GO)
        yield Pause(self._draw(100, 200))
        seen = yield Await(screens=SCREENS - {"go"}, limit_ms=self._scenario.hesitates_ms)
        if seen.screen != "go":
            return (yield from self._be_told(seen))
        yield Walk(self._walker)
        yield from self._deeds(Moment.WALKING)
        seen = yield Await(screens=SETTLED | REFERRED | {"wait"}, places=_OUT, limit_ms=PASSAGE_MS_MAX)
        if seen.place is not Place.PASSED:
            yield TurnBack(self._walker)
            # A traveller who is already in the doorway leaves on the far side.
            seen = yield Await(places=_OUT, limit_ms=BACK_MS_MAX)
        return seen if seen.place is Place.PASSED else (yield from self._be_told(seen))

    def _be_told(self, seen: Seen) -> Part:
        """Wait a moment: the screen that follows a withdrawn GO appears slightly later."""
        return seen if seen.screen != "wait" else (yield Await(screens=SCREENS - {"wait"}, limit_ms=OFFICER_MS_MAX))

    def _with_the_officer(self) -> Generator[Move, Seen, None]:
        """Wait for an officer, and walk each time that they admit the traveller."""
        yield from self._deeds(Moment.OFFICER)
        for _ in range(OFFICERS_GRANTS_MAX):
            seen = yield Await(screens=SETTLED | {"go"}, limit_ms=OFFICER_MS_MAX)
            if seen.screen != "go":
                return
            seen = yield from self._go()
            if seen.screen not in REFERRED or seen.place is Place.PASSED:
                return

    def _leave(self) -> Generator[Move, Seen, None]:
        """Take the document and leave; a follower leaves too."""
        yield from self._take_passport()
        if self._followed:
            yield Pause(FOLLOWER_TRIES_MS)
            yield TurnBack(Owner.OTHER)
        yield Stand(Sight.NOBODY)

    def _take_passport(self) -> Generator[Move, Seen, None]:
        if not self._holds_passport:
            yield TakeBack()
            self._holds_passport = True

    def _deeds(self, moment: Moment) -> Generator[Move, Seen, None]:
        for step in self._scenario.deeds(moment):
            if step.do is Deed.SWAP_PERSON:
                self._walker = Owner.OTHER
                yield Stand(Sight.OTHER)
            elif step.do is Deed.SEND_COMPANION:
                self._walker = Owner.OTHER  # and the camera still sees the first person
            elif step.do is Deed.PRESENT_AGAIN:
                self._walker = Owner.OTHER
                self._holds_passport = False
                yield Present(Owner.OTHER)
            elif step.do is Deed.TAILGATE:
                self._followed = True
                yield Walk(Owner.OTHER, FOLLOWING_M)
                if step.at is Moment.LOOK:
                    yield Pause(AHEAD_MS)  # ahead of the traveller: at the leaf before the camera examines anyone
            elif step.do is Deed.PIGGYBACK:
                self._followed = True
                yield Walk(Owner.OTHER, CLOSE_M)
            elif step.do is Deed.HIDE:
                yield from self._hide()
            elif step.do is Deed.STEP_BACK:
                yield from self._step_back()
            else:
                self._note(step.do)
                yield Disturb(step, HOST_MS_MAX if step.do in HOST_DEEDS else step.for_ms)

    def _step_back(self) -> Generator[Move, Seen, None]:
        """Walk into the zone and out again, while a waiting person walks instead. The camera keeps seeing the first."""
        yield Await(places=frozenset({Place.IN_ZONE}), limit_ms=PASSAGE_MS_MAX)
        yield Pause(STEPPED_IN_MS)
        yield TurnBack(self._walker)
        yield Await(places=_OUT, limit_ms=BACK_MS_MAX)
        self._walker = Owner.OTHER
        yield Walk(Owner.OTHER)

    def _hide(self) -> Generator[Move, Seen, None]:
        """Let a person be inside before any traveller is served; they leave as soon as the way back opens."""
        yield Hide(Owner.OTHER)
        yield Await(way_back=True, limit_ms=HIDDEN_MS_MAX)
        yield TurnBack(Owner.OTHER)
        yield Pause(OUT_AGAIN_MS)

    def _note(self, deed: Deed) -> None:
        if deed in UNDONE_BY:
            self._to_undo.append(UNDONE_BY[deed])
        elif deed in self._to_undo:
            self._to_undo.remove(deed)

    def _draw(self, least_ms: float, most_ms: float) -> float:
        return self._chance.uniform(least_ms, most_ms)
