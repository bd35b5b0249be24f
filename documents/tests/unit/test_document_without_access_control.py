"""Chips that anyone may read: what is made of them, and that no other chip is ever read like one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from document_fakes.inspections import (
    SELECT_APPLICATION,
    Through,
    Transmit,
    conversed,
    inspected,
    issued,
    reason,
    results,
)

from gate_documents.access.checks import AccessFacts
from gate_documents.access.chip_access import REOPENINGS_MAX
from gate_documents.checks import CheckId, Result
from gate_documents.verdict.conclusion import AgreementFacts
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport

OPEN = {"chip_access": "not_supported"}
AGREEING = Features(chip_authentication=(Agreement(13, Cipher.AES_128),))
PACE = Features(pace=(Pace(Mapping.GENERIC, 12, Cipher.AES_128),))


def agreeing() -> Passport:
    return issued("no_chip_authentication", active=None, features=AGREEING)


def reads_in_clear(sent: list[bytes]) -> list[bytes]:
    """Commands in clear that give bytes of a file, those of EF.CardAccess left out."""
    entered = next((index for index, apdu in enumerate(sent) if apdu == SELECT_APPLICATION), len(sent))
    return [apdu for apdu in sent[entered:] if apdu[:2] in (b"\x00\xb0", b"\x00\xb1")]


# ── genuine chips ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("active", ["ecdsa", "rsa"])
def test_a_genuine_open_chip_proves_itself_by_its_signature(active: str) -> None:
    inspection = inspected(issued(active=active), no_access_control=True)
    assert results(inspection) == OPEN
    assert inspection.overall is Result.SUCCESSFUL
    assert "anyone may read it" in reason(inspection)
    assert "Active Authentication" in reason(inspection, CheckId.CHIP_AUTHENTICITY)
    assert inspection.access == AccessFacts("none", "")


def test_a_genuine_open_chip_proves_itself_by_new_keys_and_is_read_under_them() -> None:
    inspection, _, sent, _ = conversed(agreeing(), no_access_control=True)
    assert results(inspection) == OPEN
    assert inspection.agreement == AgreementFacts("0.4.0.127.0.7.2.2.3.2.2", "AES-128", "brainpoolP256r1")
    agreed = next(index for index, apdu in enumerate(sent) if apdu[1] == 0x86)
    assert sent[agreed][0] == 0x00
    assert all(apdu[0] == 0x0C for apdu in sent[agreed + 1 :]), "nothing is asked in clear any more"
    assert any(apdu[:4] == b"\x0c\xa4\x02\x0c" for apdu in sent[agreed + 1 :])


def test_an_open_chip_that_cannot_prove_itself_is_not_said_to_have_done_so() -> None:
    document = issued("no_chip_authentication", active=None)
    assert results(inspected(document, no_access_control=True)) == OPEN | {"chip_authenticity": "not_supported"}


@pytest.mark.parametrize("status", [0x6A81, 0x6D00, 0x6E00])
def test_a_chip_may_say_in_three_ways_that_it_knows_no_challenge(status: int) -> None:
    assert results(inspected(issued(), no_access_control=True, challenge_status=status)) == OPEN


def test_an_open_chip_need_not_have_an_ef_com() -> None:
    genuine = issued()
    files = {name: content for name, content in genuine.files.items() if name != "EF_COM"}
    inspection = inspected(dataclasses.replace(genuine, files=files), no_access_control=True)
    assert results(inspection) == OPEN | {"com_sod": "not_supported"}


def test_an_open_chip_may_refuse_its_master_file() -> None:
    assert results(inspected(issued(), no_access_control=True, master_file_refused=True)) == OPEN


@pytest.mark.parametrize("document", [issued, agreeing])
@pytest.mark.parametrize("le_max", [256, 224, 160])
def test_an_open_chip_is_read_in_blocks_of_its_own_size(document: Callable[[], Passport], le_max: int) -> None:
    inspection = inspected(document(), no_access_control=True, no_extended_length=True, le_max=le_max)
    assert results(inspection) == OPEN


def test_what_came_at_once_in_clear_may_be_too_long_once_it_is_protected() -> None:
    def no_long_ones(transmit: Transmit) -> Transmit:
        def answer(apdu: bytes) -> bytes:
            if apdu[:2] == b"\x0c\xb0" and apdu[4] == 0:
                transmit(SELECT_APPLICATION)  # the card drops its session
                return b"\x67\x00"
            return transmit(apdu)

        return answer

    inspection, _, sent, _ = conversed(agreeing(), no_access_control=True, through=no_long_ones)
    assert results(inspection) == OPEN
    long_ones = [apdu for apdu in reads_in_clear(sent) if apdu[4] == 0]
    assert long_ones, "in clear, extended length works"
    assert sum(apdu[1] == 0x86 for apdu in sent) == 2, "opened anew in clear, and then under new keys again"


# ── clones and liars ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("features", [Features(), AGREEING], ids=["active", "agreeing"])
def test_an_open_clone_fails(features: Features) -> None:
    inspection = inspected(issued("no_private_key", features=features), no_access_control=True)
    assert results(inspection) == OPEN | {"chip_authenticity": "failed"}
    assert inspection.overall is Result.FAILED


def test_an_open_clone_with_keys_of_its_own_fails() -> None:
    inspection = inspected(issued("own_keys"), no_access_control=True)
    assert results(inspection) == OPEN | {"dg_hashes": "failed", "chip_authenticity": "failed"}


def test_an_open_clone_that_hides_its_keys_fails() -> None:
    inspection = inspected(issued("clone_without_dg15"), no_access_control=True)
    assert inspection.result_of(CheckId.CHIP_AUTHENTICITY) is Result.FAILED


@pytest.mark.parametrize("lie", ["sm_wrong_mac", "sm_no_status", "sm_status_mismatch", "sm_plain_answer", "sm_replay"])
def test_once_new_keys_are_there_nothing_is_taken_that_they_do_not_protect(lie: str) -> None:
    inspection = inspected(agreeing(), no_access_control=True, lie=lie, lie_after_answers=1)
    assert inspection.overall is Result.ABORTED
    assert inspection.result_of(CheckId.DG_HASHES) is Result.ABORTED


def test_the_card_access_of_a_chip_with_pace_cannot_be_hidden_this_way() -> None:
    genuine = issued(features=PACE)
    files = {name: content for name, content in genuine.files.items() if name != "EF_CARD_ACCESS"}
    inspection = inspected(dataclasses.replace(genuine, files=files), no_access_control=True)
    assert results(inspection) == {"chip_access": "failed"}
    assert "EF.DG14 offers PACE" in reason(inspection)


# ── no way into reading in clear ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "status", [0x6300, 0x6700, 0x6881, 0x6900, 0x6982, 0x6985, 0x6A82, 0x6A86, 0x6B00, 0x6C08, 0x6F00]
)
def test_a_chip_that_refuses_its_challenge_for_another_reason_stays_closed(status: int) -> None:
    inspection, _, sent, _ = conversed(issued(), no_access_control=True, challenge_status=status)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert f"{status:04X}" in reason(inspection)
    assert inspection.access is None
    assert not reads_in_clear(sent), "it would have been given everything"


@pytest.mark.parametrize("status", [0x6A81, 0x6D00, 0x6E00])
def test_a_chip_that_knows_no_challenge_and_gives_nothing_stays_closed(status: int) -> None:
    inspection = inspected(issued(), challenge_status=status)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert "cannot be read without it" in reason(inspection)
    assert inspection.access is None


@pytest.mark.parametrize("status", [0x6300, 0x6A81, 0x6D00, 0x6E00])
def test_a_chip_that_gave_a_challenge_is_never_read_in_clear(status: int) -> None:
    """It refuses the proof as if it knew no such command, and would give its files."""

    def forgetful(transmit: Transmit) -> Transmit:
        def answer(apdu: bytes) -> bytes:
            if apdu[1] == 0x84:
                return bytes(8) + b"\x90\x00"
            return status.to_bytes(2) if apdu[1] == 0x82 else transmit(apdu)

        return answer

    inspection, _, sent, _ = conversed(issued(), no_access_control=True, through=forgetful)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert not reads_in_clear(sent)


@pytest.mark.parametrize("command", [0x22, 0x86], ids=["set", "authenticate"])
@pytest.mark.parametrize("status", [0x6985, 0x6A81, 0x6D00, 0x6E00])
def test_a_chip_that_offers_pace_and_refuses_it_is_never_read_in_clear(command: int, status: int) -> None:
    def refusing(transmit: Transmit) -> Transmit:
        return lambda apdu: status.to_bytes(2) if apdu[1] == command else transmit(apdu)

    inspection, _, sent, _ = conversed(issued(features=PACE), no_access_control=True, through=refusing)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert SELECT_APPLICATION not in sent
    assert not any(apdu[1] == 0x84 for apdu in sent)


def ending_over_a_size(then: Callable[[Transmit, bytes], bytes | None]) -> Through:
    """The session ends over the first long block; from then on `then` may answer instead of the chip."""

    def through(transmit: Transmit) -> Transmit:
        state = {"ended": False}

        def answer(apdu: bytes) -> bytes:
            if not state["ended"] and apdu[:2] == b"\x0c\xb0" and apdu[4] == 0:
                state["ended"] = True
                transmit(SELECT_APPLICATION)
                return b"\x67\x00"
            told = then(transmit, apdu) if state["ended"] else None
            return transmit(apdu) if told is None else told

        return answer

    return through


def test_a_chip_that_was_opened_with_its_mrz_is_not_opened_anew_without() -> None:
    genuine = issued()
    in_clear: list[bytes] = []

    def open_now(_: Transmit, apdu: bytes) -> bytes | None:
        if apdu[1] == 0x84:
            return b"\x6d\x00"
        if apdu[:2] == b"\x00\xb0":
            in_clear.append(apdu)
            return genuine.files["EF_SOD"][:6] + b"\x90\x00"
        return b"\x90\x00" if apdu[:4] == b"\x00\xa4\x02\x0c" else None

    inspection = inspected(genuine, through=ending_over_a_size(open_now))
    assert inspection.overall is Result.ABORTED
    assert "in another way than before" in reason(inspection, CheckId.DG_HASHES)
    assert not in_clear


def test_an_open_chip_is_not_opened_anew_with_its_mrz() -> None:
    """Another chip of the same document, which has Basic Access Control, has taken its place."""
    guarded: list[Transmit] = []

    def other(_: Transmit, apdu: bytes) -> bytes | None:
        return guarded[0](apdu)

    def aside(transmit: Transmit) -> Transmit:
        guarded.append(transmit)
        return transmit

    inspected(agreeing(), through=aside)
    inspection = inspected(agreeing(), no_access_control=True, through=ending_over_a_size(other))
    assert inspection.overall is Result.ABORTED
    assert "in another way than before" in reason(inspection, CheckId.DG_HASHES)


def test_an_open_chip_that_was_opened_anew_proves_itself_again_before_it_is_read_on() -> None:
    def without_its_key(_: Transmit, apdu: bytes) -> bytes | None:
        return b"\x6a\x80" if apdu[:2] == b"\x00\x86" else None

    inspection, _, sent, _ = conversed(agreeing(), no_access_control=True, through=ending_over_a_size(without_its_key))
    assert inspection.overall is Result.ABORTED
    last = [apdu for apdu in sent if apdu[1] == 0x86][-1]
    assert sent[-1] == last, "nothing more is asked"


def test_an_open_chip_that_ends_its_sessions_again_and_again_is_given_up() -> None:
    sizes = iter(range(0x6CD0, 0x6C00, -1))

    def through(transmit: Transmit) -> Transmit:
        second_blocks = iter(range(100))

        def answer(apdu: bytes) -> bytes:
            if apdu[:4] == b"\x0c\xb0\x00\x06" and next(second_blocks) > 0:  # the first is of the short EF.DG1
                transmit(SELECT_APPLICATION)
                return next(sizes).to_bytes(2)
            return transmit(apdu)

        return answer

    inspection, _, sent, _ = conversed(agreeing(), no_access_control=True, through=through)
    assert inspection.overall is Result.ABORTED
    assert sum(apdu == SELECT_APPLICATION for apdu in sent) == 1 + REOPENINGS_MAX


@pytest.mark.parametrize("document", [issued, agreeing])
def test_an_open_chip_that_is_lost_at_any_moment_is_aborted(document: Callable[[], Passport]) -> None:
    whole = conversed(document(), no_access_control=True)
    assert results(whole.inspection) == OPEN
    for moment in range(len(whole.sent)):
        inspection = inspected(document(), no_access_control=True, pull_out_after_apdus=moment)
        assert inspection.overall in (Result.ABORTED, Result.UNDETERMINED), moment
