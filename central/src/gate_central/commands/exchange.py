"""`gate exchange`: a site's exchange, which finds a document used at two of its gates within minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, note, refuse_configuration, tell

if TYPE_CHECKING:
    from gate_central.exchange.config import ExchangeConfig

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """The exchange of a site, for gates whose law lets documents be remembered for minutes."""


@app.command()
def init(
    out: Annotated[Path, typer.Option(help="The folder for NAME.pem and NAME.crt, which is made if need be.")],
    name: Annotated[str, typer.Option(help="exchange, or the gate's name: small letters, digits and hyphens.")],
    host: Annotated[str, typer.Option(help="Of the exchange: the name or address by which gates reach it.")] = "",
    as_json: Json = False,
) -> None:
    """Make a key and the certificate that shows it: for the exchange, or for a gate, each on its own machine."""
    import re

    from gate_core import durable, pinned_certificates

    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name) is None:
        fail(Exit.USAGE, "--name: small letters, digits and hyphens, 63 at most")
    identity, certificate = out / f"{name}.pem", out / f"{name}.crt"
    try:
        durable.make_folder(out, mode=0o700)
        durable.write(certificate, pinned_certificates.make(identity, name, host).encode())
    except FileExistsError:
        fail(Exit.IO_ERROR, f"{identity} exists and is kept; others know its owner by it")
    except ValueError:
        fail(Exit.USAGE, f"--host: {host} is no name or address")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {identity}: {error.strerror or error}")
    fields = {"identity": str(identity), "certificate": str(certificate)}
    tell("exchange.init/1", fields, f"{identity}, and its certificate {certificate}", as_json=as_json)
    if not as_json:
        note("the certificate goes to the other side; the key stays here")


@app.command()
def serve(
    config: Annotated[Path, typer.Option(help="The exchange's configuration.")] = Path("/etc/portcullis/exchange.toml"),
) -> None:
    """Answer the site's gates, until Ctrl-C or SIGTERM. What it knows goes with it."""
    import asyncio

    from gate_central.exchange.config import load
    from gate_core.programs.journal import log_as_json
    from gate_core.programs.process import end_with_supervisor, make_unreadable
    from gate_core.settings.config_file import ConfigError

    try:
        settings = load(config)
        make_unreadable()
        log_as_json("exchange")
        end_with_supervisor()
        asyncio.run(_until_told(settings))
    except ConfigError as error:
        refuse_configuration(error, config, "docs/protocols/exchange.md shows one, and --config names it")
    except OSError as error:
        fail(Exit.IO_ERROR, f"exchange: {error.strerror or error}")
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _until_told(settings: ExchangeConfig) -> None:
    from gate_central.exchange.program import run
    from gate_core.programs.process import told_to_stop

    await run(settings, stop=told_to_stop(), on_listening=lambda: note(f"gates ask https://{settings.address}"))
