"""What a crossing is going to be, drawn from the seed and its number alone: who comes, what they mean to do, and what goes wrong. Pure.

A crossing is drawn without those before it, so that a few of many can be played again by themselves. Faults are dealt out rather than
thrown: each kind falls to one crossing in every `BLOCK`, bit errors to every tenth, so that a run of some size meets all of them.
"""

from __future__ import annotations

import enum
import functools
import random
from dataclasses import dataclass, field, replace

from hardware_sim.hall.lane import LAST

BLOCK = 92  # crossings; one of them each kind of fault falls to: with fifteen kinds, a fault in every sixth
BIT_ERRORS_EVERY = 10


class Doors(enum.Enum):
    """How many doors a lane has. The words are those of `gate simulate --lane`."""

    ONE = "one-door"
    TWO = "two-door"


class Intention(enum.Enum):
    """What a person who comes intends to do. Only `GENUINE` is expected to be let through."""

    GENUINE = "genuine"  # their own valid document, their own face, and straight through
    FORGED = "forged"  # the document is not genuine
    LOOKALIKE = "lookalike"  # another person's document
    ACCOMPANIED = "accompanied"  # two faces before the camera
    PULLS = "pulls"  # takes the document away while it is read
    AGAIN = "again"  # lays another document when they may go
    STAYS = "stays"  # does not go
    TURNS = "turns"  # leaves the zone again
    SWAPS = "swaps"  # leaves the zone again, and another person steps in
    FOLLOWED = "followed"  # a person without a document comes behind
    LEAVES = "leaves"  # leaves the camera's view, and does not enter the lane
    CALLS = "calls"  # gets an officer to open for them
    FORCES = "forces"  # pushes the closed leaf, and leaves
    ASKS = "asks"  # asks for an officer on the page, while they are looked at or when they may go
    COMPANION = "companion"  # stays before the camera, and another person passes on their grant
    # Between two doors
    TAILGATED = "tailgated"  # a person without a document steps in with them
    TURNS_INSIDE = "turns_inside"  # turns round before the last door, or towards the first
    STAYS_INSIDE = "stays_inside"  # does not go on
    FORGETS = "forgets"  # leaves something behind
    PRESSES = "presses"  # presses the call button
    FREED = "freed"  # an officer lets them out while they are inside
    PAUSED = "paused"  # an officer pauses the lane while they are inside
    EVACUATED = "evacuated"  # an officer declares an emergency while they are inside


BETWEEN_DOORS = (
    Intention.TAILGATED,
    Intention.TURNS_INSIDE,
    Intention.STAYS_INSIDE,
    Intention.FORGETS,
    Intention.PRESSES,
    Intention.FREED,
    Intention.PAUSED,
    Intention.EVACUATED,
)
_OF_THEIR_OWN = {Intention.GENUINE, Intention.ASKS, Intention.COMPANION}  # each has a share of its own
SELDOM = tuple(one for one in Intention if one not in _OF_THEIR_OWN and one not in BETWEEN_DOORS)
COMPANIONS_SHARE = 0.06  # of those who would go straight through: twenty thousand crossings have about a thousand
ASKS_SHARE = 0.006  # of those who would go straight through: so many an hour that a lane heeds every one
GENUINE_SHARE = 0.85
# Whoever does so makes the lane take something back, or free somebody, while its line may be bad.
PROVOKING = (Intention.AGAIN, Intention.LEAVES, Intention.CALLS)
PROVOKING_SHARE = 0.4  # of the crossings to which a fault falls that an order may be lost in
VALID = frozenset(Intention) - {Intention.FORGED, Intention.LOOKALIKE, Intention.ACCOMPANIED}


class Kind(enum.Enum):
    """What can go wrong. The words are those of `gate simulate --json`."""

    BUSY_ANSWER = "busy_answer"  # the board has no time, again and again
    BURST = "burst"  # a burst of noise on the line
    BIT_ERRORS = "bit_errors"  # single bits flip all through the crossing
    LOST_REPLY = "lost_reply"  # what the board answers is lost
    DOUBLED_REPLY = "doubled_reply"  # it arrives twice
    POWER_CYCLE = "power_cycle"  # of the board
    CLOCK_JUMP = "clock_jump"  # of the wall clock
    DISK_FULL = "disk_full"
    DEATH = "death"  # of the lane program
    SLOW_LEAF = "slow_leaf"
    STUCK_BEAM = "stuck_beam"
    FORGETFUL_OFFICER = "forgetful_officer"  # stops reporting presence
    FIRE = "fire"
    BLIND_COUNTER = "blind_counter"  # between two doors: it cannot count the people there
    LATE_REPLY = "late_reply"  # each answer comes up to two seconds late
    REORDERED_REPLY = "reordered_reply"  # an answer is overtaken by the next one


DEALT = tuple(kind for kind in Kind if kind not in {Kind.BIT_ERRORS, Kind.BLIND_COUNTER})


LOSING_ORDERS = frozenset({Kind.BUSY_ANSWER, Kind.BURST})


