"""The events that programs write to the journal: a table of names, meanings and fields, and the logging handlers.

Under systemd, events go to the journal's socket with fields (systemd.journal-fields(7)): `MESSAGE` is the JSON line,
`MESSAGE_ID` the event's id, `GATE_…` its fields. Security events have the syslog facility authpriv. Fields never
contain a traveller's data. docs/protocols/journal.md is generated from the table; a test compares it with the code.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import socket
import struct
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate_core.programs.clock import now
from gate_core.settings import environment

SOCKET: Final = Path("/run/systemd/journal/socket")
VALUE_BYTES_MAX: Final = 8 * 1024  # of one field; the rest is cut
DAEMON, AUTHPRIV = 3, 10  # syslog(3)
_NAMESPACE: Final = uuid.UUID("6b1f2f52-6f0c-5e0e-9d5b-3a4c1f0e8a77")
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_LENGTH: Final = struct.Struct("<Q")
PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,57}")


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of event. `text`: its fields with text of a device, library or peer. `security`: relevant for attack
    detection.
    """

    says: str
    fields: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    security: bool = False


def message_id(event: str) -> str:
    """Return the event's MESSAGE_ID for journalctl, computed from its name."""
    return uuid.uuid5(_NAMESPACE, event).hex


def _trouble(says: str, *, security: bool = False, about: tuple[str, ...] = ()) -> Event:
    return Event(says, about, ("reason",), security=security)


