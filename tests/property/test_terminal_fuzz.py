"""Terminal Authentication with a chip and a control centre that answer anything: it ends, and never in a success by mistake."""

from __future__ import annotations

import functools
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from document_fakes.control_centre import FakeCentre
from document_fakes.inspections import inspected, issued, results
from document_fakes.sample_passports import TODAY, utopia
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_documents import tlv
from gate_documents.access.chip_access import Chip
from gate_documents.access.commands import Command, Response
from gate_documents.authenticity.integrity import Integrity
from gate_documents.authenticity.terminal_authentication import ChainRequest, TerminalOutcome, authenticate_terminal
from gate_documents.checks import CheckId, Result
from gate_documents.errors import ChipStatusError, MalformedError, SecureMessagingError
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.lds.files import File
from hardware_sim.passport import lds
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.issuer import Passport

CHAIN = b"".join(utopia().terminal_chain().certificates)
CVCA = tlv.encode(0x42, b"UTCVCA00001").ljust(36, b"\x00")
RESULTS = frozenset({Result.SUCCESSFUL, Result.FAILED, Result.UNDETERMINED, Result.NOT_SUPPORTED})


@functools.cache
def passport() -> Passport:
    features = Features(chip_authentication=(Agreement(13),), terminal_authentication=True)
    return issued(features=features, extra_groups={3: lds.dg3(b"a finger")})


class AnyChip:
    """A chip that Chip Authentication has led to, which answers as it is told."""

    identities = (b"L898902C36",)

    def __init__(self, content: bytes | Exception | None, answers: list[Response], terminal_key: bytes | None) -> None:
        self.content, self.answers, self.terminal_key = content, answers, terminal_key
        self.reopened = 0
        self.all_well = True

    def read_fixed(self, _: File, size: int) -> Generator[Any, bytes | None, bytes | None]:
        yield from ()
        if isinstance(self.content, Exception):
            raise self.content
        return self.content if self.content is None else self.content[:size]

    def ask(self, command: Command) -> Generator[Any, bytes | None, Response]:
        yield from ()
        answer = self.answers.pop(0) if self.answers else Response(b"", 0x6982)
        self.all_well &= answer.status == 0x9000 and (command.instruction != 0x84 or len(answer.data) == 8)
        return answer

    ask_at_length = ask

    def reopen(self) -> Generator[Any, bytes | None, None]:
        yield from ()
        self.reopened += 1


STATUSES = st.sampled_from([0x9000, 0x9000, 0x9000, 0x9000, 0x6300, 0x6982, 0x6A88, 0x6A80, 0x6700, 0x6282])
ANSWERS = st.lists(st.builds(Response, st.sampled_from([b"", bytes(8), bytes(8), bytes(9)]), STATUSES), max_size=9)
CONTENTS = st.one_of(
    st.just(CVCA),
    st.just(CVCA),
    st.none(),
    st.binary(max_size=40),
    st.sampled_from(
        [
            ChipStatusError("EF.CVCA cannot be selected", 0x6982),
            MalformedError("EF.CVCA is empty"),
            SecureMessagingError("an answer in clear", status=0x6988),
        ]
    ),
)


@dataclass(frozen=True)
class Meeting:
    """A chip and a control centre, by what they say."""

    content: bytes | Exception | None
    answers: list[Response]
    chain: bytes | None
    signature: bytes | None
    terminal_key: bytes | None
    today: date


MEETINGS = st.builds(
    Meeting,
    content=CONTENTS,
    answers=ANSWERS,
    chain=st.one_of(st.just(CHAIN), st.just(CHAIN), st.none(), st.binary(max_size=60)),
    signature=st.one_of(st.just(bytes(64)), st.none(), st.binary(max_size=1100)),
    terminal_key=st.one_of(st.just(bytes(32)), st.just(bytes(32)), st.none()),
    today=st.one_of(st.just(TODAY), st.dates()),
)


@settings(max_examples=400, deadline=1000)
@given(meeting=MEETINGS)
def test_any_answers_end_in_an_outcome_and_in_a_success_only_if_all_were_good(meeting: Meeting) -> None:
    chip = AnyChip(meeting.content, list(meeting.answers), meeting.terminal_key)
    infos = parse_dg14(passport().files["EF_DG14"])
    conversation = authenticate_terminal(cast("Chip", chip), infos, frozenset({3}), meeting.today)
    answer: bytes | None = None
    while True:
        try:
            step = conversation.send(answer)
        except StopIteration as end:
            outcome = cast("TerminalOutcome", end.value)
            break
        answer = meeting.chain if isinstance(step, ChainRequest) else meeting.signature
    assert outcome.result in RESULTS
    assert outcome.reason
    if outcome.result is Result.SUCCESSFUL:
        assert (meeting.content, meeting.chain, meeting.terminal_key) == (CVCA, CHAIN, bytes(32))
        assert chip.all_well
        assert meeting.signature
    assert chip.reopened == (isinstance(meeting.content, SecureMessagingError) and meeting.terminal_key is not None)


@settings(max_examples=60, deadline=5000)
@given(at=st.integers(0, len(CHAIN) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_of_the_certificates_is_accepted(at: int, bit: int) -> None:
    flipped = CHAIN[:at] + bytes((CHAIN[at] ^ 1 << bit,)) + CHAIN[at + 1 :]
    centre = FakeCentre(utopia().terminal_chain(), chain_of=lambda _: flipped)
    inspection = inspected(passport(), guarded=frozenset({3}), centre=centre)
    check = next(check for check in inspection.checks if check.id is CheckId.TERMINAL_AUTHENTICATION)
    assert check.result in (Result.FAILED, Result.UNDETERMINED)
    assert results(inspection).keys() == {"terminal_authentication"}
    assert inspection.groups[3] is Integrity.PRESENT


@settings(max_examples=60, deadline=5000)
@given(data=st.data())
def test_no_flipped_bit_of_what_the_chip_says_is_a_success_of_the_whole(data: st.DataObject) -> None:
    centre = FakeCentre(utopia().terminal_chain())
    count = len(_answers_of_a_genuine_chip())
    at = data.draw(st.integers(count - 20, count - 1), label="which of the last answers")
    turn = iter(range(10_000))

    def through(transmit: Any) -> Any:
        def answer(apdu: bytes) -> bytes:
            said = bytearray(transmit(apdu))
            if next(turn) == at:
                said[data.draw(st.integers(0, len(said) - 1), label="where")] ^= 1 << data.draw(st.integers(0, 7))
            return bytes(said)

        return answer

    inspection = inspected(passport(), guarded=frozenset({3}), centre=centre, through=through)
    assert inspection.overall is not Result.SUCCESSFUL


@functools.cache
def _answers_of_a_genuine_chip() -> tuple[bytes, ...]:
    said: list[bytes] = []

    def through(transmit: Any) -> Any:
        def answer(apdu: bytes) -> bytes:
            said.append(transmit(apdu))
            return said[-1]

        return answer

    centre = FakeCentre(utopia().terminal_chain())
    assert results(inspected(passport(), guarded=frozenset({3}), centre=centre, through=through)) == {}
    return tuple(said)
