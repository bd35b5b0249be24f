"""One append as a lane sends it, and the log's answer, for tests of what carries them."""

from __future__ import annotations

from gate.channel import log_messages
from gate.passage.names import RecordClass, RecordKind


def append_of(body: bytes) -> log_messages.Append:
    return log_messages.Append(
        [
            log_messages.NewRecord(
                id=bytes(16),
                kind=RecordKind.OPENED,
                about=RecordClass.CROSSING,
                crossing="c1",
                monotonic_ms=5,
                leads_to_admission=True,
                ends_crossing=False,
                bytes_min=0,
                body=body,
            )
        ]
    )


APPEND = append_of(b"{}")
APPENDED = log_messages.Appended([log_messages.Recorded(index=7)])