EVENTS: Final = {
    # every program
    "ready": Event("the program answers on its status channel"),
    "configuration_refused": Event("the configuration or its approval is refused, and the program ends", (), ("reason",), True),
    "protocol_broken": Event("clients violated a channel's protocol: number, and the last client", ("count", "channel", "uid", "pid"), ("reason",), True),
    "callers_refused": Event("clients that a channel's table does not permit: number, and the last client", ("count", "channel", "uid", "pid"), (), True),
    "stranger_listens": _trouble("a process of another user listens at a program's channel", security=True, about=("channel",)),
    "stranger_gone": Event("the process of another user no longer listens at the channel", ("channel",), (), True),
    "spare_lost": Event("a waiting child process was lost, and is replaced"),
    "no_spare": Event("no child process can be started", (), ("reason",)),
    "child_said": Event("a child process wrote to its standard error", ("of",), ("text",)),
    # lane
    "lane_state": Event("the lane changed to another state", ("state",)),
    "state_lost": Event("the lane's state file is missing after an unclean end, or cannot be read: the lane is out of service until an officer orders end-emergency or open-emergency", (), ("reason",)),
    "barrier_lost": _trouble("a barrier's controller is lost"),
    "barrier_back": Event("the barrier's controller is connected again"),
    "sensors_lost": _trouble("the sensor unit is lost"),
    "sensors_back": Event("the sensor unit is connected again"),
    "reader_lost": _trouble("a serial reader of documents is lost"),
    "reader_back": Event("the serial reader is connected again"),
    "lamp_refused": _trouble("the controller does not show the lamp's colour"),
    "lamp_shown": Event("the controller shows the lamp's colour again"),
    "control_centre_lost": _trouble("the control centre does not answer"),
    "control_centre_back": Event("the control centre answers again"),
    "incident": Event("an incident, which the audit log has, too", ("incident", "door", "crossing")),
    "tampered": Event("an incident caused by a person: forced, opened, passed without a grant, a camera covered or fed with false pictures", ("incident", "door", "crossing"), (), True),
    "grant_failed": Event("a grant could not be given", ("crossing", "error")),
    "order_failed": Event("an order to the barrier failed; it is repeated while it is needed", ("order", "error")),
    "orders_refused": Event("officers' orders without a valid signature, or not permitted to the officer: number, and the last", ("count",), ("last",), True),
    "record_refused": Event("the log refused a record for good, and a small one replaces it", ("kind", "crossing")),
    "document_not_read": Event("no document child could read the document", ("crossing",), ("reason",)),
    "document_child_lost": Event("a document child was lost after it had read the document", ("crossing",), ("reason",)),
    "no_document_child": Event("the first document child was lost", (), ("reason",)),
    "terminal_authentication": Event("the result of a request for fingerprints", ("result", "fingerprints"), ("reason",)),
    "lists_unusable": _trouble("newer lists cannot be used; the former ones stay in use"),
    "lists_usable": Event("the newer lists can be used"),
    # vision
    "camera_lost": Event("the camera sends no picture", ("crossing",), ("reason",)),
    "camera_back": Event("the camera sends pictures again"),
    "camera_not_challenged": Event("the camera did not change its exposure", ("error",)),
    "exposure_not_restored": Event("the camera's exposure could not be restored", ("error",)),
    "spare_unproven": Event("a waiting child process did not compute the expected values, and is replaced", (), ("reason",)),
    "page_source_lost": _trouble("the page camera or scanner sends no picture"),
    "page_source_up": Event("the page camera or scanner sends pictures"),
    "liveness_sensor_lost": _trouble("the liveness sensor does not answer, or is another one"),
    "liveness_sensor_back": Event("the liveness sensor answers again"),
    "liveness_sensor_unheard": Event("the liveness sensor stopped sending during a crossing, or violated its protocol", (), ("reason",)),
    "throttled": _trouble("a thermal zone is at its passive trip point"),
    "at_full_speed": Event("every thermal zone is below its passive trip point again"),
    # log
    "writing_failed": _trouble("the log accepts no records"),
    "writing_resumed": Event("the log accepts records again"),
    "publishing_failed": _trouble("the spool cannot be written"),
    "publishing_resumed": Event("the spool can be written again"),
    "inbox_problem": _trouble("a receipt was refused, or the inbox cannot be read", security=True),
    "inbox_well_again": Event("the inbox can be read, and no receipt in it was refused", (), (), True),
    "spool_checkpoint_refused": Event("the spool has a checkpoint that this log did not sign", (), ("reason",), True),
    "clock_stepped": Event("the wall clock was set, or was before the latest record at the start: the difference", ("step_ms", "running"), (), True),
    "keys_not_kept_in_order": _trouble("keys to sealed records cannot be moved to their days, or deleted", security=True),
    "keys_kept_in_order": Event("keys to sealed records can be moved and deleted again", (), (), True),
    "keys_expired": Event("a day's keys to sealed records were deleted: class and number", ("class", "day", "keys"), (), True),
    "entries_dropped": Event("entries that the central server has held for the configured time were deleted from this disk", ("since", "until"), (), True),
    "entries_not_dropped": _trouble("the central server's statement of what it holds is refused, or entries cannot be deleted", security=True),
    "entries_dropped_again": Event("entries can be deleted again", (), (), True),
    "keys_erased": Event("keys to sealed records were erased by order of two approvers: number", ("keys",), (), True),
    "erasure_not_done": _trouble("an order to erase keys was refused, or cannot be carried out yet", security=True),
    "erasures_done": Event("the latest order to erase keys was carried out, or no order waits", (), (), True),
    "erasure_was_done": Event("an order to erase keys came again; all its keys are deleted already", ("note",), (), True),
    "log_key_changed": Event("the log has a new key, to which the old one handed over", (), (), True),
    "log_key_not_changed": Event("the log could not start to use its new key", (), ("reason",), True),
    # sync
    "mirrored": Event("the central server signed a receipt: number of entries", ("entries",)),
    "mirror_reached": Event("the central server answers again"),
    "mirror_not_reached": Event("the central server does not answer", ("kind",), ("reason",)),
    "mirror_contradicts": Event("the central server has another log than this gate's", ("kind",), ("reason",), True),
    "mirror_went_back": Event("the central server lacks entries that it had signed for, and gets them again", ("entries",), (), True),
    "lists_not_imported": _trouble("the folder of lists cannot be imported"),
    "lists_well_again": Event("the folder of lists can be imported again"),
    "lists_replaced": Event("newer lists replaced the former ones", ("version", "certificates", "revocation_lists", "withdrawn")),
    "identity_problem": _trouble("the device certificate cannot be renewed, or may not be used", security=True),
    "identity_well_again": Event("the device certificate is in order again", (), (), True),
    "identity_renewed": Event("the device has a new certificate: remaining days of the former one", ("was_good_for_days",), (), True),
    "authorities_changed": Event("the gate trusts other authorities of the central server: their fingerprints", ("authorities",), (), True),
    "updates_not_fetched": _trouble("updates cannot be downloaded, or their signature is invalid", security=True),
    "updates_well_again": Event("updates can be downloaded again", (), (), True),
    "updates_fetched": Event("newer updates are downloaded", ("offers",)),
    # registers
    "registers_lost": _trouble("the registers' program does not answer the lane, or not in time"),
    "registers_back": Event("the registers' program answers again"),
    "register_lost": _trouble("an online register does not answer, or its answer is invalid", about=("register",)),
    "register_back": Event("the online register answers again", ("register",)),
    "register_unreachable": Event("a register cannot be queried: its certificate or authorities cannot be used", ("register",), ("reason",)),
    "credential_missing": Event("a key or certificate for lists or registers is missing", ("credential",), ("reason",)),
    "credential_unfit": Event("a credential for lists or registers is not a key", ("credential",), ("reason",)),
    "list_renewed": Event("a newer edition of a signed list replaced the former one", ("register", "serial", "numbers")),
    "list_not_opened": Event("the stored edition of a signed list cannot be used", ("register",), ("reason",), True),
    "copy_erased": Event("the copy of a signed list was erased: its time was over, or the configuration no longer names it", ("register",), (), True),
    "copy_not_erased": Event("a copy of a signed list that may no longer be held cannot be erased", ("register",), ("reason",), True),
    "lists_refused": _trouble("new editions of signed lists are refused", security=True),
    "signed_lists_well_again": Event("new editions of signed lists are accepted again", (), (), True),
    "outbox_failed": _trouble("a message to the owner of a list or register cannot be written", about=("register",)),
    "outbox_well_again": Event("messages to the owner can be written again", ("register",)),
    # the update program
    "update_step": Event("an update begins a step", ("step",)),
    "update_goes_back": Event("an update is rolled back, at this step", ("step",), ("reason",), True),
    "update_broke_off": Event("the update program itself failed; while a rollback is pending systemd starts it again", (), (), True),
    "update_left_something": Event("files that an update no longer needs could not be deleted", (), ("reason",)),
    "update_ended": Event("the result of an order to update: the verb and the exit code", ("verb", "code"), ("words",), True),
    # screens
    "link_down": _trouble("the lane, or vision, does not answer", about=("link",)),
    "link_up": Event("the lane, or vision, answers again", ("link",)),
    "sound_lost": _trouble("the page's sounds cannot be played while no page is open"),
    "sound_back": Event("the page's sounds can be played again"),
    "sign_ins_refused": Event("browsers whose secret is not of this boot: number", ("count",), (), True),
    "kiosk_group_not_ours": Event("the kiosk's group cannot get access to the start page", ("group",)),
    "console_not_served": _trouble("the console connection cannot be served"),
    "console_served": Event("the console connection is served again", ()),
    "strangers_refused": Event(
        "connections without TLS, or without a known certificate: number, and the reason of the last",
        ("count",),
        ("reason",),
        True,
    ),
    # the central server
    "keys_erased_again": Event("erased keys were found again, as from an older copy, and were erased once more: number", ("keys",), (), True),
    "database_went_back": Event("the central server's database lacks data that its own log had: it was restored from a backup", (), (), True),
    "keys_wait_for_a_gate": Event("keys are expired by the central server's clock only, and are kept until a gate's newest entry confirms the time", (), (), True),
    "gate_enrolled": Event("a gate enrolled", ("gate",), (), True),
    "gate_renewed": Event("a gate has a new certificate", ("gate",), (), True),
    "gate_left": Event("a gate reported that it is retired, and its certificate is refused", ("gate",), (), True),
    "gate_refused": Event("a certificate that is not a gate's, or is revoked", ("gate",), (), True),
    "request_refused": Event("a request was refused", ("status",), ("path", "reason"), True),
    "page_refused": Event("a person was refused a page of the central server", ("status",), ("path", "reason"), True),
    "request_failed": Event("the server could not answer a request", (), ("path", "reason")),
    "database_failed": Event("the database failed", (), ("path", "reason")),
    "gate_floods": Event("a gate sends more in a day than the alarm's limit", ("gate", "kind"), (), True),
    "log_contradicts": Event("a gate's log contradicts the stored one", ("gate", "kind"), (), True),
    "door_crowded": Event("connections were closed because there were too many", ("shown_out",), (), True),
    "door_failed": Event("the server cannot accept connections"),
    # the officers' console, and the officers' authority
    "signed_in": Event("an officer's page proved to the console that it has the key of a shift", ("officer", "role", "party"), (), True),
    "signed_out": Event("an officer signed out at the console", ("officer",), (), True),
    "authority_away": _trouble("the officers' authority does not answer the console"),
    "authority_back": Event("the officers' authority answers the console again"),
    "handovers_unsigned": Event("handovers in the console's file without a valid signature, which are not shown: number", ("count",), (), True),
    "passkey_enrolled": Event("an invited officer enrolled a passkey", ("officer",), (), True),
    "shift_certified": Event("the key of an officer's shift was certified: its end", ("officer", "until"), (), True),
    "sign_in_refused": Event("the authority refused an enrolment or a certificate", ("refusal", "console"), (), True),
    "book_lost": Event("the authority's log cannot be written, and nothing is certified", (), ("reason",), True),
}  # fmt: skip


