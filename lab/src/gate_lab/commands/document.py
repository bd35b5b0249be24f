"""`gate document` on an office computer: inspects files of a chip, a seal, a credential, or the text or pictures of an MRZ that were read elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.document import MRZ_CHARACTERS_MAX, Json, Trust, parsed, standard_input, store_of
from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.output import Exit, emit_json, fail, note, one_line, say

if TYPE_CHECKING:
    from gate_documents.mrz.parser import Mrz

app = typer.Typer(no_args_is_help=True)
PrintedMrz = Annotated[str, typer.Option(help="The printed MRZ, if it was seen; - for one on standard input")]
At = Annotated[str, typer.Option(help="Judge as of this time, RFC 3339; left out: now")]
_LINES_MAX = 100_000
_DATA_GROUPS = frozenset(map(str, range(1, 17)))
_SOD_CHECKS = ("sod_signature", "ds_signature", "ds_validity", "csca_validity", "revocation", "dg_hashes", "country")


@app.command("inspect")
def inspect_(
    lds: Annotated[Path, typer.Option(help="A folder with one file an EF")],
    trust: Trust,
    mrz: PrintedMrz = "",
    at: At = "",
    json: Json = False,
) -> None:
    """Inspect the files of one chip in full."""
    _inspect("document.inspect/1", _lds_files(lds), trust, mrz, at, complete=True, json=json)


@app.command("verify-sod")
def verify_sod(
    sod: Annotated[Path, typer.Argument(help="A file with EF.SOD")],
    trust: Trust,
    dg: Annotated[list[str] | None, typer.Option(help="N=FILE: a data group to compare, may be repeated")] = None,
    at: At = "",
    json: Json = False,
) -> None:
    """Carry out passive authentication of one EF.SOD."""
    from gate.cli.document_report import report_inspection
    from gate_documents.inspection import inspect_files

    files = {"EF.SOD": bytes_of(sod)}
    for given in dg or ():
        number, equals, path = given.partition("=")
        if not equals or number.lstrip("0") not in _DATA_GROUPS:
            fail(Exit.USAGE, f"--dg {given}: give the number of a data group and a file, such as 1=EF_DG1.bin")
        files[f"EF.DG{int(number)}"] = bytes_of(Path(path))
    inspection = inspect_files(files, anchors=store_of(trust), now=_moment(at), wanted=frozenset())
    report_inspection("document.verify-sod/1", inspection, json=json, only=_SOD_CHECKS)


@app.command("parse-mrz")
def parse_mrz(
    text: Annotated[str, typer.Argument(help="The MRZ; - for one a line on standard input")] = "-",
    json: Json = False,
) -> None:
    """Read the text of machine-readable zones: fields, check digits, problems. What is none keeps no other from being read."""
    from gate_documents.errors import MrzError
    from gate_documents.mrz.parser import parse

    worst = Exit.OK
    for number, line in enumerate(_mrzs(text), 1):
        try:
            mrz = parse(line)
        except MrzError as error:
            _report_no_mrz(number, error, json=json)
            worst = Exit.BAD_DATA
            continue
        if not mrz.valid:
            worst = max(worst, Exit.NO)
        _report_mrz(mrz, json=json)
    raise typer.Exit(int(worst))


@app.command("read-mrz")
def read_mrz(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Pictures of pages, or folders of them")],
    models: Annotated[
        Path | None, typer.Option(help="Model folder; default: the user's cache, or the package's")
    ] = None,
    json: Json = False,
) -> None:
    """Read the MRZ of pictures of pages, any way round. Exit 1 when none of them shows one, 65 when one of those is no picture, 74 when one cannot be read."""
    from gate.cli.models import default_folder
    from gate_lab.page_pictures import PageReader, ReaderUnfitError, pictures_in, report_page

    found, unfit = False, ""
    try:
        with PageReader(models or default_folder()) as reader:
            for path in pictures_in(images):
                answer = reader.read(path)
                found |= answer.found
                unfit = unfit or ("" if answer.hints else f"{path}: {answer.reason}")  # of a picture there are hints
                report_page(path, answer, json=json)
            if why := reader.unread or (unfit if not found else ""):
                fail(Exit.IO_ERROR if reader.unread else Exit.BAD_DATA, f"{why}; name a picture, or a folder of them")
    except ReaderUnfitError as error:
        fail(Exit.UNREACHABLE, str(error))
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot list {error.filename}: {error.strerror}")
    if not found:
        raise typer.Exit(int(Exit.NO))


@app.command("verify-seal")
def verify_seal(
    seal: Annotated[Path, typer.Argument(help="A file with the bytes of the bar code")],
    trust: Trust,
    signer: Annotated[
        list[Path] | None,
        typer.Option(help="A certificate that may have signed it and is not in the store, may be repeated"),
    ] = None,
    mrz: PrintedMrz = "",
    at: At = "",
    json: Json = False,
) -> None:
    """Verify a visible digital seal, such as a visa's."""
    from gate.cli.document_report import report_checks
    from gate_documents.checks import Result
    from gate_documents.errors import DocumentError
    from gate_documents.pki.certificate import parse_certificate
    from gate_documents.seal.judge import judge_seal

    signers = []
    for path in signer or ():
        try:
            signers.append(parse_certificate(bytes_of(path)))
        except DocumentError as error:
            fail(Exit.BAD_DATA, f"{path}: {error}")
    verdict = judge_seal(
        bytes_of(seal),
        signers=signers,
        anchors=store_of(trust),
        now=_moment(at),
        printed=parsed(mrz) if mrz else None,
    )
    kind = None if verdict.content is None else verdict.content.profile.name
    report_checks("document.verify-seal/1", verdict.checks, verdict.overall, {"kind": kind}, json=json)
    if verdict.overall is not Result.SUCCESSFUL:
        raise typer.Exit(int(Exit.NO))


