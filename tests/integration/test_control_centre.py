"""The lane's way to a control centre, over a real socket, to the simulated chip and back: with every fault of the centre."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from document_fakes.inspections import NOW, anchors, issued, results
from document_fakes.sample_passports import ANNA, portrait, utopia

from gate.cli import chip
from gate.programs.lane.document.inspection import converse, question_of
from gate.programs.lane.document_session import DEADLINE_S, ControlCentre
from gate_documents.authenticity.integrity import Integrity
from gate_documents.authenticity.terminal_authentication import ChainRequest, SignatureRequest
from gate_documents.checks import CheckId, Result
from gate_documents.inspection import inspect
from gate_documents.mrz.parser import parse
from gate_documents.verdict.conclusion import Inspection
from hardware_sim import cli
from hardware_sim.centre import Fault
from hardware_sim.centre.server import CentreServer, answers_of
from hardware_sim.chip.card import Card
from hardware_sim.passport import lds
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.issuer import Issuer, Passport

FEATURES = Features(chip_authentication=(Agreement(13),), terminal_authentication=True)
DOCUMENT = issued(features=FEATURES, extra_groups={3: lds.dg3(b"a finger")})
CHAIN = ChainRequest(("UTCVCA00001",))


class Reader:
    """The chip on a reader that never fails."""

    extended = True

    def __init__(self, document: Passport = DOCUMENT) -> None:
        self._card = Card(document, random_bytes=random.Random(1).randbytes)

    async def wait_for_card(self, timeout_s: float) -> None:
        assert timeout_s > 0

    async def close(self) -> None:
        self._card.reset()

    async def transmit(self, apdu: bytes) -> bytes:
        return self._card.transmit(apdu)


@contextmanager
def serving(path: Path, fault: Fault, country: Issuer | None = None, *, pause_s: float = 5.0) -> Iterator[None]:
    server = CentreServer(path, answers_of(country or utopia(), fault), pause_s=pause_s)
    try:
        yield
    finally:
        server.stop()


async def inspected(centre: ControlCentre) -> Inspection:
    conversation = inspect(
        parse(DOCUMENT.mrz_lines),
        anchors=anchors(),
        now=NOW,
        random=random.Random(2).randbytes,
        guarded=frozenset({3}),
    )

    async def ignore(_: object) -> None:
        return None

    return await converse(conversation, Reader().transmit, ignore, lambda request: centre.ask(question_of(request)))


async def test_a_centre_that_does_as_it_should_lets_us_read_the_fingers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "centre.sock"
    caplog.set_level("INFO", "gate.programs")
    with serving(path, Fault.NONE):
        inspection = await inspected(ControlCentre(path))
    assert results(inspection) == {}
    assert inspection.groups[3] is Integrity.IDENTICAL
    assert inspection.fingerprints == 1
    (record,) = caplog.records
    told = {name: vars(record)[name] for name in ("message", "result", "fingerprints")}
    assert told == {"message": "terminal_authentication", "result": "successful", "fingerprints": 1}


async def test_a_hand_held_reader_asks_a_centre_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    country = Issuer(7, today=datetime.now(UTC).date())  # the command goes by the real clock
    document = country.issue(ANNA, portrait_jpeg=portrait(), features=FEATURES, extra_groups={3: lds.dg3(b"a finger")})
    monkeypatch.setattr(chip, "PcscReader", lambda *_: Reader(document))
    path = tmp_path / "centre.sock"
    with serving(path, Fault.NONE, country):
        inspection, _ = await chip.read_chip(
            parse(document.mrz_lines), None, anchors=anchors(), reader_name="", wait_s=1, centre=path
        )
    assert inspection.result_of(CheckId.TERMINAL_AUTHENTICATION) is Result.SUCCESSFUL
    assert inspection.fingerprints == 1


@pytest.mark.parametrize(
    ("fault", "result", "reason"),
    [
        (Fault.EXPIRED, Result.UNDETERMINED, "ended on"),
        (Fault.WITHOUT_RIGHT, Result.UNDETERMINED, "does not grant"),
        (Fault.REFUSES, Result.UNDETERMINED, "no inspection-system certificates"),
        (Fault.REFUSES_TO_SIGN, Result.UNDETERMINED, "does not sign"),
        (Fault.OTHER_ANSWER, Result.UNDETERMINED, "no inspection-system certificates"),
        (Fault.SILENT, Result.UNDETERMINED, "no inspection-system certificates"),
        (Fault.SLOW, Result.UNDETERMINED, "no inspection-system certificates"),
        (Fault.NONSENSE, Result.UNDETERMINED, "no inspection-system certificates"),
        (Fault.FORGED, Result.FAILED, "refuses the certificate"),
        (Fault.WRONG_SIGNATURE, Result.FAILED, "does not accept the terminal"),
    ],
)
async def test_every_fault_of_a_centre_costs_its_check_only_and_ends_in_time(
    tmp_path: Path, fault: Fault, result: Result, reason: str
) -> None:
    path = tmp_path / "centre.sock"
    loop = asyncio.get_running_loop()
    with serving(path, fault):
        began = loop.time()
        inspection = await inspected(ControlCentre(path, deadline_s=0.2))
        assert loop.time() - began < 3
    assert results(inspection) == {"terminal_authentication": result.value}
    check = next(check for check in inspection.checks if check.id is CheckId.TERMINAL_AUTHENTICATION)
    assert reason in check.reason
    assert inspection.groups[3] is Integrity.PRESENT


async def test_a_centre_that_is_not_there_is_no_certificates(tmp_path: Path) -> None:
    inspection = await inspected(ControlCentre(tmp_path / "nobody.sock"))
    assert results(inspection) == {"terminal_authentication": "undetermined"}


async def test_a_slow_centre_is_heard_within_the_deadline(tmp_path: Path) -> None:
    path = tmp_path / "centre.sock"
    with serving(path, Fault.SLOW, pause_s=0.05):
        inspection = await inspected(ControlCentre(path))
    assert results(inspection) == {}


async def test_a_centre_is_reported_when_it_goes_and_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lane")
    path = tmp_path / "centre.sock"
    centre = ControlCentre(path)
    assert await centre.ask(question_of(CHAIN)) is None
    assert await centre.ask(question_of(CHAIN)) is None
    with serving(path, Fault.NONE):
        assert await centre.ask(question_of(CHAIN))
        assert await centre.ask(question_of(SignatureRequest("UTISXX00001", b"x")))
    assert [record.message for record in caplog.records] == ["control_centre_lost", "control_centre_back"]


async def test_more_clients_than_a_centre_takes_are_hung_up_on(tmp_path: Path) -> None:
    path = tmp_path / "centre.sock"
    with serving(path, Fault.NONE):
        waiting = [await asyncio.open_unix_connection(str(path)) for _ in range(8)]
        assert await ControlCentre(path).ask(question_of(CHAIN)) is None
        for _, writer in waiting:
            writer.close()
            await writer.wait_closed()


async def test_whoever_breaks_the_protocol_is_hung_up_on(tmp_path: Path) -> None:
    path = tmp_path / "centre.sock"
    with serving(path, Fault.NONE):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"\xff\xff\xff\xff")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        assert await ControlCentre(path).ask(question_of(CHAIN))


def test_a_traveller_waits_no_longer_than_two_deadlines() -> None:
    assert 2 * DEADLINE_S < 5


async def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "centre.sock"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hardware_sim", "centre", "--socket", str(path), "--seed", "7", stdout=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"ready\n"
            assert results(await inspected(ControlCentre(path))) == {}
            process.send_signal(signal.SIGINT)
            assert await process.wait() == cli.EXIT_INTERRUPTED
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert not path.exists()
