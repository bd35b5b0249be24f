"""The people of the world: each traveller's identity, passport and appearance before the camera.

The seed and the traveller's id determine everything, so one seed always gives the same stories. Travellers may share
identities, but never a document number. The seed orders the editions of passports: as many travellers as there are
editions show each of them once.
"""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hardware_sim.camera import scenes
from hardware_sim.page.laid_pages import Printed, laid_pages
from hardware_sim.passport.editions import EDITIONS, KNOWN, Edition
from hardware_sim.passport.issuer import Issuer, Person
from hardware_sim.scenario import Kind, Owner, Scenario, Sight
from hardware_sim.sequences.artefacts import Attack
from hardware_sim.sequences.attacks import presentation
from hardware_sim.stage import Cast

if TYPE_CHECKING:
    from hardware_sim.faces import Identity

NATIONALITY = "UTO"
NUMBER_CHARACTERS = 9
SURNAMES = ("AARTSEN", "BELLOMO", "CASTELLAN", "DUBOIS", "ERIKSSON", "FERREIRA", "GRUBER", "HORVAT", "IVANOV", "JANSEN")
GIVEN = ("ADA", "BRUNO", "CLARA", "DAVID", "ELENA", "FILIP", "GRETA", "HUGO", "IRIS", "JONAS", "ANNA MARIA")
SEXES = ("F", "M", "X")
DAY = timedelta(days=1)


class CompanyError(Exception):
    """There are not enough identities for the stories."""


class Company:
    """Casts travellers from a few identities, with pages for a document camera or lines for a serial reader.

    Raises CompanyError with fewer than two identities.
    """

    def __init__(
        self, identities: tuple[Identity, ...], issuer: Issuer, seed: int, *, lays_pages: bool = False
    ) -> None:
        if len(identities) < len(Owner):
            raise CompanyError(f"{len(identities)} identities; stories need {len(Owner)}")
        self._identities = identities
        self._issuer = issuer
        self._seed = seed
        self._lays_pages = lays_pages
        self._numbers: set[str] = set()
        self._editions = random.Random(f"{seed}:editions").sample(sorted(EDITIONS), k=len(EDITIONS))

    def chance(self, traveller: str) -> random.Random:
        """Return this traveller's random generator."""
        return random.Random(f"{self._seed}:{traveller}")

    def cast(self, traveller: str, scenario: Scenario) -> Cast:
        """Return the people and the passport of one story."""
        dice = self.chance(f"{traveller}:cast")
        me, other = self._two(dice, scenario)
        for one in (me, other) if scenario.sight in {Sight.OTHER, Sight.TWO} else (me,):
            one.frames()  # decoded now (0.1 s of CPU): at the camera the gate would wait for it
        owner, presenter = (me, other) if scenario.document is Owner.SELF else (other, me)
        edition = self._edition(scenario)
        person = self._person(dice, scenario.age, scenario.number)
        passport = self._issuer.issue(
            person,
            portrait_jpeg=owner.portrait_jpeg(),
            other_portrait_jpeg=presenter.portrait_jpeg(),
            faults=scenario.document_faults,
            active_authentication=edition.active_authentication,
            features=edition.features,
            security_object=edition.security_object,
            signer=edition.signer,
            document="TD1" if scenario.kind is Kind.CARD else "TD3",
        )
        printed = Printed(person, scenario.kind, passport.mrz_lines, owner.portrait_jpeg())
        return Cast(
            passport=passport,
            laid=laid_pages(printed, scenario) if self._lays_pages else (passport.mrz_lines,),
            scenes={
                Sight.SELF: scenes.Person(me),
                Sight.OTHER: scenes.Person(other),
                Sight.NOBODY: scenes.Empty(),
                Sight.TWO: scenes.Persons(me, other),
                Sight.PICTURE: scenes.PrintedPicture(me),
                Sight.BENT_PRINT: _presented(Attack.BENT_PRINT, me, other, "laser"),
                Sight.SCREEN: _presented(Attack.SCREEN, me, other, "monitor"),
                Sight.RECORDING: scenes.Injected(scenes.Person(me)),
                Sight.COVERED: scenes.Covered(),
            },
        )

    def _two(self, dice: random.Random, scenario: Scenario) -> list[Identity]:
        """Return two identities: the traveller, one of the scenario's people, and another person."""
        if not scenario.people:
            return dice.sample(self._identities, k=2)
        me = dice.choice([face for face in self._identities if face.name in scenario.people])
        return [me, dice.choice([face for face in self._identities if face is not me])]

    def _edition(self, scenario: Scenario) -> Edition:
        """Return the scenario's edition, or the next genuine one."""
        if scenario.edition is not None:
            return KNOWN[scenario.edition]
        name = self._editions.pop(0)
        self._editions.append(name)
        return EDITIONS[name]

    def _person(self, dice: random.Random, age: int | None, number: str | None) -> Person:
        today = datetime.now(UTC).date()
        return Person(
            surname=dice.choice(SURNAMES),
            given=dice.choice(GIVEN),
            number=number or self._fresh_number(dice),
            nationality=NATIONALITY,
            sex=dice.choice(SEXES),
            birth=today
            - (dice.randrange(20 * 365, 70 * 365) if age is None else age * 366 + dice.randrange(300)) * DAY,
            expiry=today + dice.randrange(365, 9 * 365) * DAY,
        )

    def _fresh_number(self, dice: random.Random) -> str:
        while True:
            characters = string.digits + string.ascii_uppercase
            number = "".join(dice.choice(characters) for _ in range(NUMBER_CHARACTERS))
            if number not in self._numbers:
                self._numbers.add(number)
                return number


def _presented(attack: Attack, subject: Identity, other: Identity, variant: str) -> scenes.Playing:
    """Return a passport portrait as a hand-held artefact; at the end it remains in its last position."""
    return scenes.Playing(presentation(attack, "held", subject.name, other.name, variant=variant))
