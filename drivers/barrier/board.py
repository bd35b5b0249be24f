"""What the profile of every barrier board says, whatever its protocol; `drivers.barrier.profiles` picks by `protocol`."""

from __future__ import annotations

from typing import Literal

from drivers.profile_file import Table, Verified, Wrong

End = Literal["controller_ttl", "host_watchdog", "lease", "external_timer"]


class BoardProfile(Table, frozen=True, kw_only=True, tag_field="protocol"):
    """What every board's profile says. `verified`: on what it was tried; `grant_ends_by`: how a grant ends without us (invariant 5).

    A subclass's tag is its `protocol`.
    """

    verified: Verified
    grant_ends_by: tuple[End, ...]

    def contradictions(self) -> list[Wrong]:
        """Everything that types alone do not see."""
        if not self.grant_ends_by:
            return [Wrong("grant_ends_by", "is empty: grants of this board never end by themselves")]
        return []
