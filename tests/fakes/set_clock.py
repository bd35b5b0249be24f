"""The wall clock of programs, set from outside while they run (libfaketime). CLOCK_MONOTONIC is the machine's own, as where somebody sets a clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class SetClock:
    """The clock that the program sees: the machine's and so much more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ahead = timedelta()
        self.set(timedelta())

    def set(self, by: timedelta) -> None:
        self.ahead += by
        text = self._path.with_suffix(".new")
        text.write_text(f"{self.ahead.total_seconds():+.0f}\n")
        text.rename(self._path)

    @property
    def environment(self) -> dict[str, str]:
        assert LIBRARY is not None
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
