"""`gate-sim`: the simulated world and single devices as processes, and the judge of what the world saw.

Exit codes: 0 done, 1 the judge found a wrong opening, 2 usage, 65 bad input data, 69 the machine lacks something, 74 I/O
error, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from hardware_sim.barrier.boards import PROFILES
from hardware_sim.centre import Fault
from hardware_sim.decision_log import LogError, read_log
from hardware_sim.device_server import serve_barrier, serve_reader, serve_sensors
from hardware_sim.gateway import run_gateway
from hardware_sim.judge import judge
from hardware_sim.local_server import LocalServer
from hardware_sim.pad.sensor import Fault as PadFault
from hardware_sim.pad.sensor import PadSensor, PadServer, Stands
from hardware_sim.readers.kinds import KINDS, PAGE_READER, USUAL
from hardware_sim.reconciliation import differences
from hardware_sim.scenario import Lane, ScenarioError
from hardware_sim.sensors.device import PROFILES as SENSOR_PROFILES
from hardware_sim.truth import TruthError, read_truth

SETS = ("sequences", "guidance", "liveness")
_LANES = f"one of {', '.join(lane.value for lane in Lane)}"
_FAULTS = f"one of {', '.join(fault.value for fault in Fault)}"
_STANDS = f"one of {', '.join(one.value for one in Stands)}"
_PAD_FAULTS = f"one of {', '.join(fault.value for fault in PadFault)}"
WORKERS_MAX = 64
UNITS_MAX = 31
EXIT_WRONG, EXIT_BAD_DATA, EXIT_NOT_READY, EXIT_IO, EXIT_INTERRUPTED = 1, 65, 69, 74, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ScenarioError, TruthError, LogError) as error:
        print(f"gate-sim: {error}", file=sys.stderr)
        return EXIT_BAD_DATA
    except OSError as error:
        print(f"gate-sim: {error}", file=sys.stderr)
        return EXIT_IO
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="gate-sim", description=__doc__)
    commands = made.add_subparsers(required=True)
    world = commands.add_parser(
        "world", help="run a simulated world; orders on standard input, events on standard output"
    )
    world.add_argument("--dir", type=Path, required=True, help="an existing folder of its own")
    world.add_argument("--seed", type=int, required=True)
    world.add_argument("--pace", type=_pace, default=1.0, help="how quick the people are; 2 halves their pauses")
    chip = world.add_mutually_exclusive_group()
    chip.add_argument("--direct", action="store_true", help="serve the chip without PC/SC")
    chip.add_argument(
        "--installed-pcscd", action="store_true", help="lay chips on the virtual reader of the pcscd that runs here"
    )
    world.add_argument("--scenarios", type=Path, help="a folder of scenarios in place of the built-in ones")
    world.add_argument(
        "--reader", choices=sorted([*KINDS, PAGE_READER]), default=USUAL, help="which document reader stands there"
    )
    world.add_argument("--lane", type=Lane, choices=tuple(Lane), default=Lane.ONE_DOOR, metavar="LANE", help=_LANES)
    world.set_defaults(run=_world)
    reader = commands.add_parser(
        "reader", help="run one document reader; orders on standard input, events on standard output"
    )
    reader.add_argument("--kind", choices=sorted(KINDS), required=True)
    reader.add_argument("--path", type=Path, required=True, help="where its line is to appear")
    reader.add_argument("--seed", type=int, default=1)
    reader.set_defaults(run=_reader)
    _add_devices(commands)
    centre = commands.add_parser("centre", help="run a control centre that lets gates read fingers, until interrupted")
    centre.add_argument("--socket", type=Path, required=True, help="where it listens")
    centre.add_argument("--seed", type=int, required=True, help="of the country whose chips it opens")
    centre.add_argument("--country", default="UTO", help="the country's three letters")
    centre.add_argument("--fault", type=Fault, choices=tuple(Fault), default=Fault.NONE, metavar="NAME", help=_FAULTS)
    centre.set_defaults(run=_centre)
    pad = commands.add_parser("pad", help="run a sensor that says whether a person stands before it, until interrupted")
    pad.add_argument("--socket", type=Path, required=True, help="where it listens")
    pad.add_argument("--stands", type=Stands, choices=tuple(Stands), default=Stands.PERSON, metavar="WHO", help=_STANDS)
    pad.add_argument(
        "--fault", type=PadFault, choices=tuple(PadFault), default=PadFault.NONE, metavar="NAME", help=_PAD_FAULTS
    )
    pad.set_defaults(run=_pad)
    faces = commands.add_parser("faces", help="the simulated travellers' faces").add_subparsers(required=True)
    render = faces.add_parser("render", help="write sequences as JPEGs, with what they show")
    render.add_argument("--out", type=Path, required=True, help="the folder to fill")
    render.add_argument("--set", dest="sets", action="append", choices=SETS, help="all when not given; repeatable")
    render.add_argument("--person", dest="people", action="append", metavar="NAME", help="only this one; repeatable")
    render.add_argument("--workers", type=_workers, default=os.cpu_count() or 1, help="processes at a time")
    render.set_defaults(run=_render)
    judged = commands.add_parser("judge", help="was an opening wrong? Exit 1 if so")
    judged.add_argument("--truth", type=Path, required=True, help="the world's ground-truth.jsonl")
    judged.add_argument("--log", type=Path, required=True, help="the verified and decrypted log, JSON lines")
    judged.add_argument("--json", action="store_true", help="one JSON document")
    judged.set_defaults(run=_judge)
    return made


def _pace(text: str) -> float:
    pace = float(text)
    if not 0.1 <= pace <= 10.0:
        raise argparse.ArgumentTypeError("a pace lies between 0.1 and 10")
    return pace


def _unit(text: str) -> int:
    unit = int(text)
    if not 1 <= unit <= UNITS_MAX:
        raise argparse.ArgumentTypeError(f"1 to {UNITS_MAX}")
    return unit


def _workers(text: str) -> int:
    workers = int(text)
    if not 1 <= workers <= WORKERS_MAX:
        raise argparse.ArgumentTypeError(f"1 to {WORKERS_MAX} processes")
    return workers


def _world(options: argparse.Namespace) -> int:
    # Imported here: the judge also runs without camera, faces and PC/SC libraries.
    from hardware_sim.chip.reader import ChipReader  # noqa: PLC0415
    from hardware_sim.chip.system_reader import SystemReader  # noqa: PLC0415
    from hardware_sim.world_setup import NotReadyError, open_world  # noqa: PLC0415

    try:
        open_world(
            options.dir,
            seed=options.seed,
            pace=options.pace,
            chip=SystemReader()
            if options.installed_pcscd
            else ChipReader(options.dir.resolve(), allow_pcsc=not options.direct),
            scenario_folder=options.scenarios,
            reader_kind=options.reader,
            lane=options.lane,
        )
    except NotReadyError as error:
        print(f"gate-sim: {error}", file=sys.stderr)
        return EXIT_NOT_READY
    return 0


def _add_devices(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands for single boards and units."""
    barrier = commands.add_parser(
        "barrier", help="run one barrier board; orders on standard input, events on standard output"
    )
    barrier.add_argument("--profile", choices=PROFILES, required=True)
    barrier.set_defaults(run=_barrier)
    gateway = commands.add_parser("gateway", help="put a board's line on Modbus TCP, until interrupted")
    gateway.add_argument("--path", type=Path, required=True, help="the board's line")
    gateway.add_argument("--host", default="127.0.0.1", help="where it listens")
    gateway.add_argument("--port", type=int, default=5020)
    gateway.set_defaults(run=_gateway)
    sensors = commands.add_parser(
        "sensors", help="run one sensor unit of a two-door lane; orders on standard input, events on standard output"
    )
    sensors.add_argument("--profile", choices=sorted(SENSOR_PROFILES), required=True)
    sensors.set_defaults(run=_sensors)
    for unit, name in ((barrier, "board"), (sensors, "unit")):
        unit.add_argument("--path", type=Path, required=True, help="where its line is to appear")
        unit.add_argument("--unit", type=_unit, default=1, help="its number on the line, 1 to 31")
        unit.add_argument("--baud", type=int, help=f"the {name}'s usual speed when not given")
        unit.add_argument("--seed", type=int, default=1)


