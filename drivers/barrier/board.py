"""The common part of every barrier board's profile; `drivers.barrier.profiles` selects by `protocol`."""

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
    """Base of every board's profile. `verified`: on what it was tested; `grant_ends_by`: how a grant ends without the host (invariant 5).

    `traces`: files beside the profile, required for a test on hardware (`drivers.barrier.tracing`). A subclass's tag is its `protocol`.
    """

    verified: Verified
    grant_ends_by: tuple[End, ...]
    traces: Annotated[tuple[TraceName, ...], msgspec.Meta(max_length=8)] = ()

    def contradictions(self) -> list[Wrong]:
        """Return errors that types do not detect."""
        found = []
        if not self.grant_ends_by:
            found.append(Wrong("grant_ends_by", "is empty: grants of this board never end by themselves"))
        if self.verified == "hardware" and not self.traces:
            found.append(Wrong("verified", "hardware needs traces of it: docs/protocols/barrier-trace.md"))
        return found


def require_rest(status: BarrierStatus) -> None:
    """Check that the board is in the state that a lane needs at its start. Raises NotWellError."""
    if status.fire:
        raise NotWellError("the fire input is active")
    if status.emergency_open:
        raise NotWellError(
            "the board stands open in an emergency, and no fire input says so: end it at the board, or by end-emergency"
        )
    if status.position is not LeafPosition.CLOSED:
        raise NotWellError(f"the leaf is {status.position.value}, not closed")
