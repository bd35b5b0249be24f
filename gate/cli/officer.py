"""`gate officer`: an officer's orders from a terminal, signed with a shift key; prints the lane's answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.configuration import configured, endings
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, note, one_line, tell
from gate_core.orders.verbs import VERBS, Power, Verb

if TYPE_CHECKING:
    from gate.channel import order_messages
    from gate.programs.shared.config import Config
    from gate_core.orders.order import Shift

app = typer.Typer(no_args_is_help=True)

DEFAULT_KEY = "~/.portcullis/shift.key"

Gate = Annotated[str | None, typer.Option(help="The gate's id; the configured one when left out.")]
Crossing = Annotated[str | None, typer.Option(help="The crossing; the latest that waits when left out.")]
Key = Annotated[Path, typer.Option(help="The shift key with its certificate.")]
Reason = Annotated[str, typer.Option(help="Your reason, for the record. No traveller's name.")]
Argument = Annotated[str, typer.Argument(help="As said above.")]


@app.callback()
def _noun() -> None:
    """An officer's orders, signed with a shift key and answered by what the lane did."""


HELP = {
    Verb.PRESENT: "You are at the lane; without a fresh presence nobody is admitted.",
    Verb.ADMIT: "Let the referred traveller through, alone. Needs a reason.",
    Verb.REFER: "Refer the crossing that runs.",
    Verb.HAND_OVER: "End a referral: the traveller came with you (taken_over) or went back (walked_back).",
    Verb.VIEW: "See the pictures and particulars of a referred traveller. Only on the console: a terminal shows none.",
    Verb.FLAG: "Tell colleagues quietly that somebody may need protection: child, trafficking, unwell or other. The traveller notices nothing.",
    Verb.RELEASE: "Open at once, so that whoever is inside can leave.",
    Verb.OPEN_EMERGENCY: "Open and keep open.",
    Verb.END_EMERGENCY: "The emergency is over.",
    Verb.ACKNOWLEDGE: "Clear the controller's alarms whose cause is gone.",
    Verb.CLOSE: "No new travellers. The technician who works on the lane ends maintenance with it; the lane stays closed.",
    Verb.PAUSE: "No new travellers; who is not let through yet is referred, and between two doors offered the way back.",
    Verb.MAINTAIN: "You want to work on the lane: a supervisor must consent within five minutes.",
    Verb.CONSENT: "The technician who asked may work on the lane.",
    Verb.OPEN: "Travellers again, after close or pause. A supervisor's also ends maintenance.",
    Verb.DIRECTION: "Serve travellers who go this way over the border: entry or exit. Only between two travellers.",
    Verb.MODE: "Serve these travellers: all, eu, or a group that the gate's rules name. Only between two travellers.",
    Verb.ACCEPT_HEAD: "You answer for the log as this start of the machine found it; ask the centre how many entries it has. Only where the central server does not confirm it.",
}


def _plain(verb: Verb) -> Callable[..., None]:
    def command(
        gate: Gate = None,
        crossing: Crossing = None,
        key: Key = Path(DEFAULT_KEY),
        reason: Reason = "",
        config: ConfigFile = None,
        as_json: Json = False,
    ) -> None:
        _give(verb, gate, key, config, as_json=as_json, crossing=crossing, reason=reason)

    return command


def _with_argument(verb: Verb) -> Callable[..., None]:
    def command(
        argument: Argument,
        gate: Gate = None,
        crossing: Crossing = None,
        key: Key = Path(DEFAULT_KEY),
        reason: Reason = "",
        config: ConfigFile = None,
        as_json: Json = False,
    ) -> None:
        _give(verb, gate, key, config, as_json=as_json, crossing=crossing, reason=reason, argument=argument)

    return command


for _verb in Verb:
    if _verb is not Verb.PRESENT:
        _made = _with_argument(_verb) if VERBS[_verb].arguments or VERBS[_verb].named else _plain(_verb)
        app.command(name=_verb.value, help=HELP[_verb])(_made)


