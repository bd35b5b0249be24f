"""`gate update publish`: maintains the operator's repository of updates, on the operator's machines, which no gate can reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, code_of, emit_json, fail, say
from gate_core.programs.clock import now

if TYPE_CHECKING:
    from gate_lab.update_publisher import Outcome

app = typer.Typer(no_args_is_help=True)
publish = typer.Typer(no_args_is_help=True)
app.add_typer(publish, name="publish", help="The operator's repository: key, init, add, show, sign, renew.")

Repo = Annotated[Path, typer.Argument(help="The repository's folder.")]
Keys = Annotated[Path, typer.Option(help="A folder with the private keys to sign with, *.pem.")]
KINDS = ("software", "models", "lists", "configuration")


@publish.command()
def key(
    out: Annotated[Path, typer.Option(help="The new file; its public half goes beside it, as .pub.")],
    as_json: Json = False,
) -> None:
    """Make a person's own key, such as an approver's of configurations. The private half never leaves their machine."""
    with _explained():
        from gate_lab.update_publisher import make_key

        made = make_key(out)
    if as_json:
        emit_json("update.key/1", {"key": made, "private": str(out), "public": str(out.with_suffix(".pub"))})
    else:
        say(f"{made}: keep {out}, hand over {out.with_suffix('.pub')}")


@publish.command()
def init(
    repo: Repo,
    keys: Annotated[Path, typer.Option(help="A new folder for the repository's own keys.")],
    approver: Annotated[
        list[Path], typer.Option(help="The .pub of a person who approves configurations; two at least.")
    ],
    as_json: Json = False,
) -> None:
    """Make a repository. Afterwards take root-*.pem and targets.pem off this machine: nothing else here needs them."""
    with _explained():
        from gate_lab.update_publisher import Repository, read_public

        outcomes = Repository(repo, now()).init(keys, [read_public(one) for one in approver])
    _show("update.init/1", outcomes, as_json=as_json)
    if not as_json:
        say(
            f"gates trust {repo / 'metadata' / '1.root.json'}; take root-*.pem and targets.pem out of {keys}, to a safe"
        )


@publish.command()
def add(
    repo: Repo,
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS))],
    content: Annotated[Path, typer.Argument(help="A folder, or an archive that packaging/update made.")],
    keys: Keys,
    name: Annotated[str, typer.Option(help="What people call it, such as 0.2.0.")],
    machine: Annotated[str, typer.Option(help="Of software: the processor, as uname -m says.")] = "",
    python: Annotated[str, typer.Option(help="Of software: its Python, such as 3.13.")] = "",
    gate: Annotated[str, typer.Option(help="Of a configuration: the gate's id.")] = "",
    as_json: Json = False,
) -> None:
    """Publish software, models, lists or a configuration under the next number. Renew snapshot and timestamp afterwards."""
    if kind not in KINDS:
        fail(Exit.USAGE, f"no kind {kind}: one of {', '.join(KINDS)}")
    if bool(machine and python) != (kind == "software") or bool(gate) != (kind == "configuration"):
        fail(Exit.USAGE, "software has --machine and --python, a configuration --gate, and nothing else has them")
    import tempfile

    with _explained(), tempfile.TemporaryDirectory() as scratch:
        from gate.updates.layout import Kind
        from gate_lab.update_publisher import Repository, pack, read_keys

        archive = content
        if content.is_dir():
            archive = Path(scratch) / "content.zip"
            pack(content, archive, Kind(kind))
        made = Repository(repo, now()).add(
            Kind(kind), archive, read_keys(keys), name=name, machine=machine, python=python, gate=gate
        )
    _show("update.add/1", [made], as_json=as_json)


@publish.command()
def show(repo: Repo, role: Annotated[str, typer.Argument(help="The role that waits.")], as_json: Json = False) -> None:
    """Show what waits for a signature, as it will be signed."""
    import json

    _expect_roles(role)
    with _explained():
        from gate_lab.update_publisher import Repository

        waiting = Repository(repo, now()).waiting(role)
    if as_json:
        emit_json("update.show/1", {"role": role, "waiting": waiting})
    else:
        say(json.dumps(waiting, indent=1, sort_keys=True))


@publish.command()
def sign(
    repo: Repo, role: Annotated[str, typer.Argument(help="The role that waits.")], keys: Keys, as_json: Json = False
) -> None:
    """Sign what waits. With the last signature that it needs it is published; renew snapshot and timestamp afterwards."""
    _expect_roles(role)
    with _explained():
        from gate_lab.update_publisher import Repository, read_keys

        made = Repository(repo, now()).sign(role, read_keys(keys))
    _show("update.sign/1", [made], as_json=as_json)


@publish.command()
def renew(
    repo: Repo,
    keys: Keys,
    role: Annotated[list[str] | None, typer.Option(help="A role; snapshot and timestamp when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Publish roles anew with another expiry: snapshot and timestamp after each change, and every day."""
    _expect_roles(*(role or ()))
    with _explained():
        from gate_lab.update_publisher import ONLINE, Repository, read_keys

        outcomes = Repository(repo, now()).renew(role or ONLINE, read_keys(keys))
    _show("update.renew/1", outcomes, as_json=as_json)


def _expect_roles(*roles: str) -> None:
    from gate_lab.update_publisher import EXPIRES_DAYS

    if unknown := [role for role in roles if role not in EXPIRES_DAYS]:
        fail(Exit.USAGE, f"no role {unknown[0]}: one of {', '.join(EXPIRES_DAYS)}")


def _show(schema: str, outcomes: list[Outcome], *, as_json: bool) -> None:
    if as_json:
        rows = [{"role": one.role, "version": one.version, "missing": one.missing} for one in outcomes]
        emit_json(schema, {"roles": rows})
        return
    for one in outcomes:
        waits = f"waits for {one.missing} more signature(s): gate update publish sign" if one.missing else "published"
        say(f"{one.role:14} {one.version:6} {waits}")


@contextmanager
def _explained() -> Iterator[None]:
    """Turn errors into one line and an exit code."""
    from gate_lab.update_publisher import RepositoryError

    try:
        yield
    except RepositoryError as error:
        fail(code_of(error), str(error))
