"""What the profile of every barrier board says, whatever its protocol; `drivers.barrier.profiles` picks by `protocol`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from drivers.profile_file import Table, Verified
from gate_core.errors import NotWellError
from gate_core.ports.values import BarrierStatus, LeafPosition
from gate_core.settings.toml_file import Wrong

End = Literal["controller_ttl", "host_watchdog", "lease", "external_timer"]
TraceName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}\.trace$")]


class BoardProfile(Table, frozen=True, kw_only=True, tag_field="protocol"):
    """What every board's profile says. `verified`: on what it was tried; `grant_ends_by`: how a grant ends without us (invariant 5).

    `traces`: files beside the profile, without which nothing was tried on hardware (`drivers.barrier.tracing`). A subclass's tag is its `protocol`.
    """

    verified: Verified
    grant_ends_by: tuple[End, ...]
    traces: Annotated[tuple[TraceName, ...], msgspec.Meta(max_length=8)] = ()

    def contradictions(self) -> list[Wrong]:
        """Everything that types alone do not see."""
        found = []
        if not self.grant_ends_by:
            found.append(Wrong("grant_ends_by", "is empty: grants of this board never end by themselves"))
        if self.verified == "hardware" and not self.traces:
            found.append(Wrong("verified", "hardware needs traces of it: docs/protocols/barrier-trace.md"))
        return found


def require_rest(status: BarrierStatus) -> None:
    """The board is as a lane needs it at its start. Raises NotWellError."""
    if status.fire:
        raise NotWellError("the fire input is active")
    if status.emergency_open:
        raise NotWellError(
            "the board stands open in an emergency, and no fire input says so: end it at the board, or by end-emergency"
        )
    if status.position is not LeafPosition.CLOSED:
        raise NotWellError(f"the leaf is {status.position.value}, not closed")