class Moment(enum.Enum):
    """From when on a fault's time counts."""

    LAID = "laid"  # the document
    GO = "go"  # shown on the screen
    INSIDE = "inside"  # the traveller is between two doors
    OUT = "out"  # the screen shows that they may leave it
    PROVOKED = "provoked"  # what makes the lane take something back, or free somebody, is about to be done


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `drawn`, 0 to 1, is for any further choice; `at` is the board or line that it hits."""

    kind: Kind
    moment: Moment
    after_s: float
    lasts_s: float
    drawn: float
    at: str = field(default=LAST, repr=False)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One crossing. Times are seconds; those of chip and camera count from when the lane begins with them."""

    number: int
    intention: Intention
    rest_s: float  # before the document is laid
    reads_s: float
    compares_s: float
    goes_s: float  # from the screen that shows so to the first step
    drawn: float
    faults: tuple[Fault, ...] = ()

    @property
    def name(self) -> str:
        """Who comes: the name of the traveller, and of their document."""
        return f"t{self.number}"


LASTS_S: dict[Kind, tuple[float, float]] = {
    Kind.BUSY_ANSWER: (0.05, 2.0),
    Kind.BURST: (0.02, 1.5),
    Kind.BIT_ERRORS: (30.0, 30.0),
    Kind.LOST_REPLY: (0.3, 0.8),
    Kind.DOUBLED_REPLY: (0.2, 2.0),
    Kind.POWER_CYCLE: (0.0, 0.0),
    Kind.CLOCK_JUMP: (5.1, 8.0),
    Kind.DISK_FULL: (2.0, 4.0),
    Kind.DEATH: (0.3, 2.0),
    Kind.SLOW_LEAF: (8.0, 8.0),
    Kind.STUCK_BEAM: (0.3, 4.0),
    Kind.FORGETFUL_OFFICER: (1.0, 5.0),
    Kind.FIRE: (0.3, 4.0),
    Kind.BLIND_COUNTER: (0.3, 8.0),
    Kind.LATE_REPLY: (0.3, 2.0),
    Kind.REORDERED_REPLY: (0.3, 2.0),
}


def crossing(seed: int, number: int, *, faults: bool, kinds: frozenset[Kind] = frozenset(Kind)) -> Crossing:
    """Draw one crossing; of its faults only those of these kinds."""
    rng = random.Random(f"{seed}/{number}")
    fall = falls_to(seed, number) if faults else ()
    intention: Intention = Intention.GENUINE if rng.random() < GENUINE_SHARE else rng.choice(SELDOM)
    if not LOSING_ORDERS.isdisjoint(fall) and rng.random() < PROVOKING_SHARE:
        intention = rng.choice(PROVOKING)
    if intention is Intention.GENUINE and random.Random(f"{seed}/{number}/asks").random() < ASKS_SHARE:
        intention = Intention.ASKS
    if intention is Intention.GENUINE and random.Random(f"{seed}/{number}/companion").random() < COMPANIONS_SHARE:
        intention = Intention.COMPANION
    drawn = times_of(rng, number, intention)
    wrong = tuple(_fault(seed, number, kind, intention) for kind in fall if kind in kinds)
    return replace(drawn, faults=wrong)


def times_of(rng: random.Random, number: int, intention: Intention) -> Crossing:
    """A crossing whose times are drawn, without faults."""
    return Crossing(
        number=number,
        intention=intention,
        rest_s=rng.uniform(0.05, 0.3),
        reads_s=rng.uniform(0.4, 1.6),
        compares_s=rng.uniform(0.3, 1.6),
        goes_s=rng.uniform(0.2, 0.8),
        drawn=rng.random(),
    )


def falls_to(seed: int | str, number: int, dealt: tuple[Kind, ...] = DEALT) -> tuple[Kind, ...]:
    """The kinds of fault, of these, that are dealt out to this crossing."""
    block, at = divmod(number, BLOCK)
    kinds = tuple(kind for kind, place in zip(dealt, _places(seed, block, len(dealt)), strict=True) if place == at)
    offset = random.Random(f"{seed}/bits").randrange(BIT_ERRORS_EVERY)
    return (*kinds, Kind.BIT_ERRORS) if number % BIT_ERRORS_EVERY == offset else kinds


@functools.lru_cache(maxsize=4)
def _places(seed: int | str, block: int, kinds: int) -> tuple[int, ...]:
    rng = random.Random(f"{seed}/block/{block}")
    return tuple(rng.randrange(BLOCK) for _ in range(kinds))


def _fault(seed: int, number: int, kind: Kind, intention: Intention) -> Fault:
    """Half of them come while document and face are looked at or later, half when somebody may go: there an order can be lost."""
    rng = random.Random(f"{seed}/{number}/{kind.value}")
    if kind in FROM_THE_START:
        moment, after_s = Moment.LAID, 0.0
    elif kind is Kind.SLOW_LEAF:
        moment, after_s = Moment.LAID, rng.uniform(0.0, 1.5)
    elif kind is Kind.DISK_FULL:
        moment, after_s = (
            Moment.LAID,
            rng.choice([0.0, rng.uniform(0.05, 0.7)]),
        )  # before the opening, or before the decision
    elif kind in LOSING_ORDERS and intention in PROVOKING:
        return Fault(kind, Moment.PROVOKED, 0.0, rng.uniform(*PROVOKED_S), rng.random())
    else:
        moment = rng.choice([Moment.LAID, Moment.GO])
        after_s = rng.uniform(0.0, 2.5 if moment is Moment.LAID else 1.5)
    return Fault(kind, moment, after_s, rng.uniform(*LASTS_S[kind]), rng.random())


PROVOKED_S = (0.15, 0.95)  # shorter than a board's watchdog, which would make up for every order
FROM_THE_START = frozenset({Kind.BIT_ERRORS, Kind.FORGETFUL_OFFICER, Kind.CLOCK_JUMP})
