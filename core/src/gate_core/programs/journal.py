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
    "configuration_refused": Event("the configuration, or who approved it, is refused, and the program ends", (), ("reason",), True),
    "protocol_broken": Event("callers broke a channel's protocol: how many, and the last", ("count", "channel", "uid", "pid"), ("reason",), True),
    "callers_refused": Event("callers whom a channel's table does not let in: how many, and the last", ("count", "channel", "uid", "pid"), (), True),
    "stranger_listens": _trouble("another user listens in a program's place", security=True, about=("channel",)),
    "stranger_gone": Event("nobody does any more", ("channel",), (), True),
    "spare_lost": Event("a waiting child process was lost, and is replaced"),
    "no_spare": Event("no child process can be started", (), ("reason",)),
    "child_said": Event("what a child process wrote to its standard error", ("of",), ("text",)),
    # lane
    "lane_state": Event("the lane is in another state", ("state",)),
    "state_lost": Event("the lane's state file is missing after an unclean end, or cannot be read: the lane is out of service until an officer has looked", (), ("reason",)),
    "barrier_lost": _trouble("a barrier's controller is lost"),
    "barrier_back": Event("it is back"),
    "sensors_lost": _trouble("the sensor unit is lost"),
    "sensors_back": Event("it is back"),
    "reader_lost": _trouble("a serial reader of documents is lost"),
    "reader_back": Event("it is back"),
    "lamp_refused": _trouble("the controller does not show the lamp's colour"),
    "lamp_shown": Event("it does again"),
    "control_centre_lost": _trouble("the control centre gives no answer"),
    "control_centre_back": Event("it does again"),
    "incident": Event("an incident that is in the audit log", ("incident", "door", "crossing")),
    "tampered": Event("an incident of somebody's doing: forced, opened, passed without a grant, a camera covered or fed", ("incident", "door", "crossing"), (), True),
    "grant_failed": Event("a grant could not be given", ("crossing", "error")),
    "order_failed": Event("an order to the barrier failed; it is given again as long as it is wanted", ("order", "error")),
    "orders_refused": Event("officers' orders that were nobody's, or not theirs to give: how many, and the last", ("count",), ("last",), True),
    "record_refused": Event("the log refused a record for good, and a small one stands in its place", ("kind", "crossing")),
    "document_not_read": Event("no document child could read", ("crossing",), ("reason",)),
    "document_child_lost": Event("a document child was lost after it had read", ("crossing",), ("reason",)),
    "no_document_child": Event("the first document child was lost", (), ("reason",)),
    "terminal_authentication": Event("what came of asking for fingers", ("result", "fingerprints"), ("reason",)),
    "lists_unusable": _trouble("newer lists cannot be used, and the old ones judge on"),
    "lists_usable": Event("they can"),
    # vision
    "camera_lost": Event("the camera gives no picture", ("crossing",), ("reason",)),
    "camera_back": Event("it does again"),
    "camera_not_challenged": Event("the camera did not take another exposure", ("error",)),
    "exposure_not_restored": Event("the camera's exposure could not be set back", ("error",)),
    "spare_unproven": Event("a waiting child did not give its golden values, and is replaced", (), ("reason",)),
    "page_source_lost": _trouble("the page camera or scanner gives no picture"),
    "page_source_up": Event("it gives pictures"),
    "liveness_sensor_lost": _trouble("the sensor that says whether somebody lives does not answer, or is another one"),
    "liveness_sensor_back": Event("it answers again"),
    "liveness_sensor_unheard": Event("in a crossing it fell silent, or broke its protocol", (), ("reason",)),
    "throttled": _trouble("a thermal zone is at its passive trip point"),
    "at_full_speed": Event("none is any more"),
    # log
    "writing_failed": _trouble("the log takes no records"),
    "writing_resumed": Event("it takes them again"),
    "publishing_failed": _trouble("the spool cannot be written"),
    "publishing_resumed": Event("it can"),
    "inbox_problem": _trouble("a receipt was refused, or the inbox cannot be read", security=True),
    "inbox_well_again": Event("all of the inbox was found well", (), (), True),
    "spool_checkpoint_refused": Event("the spool holds a checkpoint that this log did not sign", (), ("reason",), True),
    "clock_stepped": Event("the wall clock was set, or stood before the latest record at the start: by how much", ("step_ms", "running"), (), True),
    "keys_not_kept_in_order": _trouble("keys to sealed records cannot be moved to their days, or forgotten", security=True),
    "keys_kept_in_order": Event("they can", (), (), True),
    "keys_expired": Event("a day's keys to sealed records were forgotten: of which class, how many", ("class", "day", "keys"), (), True),
    "entries_dropped": Event("entries that the central server has held for long went from this disk", ("since", "until"), (), True),
    "entries_not_dropped": _trouble("what the central server says that it holds is refused, or entries cannot be dropped", security=True),
    "entries_dropped_again": Event("it is well again", (), (), True),
    "keys_erased": Event("keys to sealed records were erased, as two approvers ordered: how many", ("keys",), (), True),
    "erasure_not_done": _trouble("an order to erase keys was refused, or cannot be carried out yet", security=True),
    "erasures_done": Event("the latest one was carried out, or no order waits any more", (), (), True),
    "erasure_was_done": Event("an order came again, none of whose keys is here any more", ("note",), (), True),
    "log_key_changed": Event("the log has a new key, to which the old one handed over", (), (), True),
    "log_key_not_changed": Event("the log could not take its new key", (), ("reason",), True),
    # sync
    "mirrored": Event("the central server signed for so many entries", ("entries",)),
    "mirror_reached": Event("the central server answers again"),
    "mirror_not_reached": Event("the central server does not answer", ("kind",), ("reason",)),
    "mirror_contradicts": Event("the central server holds another log than this gate's", ("kind",), ("reason",), True),
    "mirror_went_back": Event("the central server does not have entries that it had signed for, and gets them again", ("entries",), (), True),
    "lists_not_imported": _trouble("what lies in the folder of lists cannot be imported"),
    "lists_well_again": Event("it can"),
    "lists_replaced": Event("newer lists took the place of the old ones", ("version", "certificates", "revocation_lists", "withdrawn")),
    "identity_problem": _trouble("the device certificate cannot be renewed, or is not to be used", security=True),
    "identity_well_again": Event("it can", (), (), True),
    "identity_renewed": Event("the device has a new certificate, so many days before the old one ends", ("was_good_for_days",), (), True),
    "authorities_changed": Event("other authorities vouch for the central server, by their fingerprints", ("authorities",), (), True),
    "updates_not_fetched": _trouble("updates cannot be fetched, or are not what was signed", security=True),
    "updates_well_again": Event("they can", (), (), True),
    "updates_fetched": Event("newer updates lie ready", ("offers",)),
    # registers
    "registers_lost": _trouble("the registers' program does not answer the lane, or not in time"),
    "registers_back": Event("it does"),
    "register_lost": _trouble("a register that is asked online does not answer, or with what is no answer", about=("register",)),
    "register_back": Event("it does", ("register",)),
    "register_unreachable": Event("a register cannot be asked: its certificate or authorities cannot be used", ("register",), ("reason",)),
    "credential_missing": Event("a key or certificate for lists or registers is not there", ("credential",), ("reason",)),
    "credential_unfit": Event("what lies there is no key", ("credential",), ("reason",)),
    "list_renewed": Event("a newer edition of a signed list took the place of the one before", ("register", "serial", "numbers")),
    "list_not_opened": Event("the edition of a signed list that is held cannot be used", ("register",), ("reason",), True),
    "copy_erased": Event("the copy of a signed list was erased: its time was over, or the configuration names it no more", ("register",), (), True),
    "copy_not_erased": Event("a copy of a signed list that nobody may hold cannot be erased", ("register",), ("reason",), True),
    "lists_refused": _trouble("new editions of signed lists are refused", security=True),
    "signed_lists_well_again": Event("none is", (), (), True),
    "outbox_failed": _trouble("what is to be told to the owner of a list or register cannot be written", about=("register",)),
    "outbox_well_again": Event("it can", ("register",)),
    # the update program
    "update_step": Event("an update begins a step", ("step",)),
    "update_goes_back": Event("an update is taken back, at this step", ("step",), ("reason",), True),
    "update_broke_off": Event("the update program itself failed; while something is to be taken back systemd starts it again", (), (), True),
    "update_left_something": Event("what an update no longer needs could not be removed", (), ("reason",)),
    "update_ended": Event("what came of an order to update: the verb and the exit code", ("verb", "code"), ("words",), True),
    # screens
    "link_down": _trouble("the lane, or vision, does not answer", about=("link",)),
    "link_up": Event("it does", ("link",)),
    "sound_lost": _trouble("the page's sounds cannot be played while no page is open"),
    "sound_back": Event("they can again"),
    "sign_ins_refused": Event("browsers that showed another secret than this boot's: how many", ("count",), (), True),
    "kiosk_group_not_ours": Event("the kiosk's group cannot be let in to the start page", ("group",)),
    "console_not_served": _trouble("the console connection cannot be served"),
    "console_served": Event("it is", ()),
    "strangers_refused": Event(
        "connections that brought no TLS, or no certificate that is known here: how many, and why the last",
        ("count",),
        ("reason",),
        True,
    ),
    # the central server
    "keys_erased_again": Event("keys that were erased were here again, as from an older copy, and were erased once more: how many", ("keys",), (), True),
    "database_went_back": Event("the central server's database has not what its own log had: it was put back from a backup", (), (), True),
    "keys_wait_for_a_gate": Event("keys are over by the central server's clock alone, and are kept until a gate's newest entry bears it out", (), (), True),
    "gate_enrolled": Event("a gate enrolled", ("gate",), (), True),
    "gate_renewed": Event("a gate has a new certificate", ("gate",), (), True),
    "gate_left": Event("a gate said that it is no more, and its certificate is refused", ("gate",), (), True),
    "gate_refused": Event("a certificate that is no gate's, or a revoked one", ("gate",), (), True),
    "request_refused": Event("a request was refused", ("status",), ("path", "reason"), True),
    "page_refused": Event("somebody was refused a page of central's", ("status",), ("path", "reason"), True),
    "request_failed": Event("a request could not be answered", (), ("path", "reason")),
    "database_failed": Event("the database failed", (), ("path", "reason")),
    "gate_floods": Event("a gate brings more in a day than is usual", ("gate", "kind"), (), True),
    "log_contradicts": Event("two logs that cannot both be a gate's", ("gate", "kind"), (), True),
    "door_crowded": Event("connections were shown out, for there were too many", ("shown_out",), (), True),
    "door_failed": Event("the server can take no more connections"),
    # the officers' console, and the officers' authority
    "signed_in": Event("an officer's page proved the key of a shift to the console", ("officer", "role", "party"), (), True),
    "signed_out": Event("an officer signed out at the console", ("officer",), (), True),
    "authority_away": _trouble("the officers' authority gives the console no answer"),
    "authority_back": Event("it does again"),
    "handovers_unsigned": Event("handovers in the console's file that no certified key signed, and that are not shown: how many", ("count",), (), True),
    "passkey_enrolled": Event("somebody who was invited enrolled a passkey", ("officer",), (), True),
    "shift_certified": Event("the key of an officer's shift was certified, until when", ("officer", "until"), (), True),
    "sign_in_refused": Event("the authority refused an enrolment or a certificate", ("refusal", "console"), (), True),
    "book_lost": Event("the authority's book cannot be written, and nothing is certified", (), ("reason",), True),
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
