"""`gate officer`: an officer's orders from a terminal, signed with a shift key; prints the lane's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.configuration import configured, endings
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, emit_json, fail, note, one_line, say, tell
from gate_core.orders.verbs import VERBS, Power, Verb

if TYPE_CHECKING:
    from gate.channel import order_messages
    from gate.programs.shared.config import Config
    from gate_core.orders.order import Shift

app = typer.Typer(no_args_is_help=True)

DEFAULT_KEY = "~/.portcullis/shift.key"
AWAY_RETRY_S = 1.0  # who stays present looks for a lane that is away

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
    Verb.CLOSE: "No new travellers.",
    Verb.PAUSE: "No new travellers; who is not let through yet is referred, and between two doors offered the way back.",
    Verb.MAINTAIN: "You want to work on the lane: a supervisor must consent within five minutes.",
    Verb.CONSENT: "The technician who asked may work on the lane.",
    Verb.OPEN: "Travellers again, after close, pause or maintenance.",
    Verb.DIRECTION: "Serve travellers who go this way over the border: entry or exit. Only between two travellers.",
    Verb.MODE: "Serve these travellers: all, eu, or a group that the gate's rules name. Only between two travellers.",
    Verb.ACCEPT_HEAD: "You answer for the log as this start of the machine found it; ask the centre how many entries it has. Only where the central server does not confirm it.",
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """An officer's order, as typed."""

    verb: Verb
    gate: str | None
    crossing: str | None = None
    reason: str = ""
    argument: str | None = None


def _plain(verb: Verb) -> Callable[..., None]:
    def command(
        gate: Gate = None,
        crossing: Crossing = None,
        key: Key = Path(DEFAULT_KEY),
        reason: Reason = "",
        config: ConfigFile = None,
        as_json: Json = False,
    ) -> None:
        _give(_Wish(verb, gate, crossing, reason), key, config, as_json=as_json)

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
        _give(_Wish(verb, gate, crossing, reason, argument), key, config, as_json=as_json)

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
    _give(_Wish(Verb.PRESENT, gate), key, config, as_json=as_json, every_s=every)


