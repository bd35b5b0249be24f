"""A genuine passport with one changed byte, in one of its files or in one answer of its chip, is never successful as a whole.

A chip without access control is the exception: of what it says in clear, some bytes change nothing, and for each the reason stands
here.

Two files are signed by nobody: EF.COM is held against EF.SOD, EF.CardAccess against EF.DG14. Small files are changed at every
byte, long ones at steps that no length of theirs is a multiple of; to what value, a seeded die says. Of each answer both bytes of
the status word are changed, and some bytes before it; of the conversation only the first answer, to a selection that some chips refuse,
is not looked at. EF.ATR/INFO tells how long answers may be: that it is there, or not, changes nothing, and must not.
"""

import dataclasses
import random
from collections.abc import Callable

import pytest
from document_fakes.inspections import Transmit, inspected, issued, judged
from fakes.tiers import quick_or_long

from gate_documents.checks import CheckId, Result
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport

STEP_FROM_BYTES = 120
STEP = 37
BYTES_OF_AN_ANSWER = 4
NAMES = {"EF_CARD_ACCESS": "EF.CardAccess", "EF_CARD_SECURITY": "EF.CardSecurity"}
AES = Cipher.AES_128
SELECT_ATR_INFO = bytes.fromhex("00A4020C022F01")


def basic() -> Passport:
    return issued()


def basic_with_agreement() -> Passport:
    return issued("no_chip_authentication", features=Features(chip_authentication=(Agreement(12, cipher=None),)))


def modern() -> Passport:
    way = Pace(Mapping.GENERIC, 12, AES)
    return issued(features=Features(pace=(way,), chip_authentication=(Agreement(12, AES),)))


def in_a_field() -> Passport:
    return issued(features=Features(pace=(Pace(Mapping.GENERIC, 0, AES),), chip_authentication=(Agreement(0, AES),)))


def integrated() -> Passport:
    return issued(features=Features(pace=(Pace(Mapping.INTEGRATED, 12, AES),)))


MAPPED = Features(pace=(Pace(Mapping.CHIP_AUTHENTICATION, 12, AES),))


def mapped() -> Passport:
    return issued("no_chip_authentication", features=MAPPED)


def both_mapped_and_generic() -> Passport:
    ways = (Pace(Mapping.CHIP_AUTHENTICATION, 12, AES), Pace(Mapping.GENERIC, 12, AES))
    return issued(features=Features(pace=ways, chip_authentication=(Agreement(12, AES),)))


AGREEING = Features(chip_authentication=(Agreement(13, AES),))


def agreeing() -> Passport:
    return issued("no_chip_authentication", active=None, features=AGREEING)


KINDS = [basic, agreeing, basic_with_agreement, modern, in_a_field, integrated, mapped, both_mapped_and_generic]


def positions(content: bytes) -> range:
    return range(0, len(content), 1 if len(content) <= STEP_FROM_BYTES else STEP)


def changed(content: bytes, position: int, dice: random.Random) -> bytes:
    altered = bytearray(content)
    altered[position] ^= dice.randrange(1, 256)
    return bytes(altered)


@pytest.mark.parametrize("document", KINDS)
def test_the_unchanged_passport_is_successful(document: Callable[[], Passport]) -> None:
    assert inspected(document()).overall is Result.SUCCESSFUL


@pytest.mark.parametrize("document", quick_or_long([basic, modern, mapped], quick=[basic]))
def test_a_changed_byte_of_any_file_is_never_overall_successful(document: Callable[[], Passport]) -> None:
    genuine = document()
    dice = random.Random(11)
    tried = 0
    for name, content in genuine.files.items():
        for position in positions(content):
            files = {**genuine.files, name: changed(content, position, dice)}
            tried += 1
            assert inspected(dataclasses.replace(genuine, files=files)).overall is not Result.SUCCESSFUL, (
                name,
                position,
            )
    assert tried > 200


@pytest.mark.parametrize("document", quick_or_long(KINDS, quick=[basic, agreeing, mapped, integrated]))
def test_a_changed_byte_of_any_answer_is_never_overall_successful(document: Callable[[], Passport]) -> None:
    genuine = document()
    exchanged: list[tuple[bytes, bytes]] = []

    def listening(transmit: Transmit) -> Transmit:
        def heard(apdu: bytes) -> bytes:
            exchanged.append((apdu, transmit(apdu)))
            return exchanged[-1][1]

        return heard

    assert inspected(genuine, through=listening).overall is Result.SUCCESSFUL
    dice = random.Random(12)
    for turn, (command, answer) in list(enumerate(exchanged))[1:]:
        before = len(answer) - 2
        some = dice.sample(range(before), min(before, BYTES_OF_AN_ANSWER))
        for position in (*some, before, before + 1):

            def lying(transmit: Transmit, turn: int = turn, position: int = position) -> Transmit:
                turns = iter(range(10_000))

                def told(apdu: bytes) -> bytes:
                    honest = transmit(apdu)
                    return changed(honest, position % len(honest), dice) if next(turns) == turn else honest

                return told

            found = inspected(genuine, through=lying)
            if command == SELECT_ATR_INFO:
                assert found.overall is Result.SUCCESSFUL, (turn, position)
            else:
                assert found.overall in (Result.FAILED, Result.ABORTED), (turn, position)
    assert sum(command == SELECT_ATR_INFO for command, _ in exchanged) == 1


