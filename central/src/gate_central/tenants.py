"""Parties, their sites and gates, and the people with access to the pages, each of one party or of the whole nation.

People of a party do not see a gate without a site. Each change is recorded in central's own log in the same
transaction. Left to `gate_central.rights`: what a role may do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gate_central.database import dialect_of, insert, reading
from gate_central.errors import BadRequestError, UnknownError
from gate_central.rights import Role
from gate_central.schema import gates, parties, people, places, sites

if TYPE_CHECKING:
    from gate_central.admin_log import AdminLog

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NAME_MAX = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A gate's party, site and update group; None: not set."""

    device: str
    party: str | None = None
    site: str | None = None
    site_name: str = ""
    canary: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A person with access; `party` None: the whole nation."""

    name: str
    role: Role
    party: str | None
    revoked: bool

    def sees(self, place: Place) -> bool:
        """True if the person may see a gate at this place."""
        return self.party is None or self.party == place.party


class Tenants:
    """The tables of parties, sites, places and people. Only changes need `admin_log`."""

    def __init__(self, engine: sa.Engine, admin_log: AdminLog | None = None) -> None:
        self._reading = reading(engine)
        self._admin_log = admin_log

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def of(self, device: str) -> Place:
        """Return a gate's place."""
        return self.everywhere(device).get(device, Place(device))

    def everywhere(self, device: str | None = None) -> dict[str, Place]:
        """Return the places by gate, of all gates that have one, or of `device` only."""
        joined = places.outerjoin(sites, sites.c.id == places.c.site)
        query = sa.select(places, sites.c.party, sites.c.name).select_from(joined)
        if device is not None:
            query = query.where(places.c.device == device)
        with self._reading.connect() as connection:
            rows = connection.execute(query).all()
        return {row.device: Place(row.device, row.party, row.site, row.name or "", row.canary) for row in rows}

    def canary(self, device: str) -> str | None:
        """Return a gate's update group, None if not set."""
        with self._reading.connect() as connection:
            query = sa.select(places.c.canary).where(places.c.device == device)
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def tree(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return each party's id, name and sites (id, name)."""
        with self._reading.connect() as connection:
            known = connection.execute(sa.select(parties).order_by(parties.c.id)).all()
            theirs = connection.execute(sa.select(sites).order_by(sites.c.id)).all()
        return [(one.id, one.name, [(two.id, two.name) for two in theirs if two.party == one.id]) for one in known]

    def person(self, certificate: str) -> Person | None:
        """Return the person with this certificate (SHA-256); None if unknown or revoked."""
        query = sa.select(people).where(people.c.certificate == certificate, people.c.revoked.is_(False))
        with self._reading.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Person(row.name, Role(row.role), row.party, revoked=False)

    def everybody(self) -> list[Person]:
        """Return all people, including revoked ones."""
        with self._reading.connect() as connection:
            rows = connection.execute(sa.select(people).order_by(people.c.name)).all()
        return [Person(row.name, Role(row.role), row.party, revoked=row.revoked) for row in rows]

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_party(self, party: str, name: str) -> None:
        """Add or rename a party. Raises BadRequestError."""
        _check(party, name)

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            _put(connection, parties, {"id": party}, {"name": name})
            return None, {"party": party, "name": name}

        self._do("party_set", act)

    def add_site(self, site: str, party: str, name: str) -> None:
        """Add or rename a site of a party. Raises UnknownError, and BadRequestError, also for another party's site."""
        _check(site, name)

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            _expect(connection, parties, party, "party")
            of = connection.execute(sa.select(sites.c.party).where(sites.c.id == site)).scalar_one_or_none()
            if of not in {None, party}:
                raise BadRequestError(f"{site} is a site of {of}")
            _put(connection, sites, {"id": site}, {"party": party, "name": name})
            return None, {"site": site, "party": party, "name": name}

        self._do("site_set", act)

    def put(self, device: str, *, site: str | None, canary: str | None) -> None:
        """Set a gate's site and update group; None leaves a value unchanged. Raises BadRequestError, UnknownError."""
        told = {key: value for key, value in (("site", site), ("canary", canary)) if value is not None}
        for one in told.values():
            _check(one, one)

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            known = sa.select(gates.c.device).where(gates.c.device == device)
            if connection.execute(known).one_or_none() is None:
                raise UnknownError(f"no gate {device}")
            if site is not None:
                _expect(connection, sites, site, "site")
            if told:
                _put(connection, places, {"device": device}, told)
            return None, {"gate": device, **told}

        self._do("gate_placed", act)

    def admit(self, name: str, role: Role, party: str | None, certificate: str) -> None:
        """Give a person access by a certificate, or replace it. Raises BadRequestError and UnknownError."""
        _check(name, name)
        fields = {"role": role.value, "party": party, "certificate": certificate, "revoked": False}

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            if party is not None:
                _expect(connection, parties, party, "party")
            _put(connection, people, {"name": name}, fields)
            return None, {"person": name, **fields}

        self._do("person_admitted", act)

    def dismiss(self, name: str) -> None:
        """Revoke a person's access, from the next request on. Raises UnknownError."""

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            gone = people.update().where(people.c.name == name).values(revoked=True)
            if connection.execute(gone).rowcount != 1:
                raise UnknownError(f"nobody is called {name}")
            return None, {"person": name}

        self._do("person_dismissed", act)

    def _do(self, kind: str, act: Callable[[sa.Connection], tuple[None, Mapping[str, object]]]) -> None:
        assert self._admin_log is not None, "who changes something says so"
        self._admin_log.do(kind, act)


def _check(name: str, words: str) -> None:
    if ID.fullmatch(name) is None:
        raise BadRequestError(f"{name!r} is no name: small letters, digits and hyphens, 63 at most")
    if not 0 < len(words) <= NAME_MAX or not words.isprintable():
        raise BadRequestError(f"a name in words is 1 to {NAME_MAX} printable characters")


def _put(connection: sa.Connection, table: sa.Table, key: Mapping[str, object], fields: Mapping[str, object]) -> None:
    new = insert(dialect_of(connection), table).values({**key, **fields})
    connection.execute(new.on_conflict_do_update(index_elements=list(key), set_=dict(fields)))


def _expect(connection: sa.Connection, table: sa.Table, name: str, what: str) -> None:
    if connection.execute(sa.select(table.c.id).where(table.c.id == name)).one_or_none() is None:
        raise UnknownError(f"no {what} {name}")
