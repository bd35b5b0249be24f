"""Events as the journal takes them: fields, facility and id; and as lines where there is no journal."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

import pytest

from gate_core.programs.journal import EVENTS, Journal, datagram, fields_of, journal_at, message_id


def record(event: str, level: int = logging.WARNING, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("lane", level, __file__, 1, event, None, None)
    vars(made).update(extra)
    return made


def test_an_event_has_its_id_and_its_fields() -> None:
    fields = fields_of("lane", "{}", record("grant_failed", crossing="c1", error="NoReplyError", empty=None))
    assert fields["MESSAGE_ID"] == message_id("grant_failed")
    assert fields["GATE_CROSSING"] == "c1"
    assert fields["GATE_ERROR"] == "NoReplyError"
    assert "GATE_EMPTY" not in fields
    assert (fields["PRIORITY"], fields["SYSLOG_FACILITY"], fields["SYSLOG_IDENTIFIER"]) == ("4", "3", "gate-lane")


def test_ids_are_the_names_own_and_stay() -> None:
    assert message_id("ready") == "0273c7ec8b775f5ab1506df3283393c8"
    assert len({message_id(name) for name in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize(
    "event",
    ["orders_refused", "configuration_refused", "callers_refused", "stranger_listens", "tampered", "sign_ins_refused"],
)
def test_what_concerns_security_is_for_whoever_collects_that(event: str) -> None:
    assert fields_of("lane", "{}", record(event))["SYSLOG_FACILITY"] == "10"


def test_a_value_of_several_lines_can_add_no_field() -> None:
    sent = datagram({"MESSAGE": "one\nPRIORITY=0", "PRIORITY": "4"})
    assert sent == b"MESSAGE\n" + (14).to_bytes(8, "little") + b"one\nPRIORITY=0\nPRIORITY=4\n"


def test_a_field_that_is_none_of_the_journals_is_left_out() -> None:
    strange = record("ready")
    vars(strange).update({"A=B\nX": "1", "_pid": "1"})
    fields = fields_of("lane", "{}", strange)
    assert not [name for name in fields if "A=B" in name or name.startswith("_")]


def test_the_journal_is_known_by_its_stream(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as file:
        found = os.fstat(file.fileno())
        assert journal_at(f"{found.st_dev}:{found.st_ino}", file.fileno())
        assert not journal_at(f"{found.st_dev}:{found.st_ino + 1}", file.fileno())
    assert not journal_at("1:2", 10_000)


def test_it_is_sent_to_the_journals_socket_and_else_to_standard_error(
    short_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = Journal("lane", path=short_path / "journal")
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.emit(record("barrier_lost", reason="silent"))
    assert capsys.readouterr().err == "barrier_lost\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(short_path / "journal"))
        handler.emit(record("barrier_lost", reason="silent"))
        sent = journal.recv(4096)
    handler.close()
    assert b"GATE_REASON=silent\n" in sent
    assert sent.startswith(b"MESSAGE=barrier_lost\n")