@app.command(help=HELP[Verb.PRESENT])
def present(
    gate: Gate = None,
    key: Key = Path(DEFAULT_KEY),
    every: Annotated[
        float | None, typer.Option(min=1, max=600, help="Again every so many seconds, until ended.")
    ] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Say that you are at the lane."""
    _give(Verb.PRESENT, gate, key, config, as_json=as_json, every_s=every)


@app.command("list")
def what_waits(
    key: Annotated[Path | None, typer.Option(help="Your shift key: it says what you are shown.")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Who waits for an officer, and what calls for one. Why, and quiet flags, are shown as on the console: to whose shift key may see them."""
    from gate.programs.shared.lane_report import LaneReport, sights_of
    from gate.programs.shared.terminal import look
    from gate_core.command_line import key_files

    settings = configured(config)
    shift: Shift | None = None
    try:
        shift, _ = key_files.read_shift((key or Path(DEFAULT_KEY)).expanduser())
    except key_files.KeyFileError as error:
        if key is not None:
            fail(error.code, str(error))
    with _lane_errors():
        lane = asyncio.run(look(settings.socket("orders")))
    report = LaneReport(lane, sights_of(shift, settings))
    tell("officer.list/1", report.fields(), *report.lines(), as_json=as_json)
    if not as_json and report.hides_reasons:
        note("why they wait is shown to officers and supervisors: --key with your shift key of this gate")


def _give(
    verb: Verb,
    gate: str | None,
    key: Path,
    config: Path | None,
    *,
    as_json: bool,
    crossing: str | None = None,
    reason: str = "",
    argument: str | None = None,
    every_s: float | None = None,
) -> None:
    from gate.programs.shared.terminal import Wish, answers, give
    from gate_core.command_line import key_files
    from gate_core.orders.errors import OrderError
    from gate_core.orders.order import REASON_CHARACTERS_MAX

    if VERBS[verb].power is Power.FREES:
        # A long reason must not keep anyone inside.
        reason = one_line(reason)[:REASON_CHARACTERS_MAX]
    wish = Wish(verb, gate, crossing, reason, argument)
    if wish.problem:
        fail(Exit.USAGE, wish.problem)
    for name in ("gate", "crossing", "reason", "argument"):
        key_files.require(name, getattr(wish, name))
    settings = configured(config)
    try:
        shift, _ = key_files.read_shift(key.expanduser())
    except key_files.KeyFileError as error:
        fail(error.code, str(error))
    found = answers(partial(give, settings.socket("orders"), shift, wish), every_s, _away)
    with _lane_errors(), endings({OrderError: Exit.USAGE}):
        try:
            code = asyncio.run(_shown(found, verb, settings, shift, as_json=as_json))
        except KeyboardInterrupt:
            code = Exit.OK  # the officer has left
    raise typer.Exit(int(code))


def _away(why: str) -> None:
    note(f"the lane: {why}")


def _lane_errors() -> AbstractContextManager[None]:
    """End the command if the lane does not answer, or not to this user."""
    from gate.channel.errors import ChannelError, NotPermittedError

    return endings({NotPermittedError: Exit.NOT_PERMITTED, ChannelError: Exit.UNREACHABLE}, "the lane: ")


async def _shown(
    answers: AsyncIterator[order_messages.OrderAnswer], verb: Verb, settings: Config, shift: Shift, *, as_json: bool
) -> Exit:
    """Print each answer; return the exit code of the last."""
    from gate.passage.names import Outcome
    from gate.programs.shared.lane_report import OrderReport, sights_of

    codes = {Outcome.DONE: Exit.OK, Outcome.STALE: Exit.TRY_LATER, Outcome.FORBIDDEN: Exit.NOT_PERMITTED}
    code = Exit.OK
    async for answer in answers:
        report = OrderReport(verb, answer, sights_of(shift, settings))
        tell(f"officer.{verb.value}/1", report.fields(), one_line(report.line()), as_json=as_json)
        if report.keeps_inside:
            note("open by hand if somebody must get out: the hard-wired release needs no key")
        code = codes.get(answer.outcome, Exit.NO)
    return code
