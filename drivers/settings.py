"""What the settings of every device have in common: a table whose `driver` names the driver that it is for, with that driver's keys.

Each room of drivers has its own `settings.py`, whose union holds one struct a driver. An unknown driver, an unknown key, a wrong type or
a value out of range is a msgspec.ValidationError with the key's path; defaults are those of a device as it is delivered.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Baud = Annotated[int, msgspec.Meta(ge=1200, le=921600)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="driver"):
    """One driver's keys."""

    @property
    def driver(self) -> str:
        """The driver's name in a configuration."""
        return str(self.__struct_config__.tag)

    def spelt(self) -> str:
        """As JSON, for a child process; the room's union reads it back."""
        return msgspec.json.encode(self).decode()
