"""`gate console`: makes the officers' console's key, and serves its pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, note, refuse_configuration, tell

if TYPE_CHECKING:
    from gate_officers.console.config import ConsoleConfig

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """The officers' console: many gates on one page. It holds no officer's key."""


@app.command()
def init(
    out: Annotated[Path, typer.Option(help="The folder for its key and certificate, which is made if need be.")],
    name: Annotated[str, typer.Option(help="What people call it: letters, digits and hyphens.")] = "console",
    as_json: Json = False,
) -> None:
    """Make the console's own key and certificate, by which gates know it."""
    import re

    from gate_core import durable, pinned_certificates

    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", name) is None:
        fail(Exit.USAGE, "a console's name is letters, digits and hyphens, 63 at most")
    identity, certificate = out / "console.pem", out / "console.crt"
    try:
        durable.make_folder(out, mode=0o700)
        shown = pinned_certificates.make(identity, name)
        durable.write(certificate, shown.encode())
        fingerprint = pinned_certificates.fingerprint_in(identity)
    except FileExistsError:
        fail(Exit.IO_ERROR, f"{identity} exists and is kept; gates know this console by it")
    except (OSError, pinned_certificates.PinnedError) as error:
        fail(Exit.IO_ERROR, f"cannot write {identity}: {getattr(error, 'strerror', None) or error}")
    fields = {"identity": str(identity), "certificate": str(certificate), "fingerprint": fingerprint}
    tell("console.init/1", fields, f"{identity}, and its certificate {certificate}", as_json=as_json)
    if not as_json:
        note(
            f'add {certificate} to the file that [console] certificates names on each gate; identity = "{identity}" here'
        )


@app.command()
def serve(
    config: Annotated[Path, typer.Option(help="The console's configuration.")] = Path("/etc/portcullis/console.toml"),
) -> None:
    """Serve the officers' pages, until Ctrl-C or SIGTERM."""
    import asyncio

    from gate_core.programs.journal import log_as_json
    from gate_core.programs.process import end_with_supervisor, make_unreadable
    from gate_core.settings.config_file import ConfigError
    from gate_officers.console.config import load
    from gate_officers.console.handover import HandoverError, NotOursError

    try:
        settings = load(config)
    except ConfigError as error:
        refuse_configuration(error, config, "docs/guides/officer.md shows one, and --config names it")
    make_unreadable()
    log_as_json("console")
    try:
        end_with_supervisor()
        asyncio.run(_until_told(settings))
    except NotOursError as error:
        fail(Exit.BAD_DATA, str(error))
    except HandoverError as error:
        fail(Exit.IO_ERROR, str(error))
    except OSError as error:  # ssl.SSLError is one
        fail(Exit.IO_ERROR, f"console: {error.strerror or error}")
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _until_told(settings: ConsoleConfig) -> None:
    from gate_core.programs.process import told_to_stop
    from gate_officers.console.program import run

    await run(settings, stop=told_to_stop(), on_listening=lambda: note(f"officers open {settings.pages.origin}/"))