def _reader(options: argparse.Namespace) -> int:
    serve_reader(options.kind, options.path, seed=options.seed, orders=sys.stdin, out=sys.stdout)
    return 0


def _barrier(options: argparse.Namespace) -> int:
    return _serve_unit(serve_barrier, options)


def _gateway(options: argparse.Namespace) -> int:
    run_gateway(options.path, options.host, options.port)
    return 0


def _sensors(options: argparse.Namespace) -> int:
    return _serve_unit(serve_sensors, options)


def _serve_unit(serve_unit: Callable[..., None], options: argparse.Namespace) -> int:
    numbers = {"number": options.unit, "baud": options.baud, "seed": options.seed}
    serve_unit(options.profile, options.path, **numbers, orders=sys.stdin, out=sys.stdout)
    return 0


def _centre(options: argparse.Namespace) -> int:
    # Imported here: the judge also runs without the issuer's libraries.
    from hardware_sim.centre.server import CentreServer, answers_of  # noqa: PLC0415
    from hardware_sim.passport.publications import Publications  # noqa: PLC0415

    country = Publications(options.seed, country=options.country)
    return _until_interrupted(CentreServer(options.socket, answers_of(country, options.fault)))


def _pad(options: argparse.Namespace) -> int:
    return _until_interrupted(PadServer(options.socket, PadSensor(options.stands, options.fault)))


def _until_interrupted(server: LocalServer) -> int:
    print("ready", flush=True)
    try:
        threading.Event().wait()
    finally:
        server.stop()
    return 0


def _render(options: argparse.Namespace) -> int:
    # Imported here: the judge needs no pictures.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    from hardware_sim.sequences import UnknownPersonError, people  # noqa: PLC0415
    from hardware_sim.sequences.produce import TestSet, produce  # noqa: PLC0415

    try:
        chosen = frozenset(TestSet(name) for name in options.sets or SETS)
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("frames", total=None)
            frames = produce(
                options.out,
                chosen,
                tuple(options.people or people()),
                workers=options.workers,
                done=lambda part, total: progress.update(task, completed=part, total=total),
            )
    except UnknownPersonError as error:
        print(f"gate-sim: {error}", file=sys.stderr)
        return EXIT_BAD_DATA
    print(f"{frames} frames in {options.out}")
    return 0


def _judge(options: argparse.Namespace) -> int:
    truth, log = read_truth(options.truth), read_log(options.log)
    ruling, different = judge(truth, log), differences(truth, log)
    if options.json:
        both = {**ruling.as_json(), "differences": len(different), "different": [one.as_json() for one in different]}
        print(json.dumps(both, ensure_ascii=False))
    else:
        for wrong in ruling.wrong:
            print(f"wrong opening at {wrong.at_ms} ms: {wrong.kind.value}: {wrong.why}")
        for one in different:
            print(f"the log differs at {one.at_ms} ms: {one.kind.value}: {one.why}")
        print(
            f"{ruling.openings} openings, {ruling.passages} passages, {len(ruling.wrong)} wrong openings, "
            f"{len(different)} differences between log and truth"
        )
    return EXIT_WRONG if ruling.wrong or different else 0
