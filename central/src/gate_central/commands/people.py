"""`gate central site` and `person`: parties, sites and gates, and people's access to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate_central.commands.store import Database, Dir, explained, opened, served
from gate_central.rights import Role
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, tell

Words = Annotated[str, typer.Option("--name", help="What people call it.")]

sites = typer.Typer(no_args_is_help=True, help="Parties, their sites, and where gates stand.")
people = typer.Typer(no_args_is_help=True, help="Who may look.")


@sites.command("add-party")
def add_party(
    party: Annotated[str, typer.Argument(help="Its id: small letters, digits and hyphens.")],
    folder: Dir,
    name: Words,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Add a party whose people see its own gates alone, or give it another name."""
    with served(folder, database) as server:
        server.tenants.add_party(party, name)
    tell("central.site.add-party/1", {"party": party, "name": name}, f"party {party}: {name}", as_json=as_json)


@sites.command("add")
def add_site(
    site: Annotated[str, typer.Argument(help="Its id: small letters, digits and hyphens.")],
    folder: Dir,
    party: Annotated[str, typer.Option(help="Whose it is.")],
    name: Words,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Add a site of a party, or give it another name."""
    with served(folder, database) as server:
        server.tenants.add_site(site, party, name)
    fields = {"site": site, "party": party, "name": name}
    tell("central.site.add/1", fields, f"site {site} of {party}: {name}", as_json=as_json)


@sites.command("place")
def place(
    gate_id: Annotated[str, typer.Argument(help="The gate's id.")],
    folder: Dir,
    site: Annotated[str | None, typer.Option(help="Where it stands.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Its group for updates: served of UPDATES/groups/GROUP where that is.")
    ] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Say where a gate stands, and which group of updates it is in."""
    if site is None and group is None:
        fail(Exit.USAGE, "say --site, or --group, or both")
    with served(folder, database) as server:
        server.tenants.put(gate_id, site=site, canary=group)
    told = f"{gate_id}: site {site or 'as before'}, group {group or 'as before'}"
    tell("central.site.place/1", {"gate": gate_id, "site": site, "group": group}, told, as_json=as_json)


@sites.command("list")
def list_sites(folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """Every party with its sites and their gates."""
    with explained(), opened(folder, database) as engine:
        from gate_central.tenants import Tenants

        tree, placed = Tenants(engine).tree(), Tenants(engine).everywhere()
    gates = {
        site: sorted(one.device for one in placed.values() if one.site == site) for _, _, of in tree for site, _ in of
    }
    rows = [
        {"id": party, "name": name, "sites": [{"id": site, "name": words, "gates": gates[site]} for site, words in of]}
        for party, name, of in tree
    ]
    groups = {one.device: one.canary for one in placed.values() if one.canary is not None}
    lines = list[str]()
    for party, name, of in tree:
        lines += [
            f"{party}: {name}",
            *(f"    {site}: {words}: {' '.join(gates[site]) or 'no gate'}" for site, words in of),
        ]
    tell("central.site.list/1", {"parties": rows, "groups": groups}, *lines, as_json=as_json)


@people.command("add")
def add_person(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens.")],
    folder: Dir,
    role: Annotated[Role, typer.Option(help="What they are.")],
    csr: Annotated[Path, typer.Option(help="Their signing request (PKCS #10), CN=NAME, made where their key is.")],
    out: Annotated[Path, typer.Option(help="Where their certificate goes (PEM). It is no secret.")],
    party: Annotated[
        str | None, typer.Option(help="Whose people they are; left out: they look at the whole nation.")
    ] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Let a person in: a certificate of 90 days for the pages, for a key that they made and keep. Whoever had one before by this name has it no more."""
    with served(folder, database) as server:
        from gate_central.authority import CSR_BYTES_MAX
        from gate_central.errors import BadRequestError
        from gate_central.tenants import ID
        from gate_core.ordinary import read_ordinary

        if ID.fullmatch(name) is None:
            fail(Exit.USAGE, f"{name!r} is no name: small letters, digits and hyphens, 63 at most")
        try:
            made = server.certificate_of(name, read_ordinary(csr, 2 * CSR_BYTES_MAX))
        except OSError as error:
            fail(Exit.IO_ERROR, f"{csr}: {error.strerror or error}")
        except BadRequestError as error:
            fail(Exit.BAD_DATA, f"{csr}: {error}")
        try:
            key = server.admit_person(name, role, party, made, out)
        except OSError as error:
            fail(Exit.IO_ERROR, f"{out}: {error.strerror or error}; name a new file in a folder that exists")
    tell(
        "central.person.add/1",
        {"person": name, "role": role.value, "party": party, "file": str(out), "key_sha256": key},
        f"{name} is {role.value} of {party or 'the whole nation'}; the certificate is in {out}",
        f"SHA-256 of their public key: {key}; they compare it with their own before anybody relies on it",
        as_json=as_json,
    )


@people.command("dismiss")
def dismiss(
    name: Annotated[str, typer.Argument(help="Who looks no more.")],
    folder: Dir,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Take a person's right away, from the next request on."""
    with served(folder, database) as server:
        server.tenants.dismiss(name)
    tell("central.person.dismiss/1", {"person": name}, f"{name} looks no more", as_json=as_json)


@people.command("list")
def list_people(folder: Dir, database: Database = None, as_json: Json = False) -> None:
    """Who may look, at what."""
    with explained(), opened(folder, database) as engine:
        from gate_central.tenants import Tenants

        known = Tenants(engine).everybody()
    rows, lines = list[object](), list[str]()
    for one in known:
        rows.append({"name": one.name, "role": one.role.value, "party": one.party, "dismissed": one.revoked})
        ended = "dismissed" if one.revoked else ""
        lines.append(f"{one.name:24} {one.role.value:12} {one.party or 'whole nation':24} {ended}".rstrip())
    tell("central.person.list/1", {"people": rows}, *lines, as_json=as_json)