def journal_at(stream: str, descriptor: int) -> bool:
    """True if this descriptor is connected to the journal, by JOURNAL_STREAM (systemd.exec(5))."""
    with contextlib.suppress(OSError):
        found = os.fstat(descriptor)
        return stream == f"{found.st_dev}:{found.st_ino}"
    return False


class Journal(logging.Handler):
    """Sends each event to the journal with its fields; if that fails, writes its line to standard error."""

    def __init__(self, program: str, *, path: Path = SOCKET) -> None:
        super().__init__()
        self._program = program
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one event."""
        line = self.format(record)
        try:
            self._socket.sendto(datagram(fields_of(self._program, line, record)), self._path)
        except OSError:
            with contextlib.suppress(OSError):
                sys.stderr.write(line + "\n")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def fields_of(program: str, line: str, record: logging.LogRecord) -> dict[str, str]:
    """Return the journal's fields of one event."""
    name = record.getMessage()
    event = EVENTS.get(name)
    given = {key: value for key, value in vars(record).items() if key not in PLAIN and _FIELD.fullmatch(key)}
    return {
        "MESSAGE": line,
        "PRIORITY": str(next((priority for level, priority in _PRIORITIES if record.levelno >= level), 7)),
        "SYSLOG_IDENTIFIER": f"gate-{program}",
        "SYSLOG_FACILITY": str(AUTHPRIV if event is not None and event.security else DAEMON),
        "GATE_PROGRAM": program,
        **({} if event is None else {"MESSAGE_ID": message_id(name), "GATE_EVENT": name}),
        **{f"GATE_{key.upper()}": str(value) for key, value in given.items() if value is not None},
    }


def datagram(fields: dict[str, str]) -> bytes:
    """Encode fields in the journal's native protocol: a value with a line feed is preceded by its length."""
    pieces = []
    for name, value in fields.items():
        content = value.encode("utf-8", "replace")[:VALUE_BYTES_MAX]
        if b"\n" in content:
            pieces.append(name.encode() + b"\n" + _LENGTH.pack(len(content)) + content + b"\n")
        else:
            pieces.append(name.encode() + b"=" + content + b"\n")
    return b"".join(pieces)


class _JsonLines(logging.Formatter):
    """Formats one JSON object per line: time, program, level, event, fields. No personal data (STYLE, habit 14)."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """Format one event."""
        fields = {key: value for key, value in vars(record).items() if key not in PLAIN}
        line = {
            "time": now().isoformat(timespec="milliseconds"),
            "program": self._program,
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **fields,
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_as_json(name: str) -> bool:
    """Log to the journal with fields, if it reads standard error, else as JSON lines there. True for the journal."""
    stream = environment.journal_stream()
    in_journal = stream is not None and journal_at(stream, sys.stderr.fileno())
    handler = Journal(name) if in_journal else logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(name))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return in_journal