@app.command("verify-credential")
def verify_credential(
    credential: Annotated[Path, typer.Argument(help="A file with a digital travel credential of type 1")],
    trust: Trust,
    mrz: PrintedMrz = "",
    at: At = "",
    json: Json = False,
) -> None:
    """Verify a digital travel credential that is bound to a passport, like the files of its chip."""
    from gate_documents.errors import DocumentError
    from gate_documents.lds.dtc import CREDENTIAL_BYTES_MAX, parse_dtc

    try:
        files = parse_dtc(bytes_of(credential, bytes_max=CREDENTIAL_BYTES_MAX))
    except DocumentError as error:
        fail(Exit.BAD_DATA, f"{credential}: {error}")
    _inspect("document.verify-credential/1", files, trust, mrz, at, json=json)


def _inspect(
    schema: str, files: Mapping[str, bytes], trust: Path, mrz: str, at: str, *, complete: bool = False, json: bool
) -> None:
    """Inspect the files of a chip, report the result, and end the command."""
    from gate.cli.document_report import report_inspection
    from gate_documents.inspection import inspect_files

    printed = parsed(mrz) if mrz else None
    inspection = inspect_files(files, anchors=store_of(trust), now=_moment(at), mrz=printed, complete=complete)
    report_inspection(schema, inspection, json=json)


def _lds_files(folder: Path) -> dict[str, bytes]:
    """The files of a chip in a folder, by EF name."""
    from gate_documents.lds.files import named_file

    files: dict[str, bytes] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        fail(Exit.IO_ERROR, f"{folder}: {error.strerror}")
    for path in paths:
        name = named_file(path.name.split(".")[0]) or named_file(path.stem)
        if name is None:
            continue
        if name in files:
            fail(Exit.BAD_DATA, f"{folder}: two files are {name}; leave one of them")
        files[name] = bytes_of(path)
    if "EF.SOD" not in files:
        fail(Exit.BAD_DATA, f"{folder}: holds no EF.SOD; name the files as in EF_SOD.bin, EF_DG1.bin")
    return files


def _mrzs(text: str) -> Iterator[str]:
    """Yield the MRZs to read: the argument, or each line of standard input."""
    if text != "-":
        yield text
        return
    given = standard_input()
    for number, line in enumerate(iter(lambda: given.readline(MRZ_CHARACTERS_MAX + 2), "")):
        if number == _LINES_MAX:
            fail(Exit.BAD_DATA, f"standard input: more than {_LINES_MAX} lines")
        if len(line) > MRZ_CHARACTERS_MAX + 1:
            fail(Exit.BAD_DATA, f"standard input: line {number + 1} is longer than any machine-readable zone")
        if line.strip():
            yield line


def _report_mrz(mrz: Mrz, *, json: bool) -> None:
    """Print a machine-readable zone: its fields, whether its check digits hold, its problems."""
    from gate_core.programs import clock

    today = clock.now().date()
    fields = {
        "document_type": mrz.document_type,
        "issuer": mrz.issuer,
        "number": mrz.number,
        "nationality": mrz.nationality,
        "birth": mrz.birth,
        "birth_date": mrz.born_on(today),
        "sex": mrz.sex,
        "expiry": mrz.expiry,
        "expiry_date": mrz.expires_on(today),
        "surname": mrz.surname,
        "given_names": mrz.given_names,
        "optional": list(mrz.optional),
    }
    if json:
        digits = dict(mrz.check_digits)
        about = {"format": mrz.format.value, "valid": mrz.valid, "problems": list(mrz.problems)}
        emit_json("document.parse-mrz/1", {**about, "check_digits": digits, "fields": fields})
        return
    say(f"{mrz.format.value}, check digits {'hold' if mrz.valid else 'do not hold'}")
    for name, value in fields.items():
        say(f"  {name}: {value}")
    for problem in mrz.problems:
        say(f"  problem: {problem}")


def _report_no_mrz(number: int, error: Exception, *, json: bool) -> None:
    """Report that this text is not an MRZ. With JSON it prints a line, so that there is one line of output for each of input."""
    note(one_line(f"gate: MRZ {number}: {error}"))
    if json:
        nothing: dict[str, object] = {
            "format": None,
            "valid": False,
            "check_digits": {},
            "fields": {},
            "problems": [str(error)],
        }
        emit_json("document.parse-mrz/1", nothing)


def _moment(text: str) -> datetime:
    """Return the validation time; a time without a zone is UTC."""
    from gate_core.programs import clock

    if not text:
        return clock.now()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(Exit.USAGE, f"--at {text}: not a time as in RFC 3339, such as 2026-11-25T10:00:00Z")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
