"""`gate barrier`: record a board's trace while it is brought up, and replay one against the board's profile."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.configuration import configured, endings, file_errors
from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, note, say, tell

if TYPE_CHECKING:
    import asyncio

    from drivers.barrier.settings import LineSettings
    from drivers.barrier.tracing.coverage import Coverage
    from drivers.barrier.tracing.trace import Head, Trace
    from gate.programs.shared.config import Config

app = typer.Typer(no_args_is_help=True)

COVERED = ("requests", "states", "faults", "minimum")


@app.command()
def record(
    out: Annotated[Path, typer.Argument(help="The file to write, which must not be there yet.")],
    board: Annotated[str, typer.Option(help="What board it is: maker, kind, where it stands.")],
    firmware: Annotated[str, typer.Option(help="Its firmware, as its menu or label says.")],
    by: Annotated[str, typer.Option(help="Who records this.")],
    config: ConfigFile = None,
    first: Annotated[bool, typer.Option("--first", help="The board of the first of two doors.")] = False,
) -> None:
    """Bring the board up while its line is recorded. Orders are typed, one a line. It grants passages that nobody decided: never in service."""
    from drivers.barrier.settings import LineSettings, ModbusTcp
    from gate.programs.shared.devices.profiles import require_profiles
    from gate_core.errors import DriverError

    settings = configured(config, require_profiles)
    if settings.purpose == "service":
        fail(Exit.NOT_PERMITTED, 'a recording grants passages that nobody decided: purpose = "trial" or "demo" only')
    line = settings.first_driven if first else settings.driven
    if not isinstance(line, LineSettings):
        fail(Exit.CONFIG, "barrier: there is no board on a line to record")
    if isinstance(line, ModbusTcp):
        fail(
            Exit.CONFIG,
            "barrier: over a network nobody can tell a board from a simulated one: record at its serial side",
        )
    with file_errors(doing=f"{out} cannot be written"), endings({DriverError: Exit.UNREACHABLE}):
        _record(out, settings, line, _head(line, board=board, firmware=firmware, by=by))


def _head(line: LineSettings, *, board: str, firmware: str, by: str) -> Head:
    import msgspec

    from drivers.barrier.profiles import load_profile
    from drivers.barrier.tracing.trace import Head
    from gate_core.programs import clock

    profile = load_profile(line.profile)
    fields = {
        "board": board,
        "firmware": firmware,
        "profile": line.profile,
        "protocol": profile.__struct_config__.tag,
        "baud": line.baud,
        "unit": line.unit,
        "entry_is_left": line.entry_is_left,
        "simulated": bool(line.simulated()),
        "captured_by": by,
        "captured_at": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    with endings({msgspec.ValidationError: Exit.USAGE}):
        return msgspec.convert(fields, Head)


def _record(out: Path, config: Config, line: LineSettings, head: Head) -> None:
    """Record until `end`. Raises OSError or SetupError."""
    import asyncio

    from drivers.barrier.tracing.recorder import HELP, Recorder, bring_up
    from drivers.barrier.tracing.trace import spelt
    from gate.programs.shared.devices.barriers import barrier

    async def run() -> None:
        with out.open("x", encoding="utf-8", buffering=1) as file:
            file.write(spelt(head))
            recorder = Recorder(file)
            await bring_up(
                barrier(line, recorder=recorder),
                recorder,
                _typed_lines(at_end="end"),
                poll_s=line.poll_ms / 1000,
                grant_ms=config.rules.grant_ttl_ms,
                say=say,
            )

    note(HELP)
    asyncio.run(run())
    note(f"{out} is written; gate barrier replay {out} says what it shows")


def _typed_lines(*, at_end: str) -> asyncio.Queue[str]:
    """Return a queue of standard input's lines, then `at_end`. The reading thread ends with the process."""
    import asyncio
    import threading

    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended before the input
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, at_end)

    threading.Thread(target=read, name="typed-lines", daemon=True).start()
    return lines


@app.command()
def replay(
    traces: Annotated[list[Path], typer.Argument(help="Traces of one board.")],
    profile: Annotated[
        str,
        typer.Option(
            help="The profile, by name or path; the one that the first trace was captured with when not given."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Replay traces against a profile: what they show of it, and whether it may say verified = "hardware". Exit 1 when it may not."""
    from drivers.barrier.profiles import LineProfile, load_profile
    from drivers.barrier.tracing.coverage import objections
    from gate.programs.shared.devices.barriers import replayed
    from gate_core.errors import SetupError

    found = [_read(path) for path in traces]
    name = profile or found[0].head.profile
    with endings({SetupError: Exit.CONFIG}):
        described = load_profile(name)
    if not isinstance(described, LineProfile):
        fail(Exit.BAD_DATA, f"{name} is of contacts, which carry no bytes")
    with endings({SetupError: Exit.BAD_DATA}):
        covered = replayed(described, found)
    against = objections(described, covered)
    rows = [
        {
            "trace": each.trace.name,
            "sent": shown.sent,
            "unanswered": shown.silences,
            **{kind: getattr(shown, kind) for kind in COVERED},
        }
        for each, shown in covered
    ]
    fields = {"profile": name, "may_say_hardware": not against, "objections": against, "traces": rows}
    said = [line for each, shown in covered for line in _lines(each.trace, shown)]
    said += [f"WRONG  {objection}" for objection in against]
    said.append(f'{name} may{" not" if against else ""} say verified = "hardware"')
    tell("barrier.replay/1", fields, *said, as_json=as_json)
    raise typer.Exit(int(Exit.NO if against else Exit.OK))


def _read(path: Path) -> Trace:
    from drivers.barrier.tracing.trace import TRACE_BYTES_MAX, read_trace
    from drivers.profile_file import ProfileFile
    from gate_core.errors import SetupError

    raw = bytes_of(path, bytes_max=TRACE_BYTES_MAX)
    try:
        with endings({SetupError: Exit.BAD_DATA}):
            return read_trace(ProfileFile(str(path), raw.decode()))
    except UnicodeDecodeError:
        fail(Exit.BAD_DATA, f"{path} is not UTF-8")


def _lines(trace: Trace, shown: Coverage) -> Iterator[str]:
    head = trace.head
    yield f"{trace.name}: {head.board}, firmware {head.firmware}, by {head.captured_by} at {head.captured_at}"
    yield f"  {shown.sent} requests, {shown.sent - shown.silences} answered"
    for kind in COVERED:
        keys: dict[str, bool] = getattr(shown, kind)
        seen, missing = ([key for key, was in keys.items() if was is wanted] for wanted in (True, False))
        yield f"  {kind} seen: {', '.join(seen) or 'none'}"
        if missing:
            yield f"  {kind} not seen: {', '.join(missing)}"
