"""`gate provision report`: the acceptance report, made anew or checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate.provision.steps import ConfigurationStepError, StepError
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, emit_json, fail, say
from gate_core.settings import environment


def report(
    config: ConfigFile = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write into, instead of the gate's state.")] = None,
    verify: Annotated[Path | None, typer.Option(help="Check this report, page or document, and make none.")] = None,
    vkey: Annotated[
        Path | None, typer.Option(help="The log's public key to check with; the gate's own without one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the acceptance report anew and list what is missing for service, or check a report. Exit 1: it does not hold, or service refuses."""
    import msgspec

    from gate.programs.provisioning import reporting

    path = config or environment.path_from_environment()
    try:
        if verify is not None:
            _verify(verify, _key_text(vkey, path), as_json=as_json)
        described = reporting.describe(path)
        missing = described.missing_for_service
        if not as_json:
            for one in missing:
                say(f"missing  {one.id:19} {one.why}")
        refused = described.gate.purpose == "service" and bool(missing)
        made = None if refused and not described.key.vkey else reporting.sign(path, described, out=out)
    except ConfigurationStepError as error:
        fail(Exit.CONFIG, str(error))
    except StepError as error:
        fail(Exit.IO_ERROR, str(error))
    if as_json:
        files = None if made is None else {"page": str(made.page), "document": str(made.document)}
        shown = msgspec.to_builtins(described)
        fields = {"report": files, "missing_for_service": shown["missing_for_service"], "steps": shown["lines"]}
        emit_json("provision.report/1", fields)
    else:
        say(f"report   {'not signed: there is no key of a log in service' if made is None else made.page}")
    raise typer.Exit(int(Exit.NO if refused else Exit.OK))


def _verify(file: Path, vkey: str, *, as_json: bool) -> None:
    """Say whether a report holds; ends the command."""
    from gate.programs.provisioning.reporting import is_signed
    from gate.provision.acceptance import REPORT_BYTES_MAX, NoReportError, claimed
    from gate_core.audit_format.errors import BadFormatError

    try:
        with file.open("rb") as opened:
            found = claimed(opened.read(REPORT_BYTES_MAX + 1))
        holds = is_signed(found, vkey)
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {file}: {error.strerror}")
    except NoReportError as error:
        fail(Exit.BAD_DATA, f"{file} is no acceptance report: {error}")
    except BadFormatError as error:
        fail(Exit.BAD_DATA, f"the key to check with is none: {error}")
    if as_json:
        emit_json("provision.verify/1", {"verified": holds, "log": found.origin})
    else:
        say(
            f"well     {file} is as the gate signed it, by the key of {found.origin}"
            if holds
            else f"WRONG    {file} was changed, or another key has signed it than that of {found.origin}"
        )
    raise typer.Exit(int(Exit.OK if holds else Exit.NO))


def _key_text(vkey: Path | None, path: Path) -> str:
    """The key to check with. Raises StepError."""
    from gate.programs.provisioning.reporting import configuration_of
    from gate.programs.provisioning.tasks import log_vkey

    if vkey is None:
        try:
            return log_vkey(configuration_of(path))
        except StepError as error:
            raise type(error)(f"{error}; give --vkey") from error
    try:
        with vkey.open(encoding="utf-8") as file:
            return file.read(2048).strip()
    except OSError as error:
        raise StepError(f"cannot read {vkey}: {error.strerror}") from error
    except UnicodeDecodeError:
        fail(Exit.BAD_DATA, f"{vkey} holds no key")
