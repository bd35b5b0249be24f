"""The plan of a crossing, from the seed and its number alone: the person, their intention, and the faults. Pure.

A plan does not depend on earlier crossings, so that a few of many can be replayed alone. Faults are dealt, not drawn:
each kind occurs once in every `BLOCK` crossings, bit errors in every tenth, so that a longer run contains all of them.
"""

from __future__ import annotations

import enum
import functools
import random
from dataclasses import dataclass, field, replace

from hardware_sim.hall.lane import LAST

BLOCK = 92  # crossings; each kind of fault occurs in one of them: with fifteen kinds, a fault in every sixth
BIT_ERRORS_EVERY = 10


class Doors(enum.Enum):
    """The number of doors of a lane. The values are those of `gate simulate --lane`."""

    ONE = "one-door"
    TWO = "two-door"


class Intention(enum.Enum):
    """A person's intention. Only `GENUINE` should be admitted."""

    GENUINE = "genuine"  # their own valid document, their own face, and straight through
    FORGED = "forged"  # the document is not genuine
    LOOKALIKE = "lookalike"  # another person's document
    ACCOMPANIED = "accompanied"  # two faces before the camera
    PULLS = "pulls"  # takes the document away while it is being read
    AGAIN = "again"  # presents another document at GO
    STAYS = "stays"  # does not walk
    TURNS = "turns"  # leaves the zone again
    SWAPS = "swaps"  # leaves the zone again, and another person enters
    FOLLOWED = "followed"  # a person without a document follows
    LEAVES = "leaves"  # leaves the camera's view, and does not enter the lane
    CALLS = "calls"  # lets an officer open the lane for them
    FORCES = "forces"  # pushes the closed leaf, and leaves
    ASKS = "asks"  # asks for an officer on the page, during the examination or at GO
    COMPANION = "companion"  # stays before the camera, while another person passes on their grant
    # Between two doors
    TAILGATED = "tailgated"  # a person without a document enters with them
    TURNS_INSIDE = "turns_inside"  # turns back before the last door, or towards the first
    STAYS_INSIDE = "stays_inside"  # does not continue
    FORGETS = "forgets"  # leaves an object behind
    PRESSES = "presses"  # presses the call button
    FREED = "freed"  # an officer releases them while they are inside
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
_OF_THEIR_OWN = {Intention.GENUINE, Intention.ASKS, Intention.COMPANION}  # each has its own share
SELDOM = tuple(one for one in Intention if one not in _OF_THEIR_OWN and one not in BETWEEN_DOORS)
COMPANIONS_SHARE = 0.06  # of those who would walk straight through: about a thousand in twenty thousand crossings
ASKS_SHARE = 0.006  # of those who would walk straight through: few enough an hour that a lane handles each
GENUINE_SHARE = 0.85
# These make the lane revoke an order or release a person while its line may be faulty.
PROVOKING = (Intention.AGAIN, Intention.LEAVES, Intention.CALLS)
PROVOKING_SHARE = 0.4  # share of the crossings with a fault that may lose an order
VALID = frozenset(Intention) - {Intention.FORGED, Intention.LOOKALIKE, Intention.ACCOMPANIED}


class Kind(enum.Enum):
    """A kind of fault. The values are those of `gate simulate --json`."""

    BUSY_ANSWER = "busy_answer"  # the board repeatedly answers that it is busy
    BURST = "burst"  # a burst of noise on the line
    BIT_ERRORS = "bit_errors"  # single bits flip during the whole crossing
    LOST_REPLY = "lost_reply"  # the board's answer is lost
    DOUBLED_REPLY = "doubled_reply"  # the board's answer arrives twice
    POWER_CYCLE = "power_cycle"  # of the board
    CLOCK_JUMP = "clock_jump"  # of the wall clock
    DISK_FULL = "disk_full"
    DEATH = "death"  # of the lane program
    SLOW_LEAF = "slow_leaf"
    STUCK_BEAM = "stuck_beam"
    FORGETFUL_OFFICER = "forgetful_officer"  # stops reporting presence
    FIRE = "fire"
    BLIND_COUNTER = "blind_counter"  # between two doors: it cannot count people
    LATE_REPLY = "late_reply"  # each answer is up to two seconds late
    REORDERED_REPLY = "reordered_reply"  # the next answer overtakes one


DEALT = tuple(kind for kind in Kind if kind not in {Kind.BIT_ERRORS, Kind.BLIND_COUNTER})


LOSING_ORDERS = frozenset({Kind.BUSY_ANSWER, Kind.BURST})


class Moment(enum.Enum):
    """The start of a fault's time."""

    LAID = "laid"  # the document is placed
    GO = "go"  # shown on the screen
    INSIDE = "inside"  # the traveller is between two doors
    OUT = "out"  # the screen shows that they may leave the lane
    PROVOKED = "provoked"  # just before an event that makes the lane revoke an order or release a person


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `drawn`, 0 to 1, is for further choices; `at` is the board or line that it hits."""

    kind: Kind
    moment: Moment
    after_s: float
    lasts_s: float
    drawn: float
    at: str = field(default=LAST, repr=False)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One crossing. Times are seconds; those of chip and camera count from the lane's start with them."""

    number: int
    intention: Intention
    rest_s: float  # before the document is placed
    reads_s: float
    compares_s: float
    goes_s: float  # from the screen that shows GO to the first step
    drawn: float
    faults: tuple[Fault, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the traveller, which is also their document's."""
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
    """Return the plan of one crossing, with those of its faults that are of these kinds."""
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
    """Return a crossing with its times, without faults."""
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
    """Return the kinds of fault in `dealt` that this crossing gets."""
    block, at = divmod(number, BLOCK)
    kinds = tuple(kind for kind, place in zip(dealt, _places(seed, block, len(dealt)), strict=True) if place == at)
    offset = random.Random(f"{seed}/bits").randrange(BIT_ERRORS_EVERY)
    return (*kinds, Kind.BIT_ERRORS) if number % BIT_ERRORS_EVERY == offset else kinds


@functools.lru_cache(maxsize=4)
def _places(seed: int | str, block: int, kinds: int) -> tuple[int, ...]:
    rng = random.Random(f"{seed}/block/{block}")
    return tuple(rng.randrange(BLOCK) for _ in range(kinds))


def _fault(seed: int, number: int, kind: Kind, intention: Intention) -> Fault:
    """Return the crossing's fault: half begin during the examination or later, half at GO, where an order can be lost."""
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


PROVOKED_S = (0.15, 0.95)  # shorter than a board's watchdog, which would replace every lost order
FROM_THE_START = frozenset({Kind.BIT_ERRORS, Kind.FORGETFUL_OFFICER, Kind.CLOCK_JUMP})
