"""Sets POSIX access lists (acl(5)) that give one more group access to a file.

It does not change the file's group, since the units' sandboxes refuse chown(2).
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

# As the kernel stores it: linux/posix_acl_xattr.h.
_ATTRIBUTE: Final = "system.posix_acl_access"
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_VERSION: Final = 2
_OWNER, _OWN_GROUP, _GROUP, _MASK, _OTHERS = 0x01, 0x04, 0x08, 0x10, 0x20
_NO_ID: Final = 0xFFFFFFFF


def let_in(path: Path | int, group: int, *, owner: int, may: int) -> None:
    """Set a file's or folder's list. `owner`, `may`: rights of owner and `group`, as octal digits. Raises OSError."""
    entries = (
        (_OWNER, owner, _NO_ID),
        (_OWN_GROUP, 0, _NO_ID),
        (_GROUP, may, group),
        (_MASK, may, _NO_ID),
        (_OTHERS, 0, _NO_ID),
    )
    os.setxattr(path, _ATTRIBUTE, _HEAD.pack(_VERSION) + b"".join(_ENTRY.pack(*entry) for entry in entries))
