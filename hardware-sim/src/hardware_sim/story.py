"""What a traveller does, as a conversation: the story yields moves and is sent what the traveller then sees. No I/O, no clock.

A traveller reacts to the screen alone: presents the passport when invited, walks when told to, waits for an officer, leaves at
once in an emergency. Whoever else is in the story (the one who takes the place, the one who follows) is moved from here too.
The stage (`hardware_sim.stage`) carries the moves out; a test plays the stage with no time passing.
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
# Words that the invitation may have about the document, in the screen's place.
PAGE_WORDS = frozenset({"page_open", "page_turn", "page_flat", "page_clear", "page_still", "page_glare"})
ASKED = frozenset({"page_open", "page_turn"})  # words of the invitation that ask for the document to be laid anew
WELCOME_MS_MAX = 60_000  # nobody is invited: the traveller goes to another lane
DECISION_MS_MAX = 60_000  # neither GO nor an officer: gives up
OFFICERS_GRANTS_MAX = 3  # an officer's grant may fail, too
OFFICER_MS_MAX = 120_000  # no officer comes: gives up
PASSAGE_MS_MAX = 20_000  # from setting out to being through
BACK_MS_MAX = 10_000  # walking out again
HOST_MS_MAX = 30_000  # the host does what it was asked for
AHEAD_MS = 1_800  # from setting out behind the traveller to the leaf
FOLLOWING_M = 0.85  # a tailgater's distance, from middle to middle: close, and still told apart for a third of a second
CLOSE_M = 0.44  # whoever comes so close behind is one body with the first to the beams, and two to a counter
HIDDEN_MS_MAX = 40_000  # nobody lets the one out who is inside
OUT_AGAIN_MS = 5_000  # from seeing the way back open until it has closed behind them
FOLLOWER_TRIES_MS = 800  # how long a tailgater stands at the closed leaf
STEPPED_IN_MS = 100  # how long somebody walks on in the zone before they turn back


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass, in milliseconds."""

    ms: float


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until the screen or the walker's place is one of these, or the limit is over. Screens are noticed in order.

    With `way_back` also until the first of two doors opens, as whoever is between them sees.
    """

    screens: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()
    limit_ms: float = 0.0
    way_back: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """Look at the screen as it is now; what it showed before does not matter."""


@dataclass(frozen=True, slots=True)
class Present:
    """Lay the passport on the reader. `by` is who does it."""

    by: Owner


@dataclass(frozen=True, slots=True)
class LayAgain:
    """Lay the document before the camera in the next way, or its next page."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take the passport off the reader."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Be seen by the camera like this."""

    sight: Sight


@dataclass(frozen=True, slots=True)
class Walk:
    """Set out through the barrier, so far behind the first."""

    who: Owner
    behind_m: float = 0.0


@dataclass(frozen=True, slots=True)
class WalkOn:
    """Set out through the last of two doors."""

    who: Owner


@dataclass(frozen=True, slots=True)
class Hide:
    """Be between two doors, where nobody came in."""

    who: Owner


@dataclass(frozen=True, slots=True)
class TurnBack:
    """Walk out again."""

    who: Owner


@dataclass(frozen=True, slots=True)
class Disturb:
    """The world does something to the gate: a cable pulled, the fire input, a request to the host."""

    step: Step
    limit_ms: float = HOST_MS_MAX


@dataclass(frozen=True, slots=True)
class Seen:
    """What the traveller sees: the screen, where the one who walks is, and whether the first of two doors opens."""

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
# After "one moment" or "look at the camera" an invitation is another's: an officer was quicker than the page.
OVER = DECIDED | _INVITING
_OUT = frozenset({Place.PASSED, Place.BACK})


class Traveller:
    """One traveller in one scenario. `chance` draws the small delays of a person; `lays_pages` before a document camera."""

    def __init__(self, scenario: Scenario, chance: random.Random, *, lays_pages: bool = False) -> None:
        self._lays_pages = lays_pages
        self._scenario = scenario
        self._chance = chance
        self._walker = Owner.SELF
        self._followed = False
        self._holds_passport = True
        self._to_undo: list[Deed] = []

    def story(self) -> Story:
        """Tell it. Returns True when the traveller was served, False when they gave up waiting to be invited."""
        yield from self._deeds(Moment.ARRIVING)
        yield LookUp()
        seen = yield Await(screens=_INVITING, limit_ms=WELCOME_MS_MAX)
        invited = seen.screen in _INVITING
        if invited:
            yield from self._cross()
        yield from self._leave()
        yield from self._deeds(Moment.LEAVING)
        # A story that took another turn never came to where the scenario mends what it broke; the next traveller's begins whole.
        for deed in tuple(self._to_undo):
            yield Disturb(Step(Moment.LEAVING, deed))
        return invited

    def _cross(self) -> Generator[Move, Seen, None]:
        """From the invitation to the end of the crossing."""
        seen = yield from self._be_served()
        if seen.screen == "go":
            seen = yield from self._go()
        if seen.screen in REFERRED and seen.place is not Place.PASSED:
            yield from self._with_the_officer()

    def _be_served(self) -> Part:
        """From the invitation to the decision."""
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
        """Whoever has a document lays it."""
        yield from self._deeds(Moment.INVITED)
        if self._scenario.kind is not Kind.NONE:
            yield Present(Owner.SELF)
            self._holds_passport = False

    def _be_read(self) -> Part:
        """From the document's lying there to its being read; it is laid anew as often as the story says, when asked."""
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
        """The screens that say that it is over. Whoever lays their passport on a closed lane waits for another one."""
        lays_all_the_same = any(step.do is Deed.SERVE_EXIT for step in self._scenario.steps)
        return DECIDED - {"closed"} if lays_all_the_same else DECIDED

    def _go(self) -> Part:
        """From GO to being through, or to seeing that it is no longer shown."""
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
            # One who was in the leaf already comes out on the far side.
            seen = yield Await(places=_OUT, limit_ms=BACK_MS_MAX)
        return seen if seen.place is Place.PASSED else (yield from self._be_told(seen))

    def _be_told(self, seen: Seen) -> Part:
        """One moment: what a screen that took GO back leads to comes a little later."""
        return seen if seen.screen != "wait" else (yield Await(screens=SCREENS - {"wait"}, limit_ms=OFFICER_MS_MAX))

    def _with_the_officer(self) -> Generator[Move, Seen, None]:
        """Wait for an officer, and walk whenever they let one through."""
        yield from self._deeds(Moment.OFFICER)
        for _ in range(OFFICERS_GRANTS_MAX):
            seen = yield Await(screens=SETTLED | {"go"}, limit_ms=OFFICER_MS_MAX)
            if seen.screen != "go":
                return
            seen = yield from self._go()
            if seen.screen not in REFERRED or seen.place is Place.PASSED:
                return

    def _leave(self) -> Generator[Move, Seen, None]:
        """Take what is theirs and go; whoever followed goes too."""
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
                self._walker = Owner.OTHER  # and the camera goes on seeing the one whom it knows
            elif step.do is Deed.PRESENT_AGAIN:
                self._walker = Owner.OTHER
                self._holds_passport = False
                yield Present(Owner.OTHER)
            elif step.do is Deed.TAILGATE:
                self._followed = True
                yield Walk(Owner.OTHER, FOLLOWING_M)
                if step.at is Moment.LOOK:
                    yield Pause(AHEAD_MS)  # ahead of the traveller: at the leaf before anybody is looked at
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
        """Into the zone and out of it again, and whoever waited goes instead. The camera sees the first all the while."""
        yield Await(places=frozenset({Place.IN_ZONE}), limit_ms=PASSAGE_MS_MAX)
        yield Pause(STEPPED_IN_MS)
        yield TurnBack(self._walker)
        yield Await(places=_OUT, limit_ms=BACK_MS_MAX)
        self._walker = Owner.OTHER
        yield Walk(Owner.OTHER)

    def _hide(self) -> Generator[Move, Seen, None]:
        """Somebody is inside before anybody is served, and goes as soon as the way back opens."""
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
