"""Who may hold a connection: places by holder."""

from __future__ import annotations

from dataclasses import dataclass

from gate_core.http_server.connections import ConnectionLimits, ConnectionPlaces, limits_of_process


@dataclass(eq=False)
class Caller:
    """A connection that is only counted."""

    is_busy: bool = False
    is_out: bool = False

    def show_out(self) -> None:
        self.is_out = True


def entered(places: ConnectionPlaces, count: int, holder: str | None, *, is_busy: bool = False) -> list[Caller]:
    callers = [Caller(is_busy) for _ in range(count)]
    for one in callers:
        places.enter(one, holder)
    return callers


def out(callers: list[Caller]) -> list[int]:
    return [number for number, one in enumerate(callers) if one.is_out]


def test_of_strangers_the_newest_put_out_the_oldest_and_no_gate() -> None:
    places = ConnectionPlaces(ConnectionLimits(strangers_max=3))
    gates = [entered(places, 1, f"gate {number}")[0] for number in range(50)]
    assert out(entered(places, 10, None)) == list(range(7))
    assert out(gates) == []


def test_a_gate_that_connects_without_end_puts_out_itself_only() -> None:
    places = ConnectionPlaces(ConnectionLimits(a_holder_max=2))
    other = entered(places, 2, "other")
    assert out(entered(places, 5, "greedy")) == [0, 1, 2]
    assert out(other) == []


def test_whoever_is_being_served_stays_while_others_only_wait() -> None:
    places = ConnectionPlaces(ConnectionLimits(a_holder_max=3))
    served = entered(places, 2, "gate", is_busy=True)
    waiting = entered(places, 1, "gate")
    entered(places, 1, "gate")
    assert (out(served), out(waiting)) == ([], [0])
    more = entered(places, 2, "gate", is_busy=True)
    assert (out(served), out(more)) == ([0], []), "the longest one, where all are served"


def test_a_full_server_makes_room_for_gates_by_putting_out_strangers_and_then_the_oldest_idle() -> None:
    places = ConnectionPlaces(ConnectionLimits(everybody_max=4, strangers_max=3))
    strangers = entered(places, 2, None)
    gates = entered(places, 1, "a", is_busy=True) + entered(places, 1, "b")
    later = entered(places, 1, "c") + entered(places, 1, "d")
    assert (out(strangers), out(gates)) == ([0, 1], [])
    assert out(entered(places, 1, "e")) == []
    assert (out(gates), out(later)) == ([1], [])
    assert out(entered(places, 1, None)) == [0], "a stranger finds no place at a server full of gates"


def test_a_place_is_free_again_when_its_guest_has_left() -> None:
    places = ConnectionPlaces(ConnectionLimits(strangers_max=1))
    (first,) = entered(places, 1, None)
    places.leave(first)
    places.leave(first)
    (second,) = entered(places, 1, None)
    assert not first.is_out
    assert not second.is_out


def test_the_limits_follow_from_the_descriptors_that_there_may_be() -> None:
    assert limits_of_process().everybody_max >= ConnectionLimits().strangers_max