OPEN_KINDS = [basic, basic_with_agreement, agreeing]
OPEN_NAMES = ["active", "agreeing-3des", "agreeing-aes"]
# Another refusal that means the same, of a command or a file that the chip has not.
SAME_REFUSALS = [{0x6A81, 0x6D00, 0x6E00}, {0x6A82, 0x6982}]

# The look at EF.COM that shows that the chip is open: EF.SOD would do as well, and both are read again.
LOOK = (5, 6)


def harmless(turn: int, command: bytes, honest: bytes, told: bytes) -> bool:
    """True for a byte in clear that no part of the document hangs on; whatever is read of a file to be judged is none."""
    if (
        turn in LOOK or command == SELECT_ATR_INFO or command[1:4] == b"\x22\x41\xa6"
    ):  # the latter refused, the other way of triple DES is taken
        return True
    if command[1] in (0x22, 0x86):  # Chip Authentication says nothing in clear but yes: the next answer proves it
        return honest[-2:] == told[-2:]
    refusals = {int.from_bytes(honest[-2:]), int.from_bytes(told[-2:])}
    return len(honest) == 2 and any(refusals <= same for same in SAME_REFUSALS)


@pytest.mark.parametrize("document", OPEN_KINDS, ids=OPEN_NAMES)
def test_a_changed_byte_of_any_answer_of_an_open_chip_is_never_overall_successful_unless_it_is_harmless(
    document: Callable[[], Passport],
) -> None:
    genuine = document()
    exchanged: list[tuple[bytes, bytes]] = []

    def listening(transmit: Transmit) -> Transmit:
        def heard(apdu: bytes) -> bytes:
            exchanged.append((apdu, transmit(apdu)))
            return exchanged[-1][1]

        return heard

    assert inspected(genuine, no_access_control=True, through=listening).overall is Result.SUCCESSFUL
    dice = random.Random(14)
    excused = 0
    for turn, (command, answer) in list(enumerate(exchanged))[1:]:
        before = len(answer) - 2
        for position in (*dice.sample(range(before), min(before, 3 * BYTES_OF_AN_ANSWER)), before, before + 1):
            told = changed(answer, position, dice)

            def lying(transmit: Transmit, turn: int = turn, told: bytes = told) -> Transmit:
                turns = iter(range(10_000))

                def answered(apdu: bytes) -> bytes:
                    honest = transmit(apdu)
                    return told if next(turns) == turn else honest

                return answered

            found = inspected(genuine, no_access_control=True, through=lying)
            if command[0] == 0x00 and harmless(turn, command, answer, told):
                excused += 1
                assert found.overall is Result.SUCCESSFUL, (turn, position)
            else:
                assert found.overall in (Result.FAILED, Result.ABORTED, Result.UNDETERMINED), (turn, position)
    assert exchanged[LOOK[0]][0] == bytes.fromhex("00A4020C02011E")
    assert excused < len(exchanged)


@pytest.mark.parametrize("document", quick_or_long(OPEN_KINDS, quick=OPEN_KINDS[:1]), ids=OPEN_NAMES)
def test_a_changed_byte_of_any_file_of_an_open_chip_is_never_overall_successful(
    document: Callable[[], Passport],
) -> None:
    genuine = document()
    dice = random.Random(15)
    for name, content in genuine.files.items():
        for position in positions(content):
            files = {**genuine.files, name: changed(content, position, dice)}
            found = inspected(dataclasses.replace(genuine, files=files), no_access_control=True)
            assert found.overall is not Result.SUCCESSFUL, (name, position)


def copied(document: Passport) -> dict[str, bytes]:
    """The files as somebody else has read them."""
    return {NAMES.get(name, name.replace("_", ".")): content for name, content in document.files.items()}


def test_a_changed_byte_of_any_copied_file_is_never_overall_successful() -> None:
    files = copied(mapped())
    assert {"EF.CardAccess", "EF.CardSecurity"} <= files.keys()
    assert judged(files).overall is Result.SUCCESSFUL
    dice = random.Random(13)
    for name, content in files.items():
        for position in positions(content):
            found = judged({**files, name: changed(content, position, dice)})
            assert found.overall is not Result.SUCCESSFUL, (name, position)
            assert name != "EF.COM" or found.result_of(CheckId.COM_SOD) is Result.FAILED, position


def test_copied_files_of_the_master_file_are_held_against_what_is_signed() -> None:
    ours, others = copied(mapped()), copied(modern())
    swapped = judged({**ours, "EF.CardAccess": others["EF.CardAccess"]})
    assert swapped.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert swapped.result_of(CheckId.CHIP_AUTHENTICITY) is Result.FAILED
    unsigned = {name: content for name, content in ours.items() if name != "EF.DG14"}
    assert judged(unsigned).result_of(CheckId.CHIP_ACCESS) is Result.UNDETERMINED
    for empty in ("EF.CardAccess", "EF.CardSecurity"):
        assert judged({**ours, empty: b""}).overall is Result.FAILED
    strangers = copied(issued("own_card_security", "no_chip_authentication", features=MAPPED))
    assert judged(strangers).result_of(CheckId.CHIP_AUTHENTICITY) is Result.UNDETERMINED


def test_a_copy_of_a_genuine_card_security_proves_no_chip() -> None:
    found = judged(copied(mapped()))
    assert found.result_of(CheckId.CHIP_ACCESS) is Result.NOT_SUPPORTED
    assert found.result_of(CheckId.CHIP_AUTHENTICITY) is Result.NOT_SUPPORTED
