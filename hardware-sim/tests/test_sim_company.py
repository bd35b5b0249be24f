"""The people of the world: the same seed casts the same people, and nobody's passport is used twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hardware_sim.camera import scenes
from hardware_sim.company import Company, CompanyError
from hardware_sim.passport.editions import DRILLS, EDITIONS, Edition
from hardware_sim.scenario import Scenario, Sight, parse_scenario


@dataclass(frozen=True)
class Face:
    """An identity without pictures."""

    name: str

    def portrait_jpeg(self) -> bytes:
        return self.name.encode()

    def frames(self) -> tuple[()]:
        return ()


class Clerk:
    """An issuer that notes what it is asked for."""

    def __init__(self) -> None:
        self.issued: list[tuple[Any, dict[str, Any]]] = []

    def issue(self, person: Any, **named: Any) -> Any:
        self.issued.append((person, named))
        return SimpleNamespace(mrz_lines=("line one", "line two"))


FACES = tuple(Face(name) for name in ("ada", "bruno", "clara", "david"))


def scenario(**document: Any) -> Scenario:
    return parse_scenario(
        {"name": "n", "title": "t", "verdict": "referred", "incidents": [], "passages": 0, "document": document}
    )


def company(seed: int = 1) -> tuple[Company, Clerk]:
    clerk = Clerk()
    return Company(cast("Any", FACES), cast("Any", clerk), seed), clerk


def test_a_traveller_carries_a_passport_with_their_own_portrait() -> None:
    people, clerk = company()
    cast_of = people.cast("t1", scenario())
    me = cast_of.scenes[Sight.SELF]
    assert isinstance(me, scenes.Person)
    ((_, named),) = clerk.issued
    assert named["portrait_jpeg"] == me.identity.portrait_jpeg()
    assert named["faults"] == frozenset()
    assert cast_of.laid == (("line one", "line two"),)


def test_a_borrowed_passport_has_the_owners_portrait_and_a_swapped_one_the_presenters() -> None:
    people, clerk = company()
    cast_of = people.cast("t1", scenario(of="other", faults=["dg2_swapped"]))
    ((_, named),) = clerk.issued
    owner, presenter = cast_of.scenes[Sight.OTHER], cast_of.scenes[Sight.SELF]
    assert isinstance(owner, scenes.Person)
    assert isinstance(presenter, scenes.Person)
    assert named["portrait_jpeg"] == owner.identity.portrait_jpeg()
    assert named["other_portrait_jpeg"] == presenter.identity.portrait_jpeg()
    assert named["faults"] == {"dg2_swapped"}


def test_every_sight_has_a_scene_of_two_different_people() -> None:
    people, _ = company()
    for number in range(20):
        sights = people.cast(f"t{number}", scenario()).scenes
        assert set(sights) == set(Sight)
        assert sights[Sight.SELF] != sights[Sight.OTHER]
        assert sights[Sight.NOBODY] == scenes.Empty()


def test_the_same_seed_casts_the_same_people_and_another_one_others() -> None:
    casts = []
    for seed in (1, 1, 2):
        people, clerk = company(seed)
        scenes_of = [people.cast(f"t{number}", scenario()).scenes for number in range(10)]
        casts.append((scenes_of, [vars_of(person) for person, _ in clerk.issued]))
    assert casts[0] == casts[1] != casts[2]


def test_a_scenarios_people_are_the_travellers_and_anybody_stands_beside() -> None:
    people, _ = company()
    travellers, others = set(), set()
    for number in range(60):
        sights = people.cast(f"t{number}", replace(scenario(), people=("ada", "clara"))).scenes
        me, other = sights[Sight.SELF], sights[Sight.OTHER]
        assert isinstance(me, scenes.Person)
        assert isinstance(other, scenes.Person)
        assert me != other
        travellers.add(me.identity.name)
        others.add(other.identity.name)
    assert travellers == {"ada", "clara"}
    assert others == {"ada", "bruno", "clara", "david"}


def vars_of(person: Any) -> tuple[Any, ...]:
    return person.surname, person.given, person.number, person.sex, person.birth, person.expiry


def edition_of(named: dict[str, Any]) -> Edition:
    return Edition(named["features"], named["active_authentication"], named["signer"], named["security_object"])


def test_as_many_travellers_as_there_are_editions_carry_them_all_and_each_seed_has_its_order() -> None:
    orders = []
    for seed in (1, 1, 2):
        people, clerk = company(seed)
        for number in range(len(EDITIONS)):
            people.cast(f"t{number}", scenario())
        orders.append([edition_of(named) for _, named in clerk.issued])
    assert all(set(map(repr, order)) == set(map(repr, EDITIONS.values())) for order in orders)
    assert orders[0] == orders[1] != orders[2]


def test_a_scenario_that_names_an_edition_gets_it_and_takes_none_from_the_others() -> None:
    people, clerk = company()
    plain, same = company()
    people.cast("drill", scenario(edition="weak_signature"))
    people.cast("t1", scenario())
    plain.cast("t1", scenario())
    first, second = (edition_of(named) for _, named in clerk.issued)
    assert first == DRILLS["weak_signature"]
    assert second == edition_of(same.issued[0][1])


def test_a_childs_document_has_their_age_and_a_grown_ups_one_of_twenty_years_at_least() -> None:
    people, clerk = company()
    for number in range(50):
        people.cast(f"c{number}", scenario(age=8))
        people.cast(f"g{number}", scenario())
    ages = [(datetime.now(UTC).date() - person.birth) / timedelta(days=365.25) for person, _ in clerk.issued]
    assert all(8 <= age < 9 for age in ages[::2])
    assert all(age >= 19.9 for age in ages[1::2])


def test_no_document_number_is_used_twice() -> None:
    people, clerk = company()
    for _ in range(3):
        people.cast("t1", scenario())
    numbers = [person.number for person, _ in clerk.issued]
    assert len(set(numbers)) == 3
    assert all(len(number) == 9 and number.isalnum() and number.isupper() for number in numbers)


def test_a_company_of_one_cannot_play() -> None:
    with pytest.raises(CompanyError, match="stories need 2"):
        Company(cast("Any", FACES[:1]), cast("Any", Clerk()), 1)