@app.command("list")
def what_waits(
    key: Annotated[Path | None, typer.Option(help="Your shift key: it says what you are shown.")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Who waits for an officer, and what calls for one. Why, and quiet flags, are shown as on the console: to whose shift key may see them."""
    from gate.channel.errors import ChannelError, NotPermittedError
    from gate.programs.shared.lane_report import LaneReport, sights_of
    from gate_core.command_line import key_files

    settings = configured(config)
    shift: Shift | None = None
    try:
        shift, _ = key_files.read_shift((key or Path(DEFAULT_KEY)).expanduser())
    except key_files.KeyFileError as error:
        if key is not None:
            fail(error.code, str(error))
    with endings({NotPermittedError: Exit.NOT_PERMITTED, ChannelError: Exit.UNREACHABLE}, "the lane: "):
        look = asyncio.run(_look(settings.socket("orders")))
    report = LaneReport(look, sights_of(shift, settings))
    tell("officer.list/1", report.fields(), *report.lines(), as_json=as_json)
    if not as_json and report.hides_reasons:
        note("why they wait is shown to officers and supervisors: --key with your shift key of this gate")


def _give(wish: _Wish, key: Path, config: Path | None, *, as_json: bool, every_s: float | None = None) -> None:
    from gate_core.command_line import key_files
    from gate_core.command_line.key_files import require
    from gate_core.orders.errors import OrderError
    from gate_core.orders.order import REASON_CHARACTERS_MAX

    verb = wish.verb
    if verb is Verb.VIEW:
        fail(Exit.USAGE, "view: a terminal shows no pictures; open the referral on the console's page")
    if (choices := VERBS[verb].arguments) and wish.argument not in choices:
        fail(Exit.USAGE, f"{verb.value} takes one of {', '.join(choices)}")
    if VERBS[verb].power is Power.FREES:
        # A long reason must not keep anyone inside.
        wish = replace(wish, reason=one_line(wish.reason)[:REASON_CHARACTERS_MAX])
    for name in ("gate", "crossing", "reason", "argument"):
        require(name, getattr(wish, name))
    if VERBS[verb].reason and not wish.reason.strip():
        fail(Exit.USAGE, f"{verb.value} needs a reason")
    settings = configured(config)
    try:
        shift, _ = key_files.read_shift(key.expanduser())
    except key_files.KeyFileError as error:
        fail(error.code, str(error))
    order = partial(_order, settings.socket("orders"), shift, wish)
    show = partial(_show, verb, shift, settings, as_json=as_json)
    try:
        with endings({OrderError: Exit.USAGE}):
            code = asyncio.run(_say_and_stay(show, order, every_s))
    except KeyboardInterrupt:
        code = Exit.OK  # the officer has left
    raise typer.Exit(int(code))


async def _say_and_stay(
    show: Callable[[order_messages.OrderAnswer], Exit],
    order: Callable[[], Awaitable[order_messages.OrderAnswer]],
    every_s: float | None,
) -> Exit:
    """Give the order once, or repeatedly; with repetition it waits for a lane that restarts. Ends with the first refusal."""
    from gate.channel.errors import ChannelError, NotPermittedError

    while True:
        try:
            code = show(await order())
        except NotPermittedError as error:
            fail(Exit.NOT_PERMITTED, f"the lane: {error}")
        except ChannelError as error:
            if every_s is None:
                fail(Exit.UNREACHABLE, f"the lane: {error}")
            note(f"the lane: {error}")
            await asyncio.sleep(AWAY_RETRY_S)
            continue
        if every_s is None or code is not Exit.OK:
            return code
        await asyncio.sleep(every_s)


async def _look(path: Path) -> order_messages.Look:
    from gate.programs.shared.terminal import Terminal

    with closing(await Terminal.reach(path)) as terminal:
        return await terminal.look()


async def _order(path: Path, shift: Shift, wish: _Wish) -> order_messages.OrderAnswer:
    from gate.channel.order_messages import OrderAnswer
    from gate.passage.names import Outcome
    from gate.programs.shared.terminal import Terminal

    verb, crossing = wish.verb, wish.crossing
    with closing(await Terminal.reach(path)) as terminal:
        if crossing is None and VERBS[verb].crossing:
            look = await terminal.look()
            crossing = look.running if verb is Verb.REFER else next((one.crossing for one in look.referred), None)
            if crossing is None:
                nobody = "no crossing runs" if verb is Verb.REFER else "nobody waits for an officer"
                return OrderAnswer(Outcome.IMPOSSIBLE, nobody, look.state, look.referred)
        return await terminal.order(
            shift, verb, gate=wish.gate, crossing=crossing, reason=wish.reason, argument=wish.argument
        )


def _show(verb: Verb, shift: Shift, settings: Config, answer: order_messages.OrderAnswer, *, as_json: bool) -> Exit:
    from gate.passage.names import Outcome
    from gate.programs.shared.lane_report import sights_of, standing

    code = {
        Outcome.DONE: Exit.OK,
        Outcome.ORDERED: Exit.NO,
        Outcome.ONE_MORE: Exit.NO,
        Outcome.IMPOSSIBLE: Exit.NO,
        Outcome.STALE: Exit.TRY_LATER,
        Outcome.FORBIDDEN: Exit.NOT_PERMITTED,
    }[answer.outcome]
    done = answer.outcome is Outcome.DONE
    if as_json:
        stands = standing(answer.state, answer.referred, sights_of(shift, settings))
        told = {**stands, "done": done, "outcome": answer.outcome.value, "detail": answer.detail}
        emit_json(f"officer.{verb.value}/1", told)
    elif done:
        say(one_line(f"{verb.value}: {answer.detail or 'done'}"))
    else:
        say(one_line(f"{verb.value}: {answer.outcome.value}: {answer.detail}"))
    if code is Exit.NOT_PERMITTED and VERBS[verb].power is Power.FREES:
        note("open by hand if somebody must get out: the hard-wired release needs no key")
    return code
