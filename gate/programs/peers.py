"""Who may speak to a program: the users of the programs that need it, by name, beside its own user and root.

In service each program runs as a user of its own (systemd/portcullis.sysusers); in a demo all are one user.
"""

from __future__ import annotations

import os
import pwd

CALLERS = {
    "lane": ("screens",),
    "vision": ("lane",),
    "preview": ("screens",),
    "log": ("lane",),
    "sync": (),
    "screens": (),
}


def uids(socket: str) -> frozenset[int]:
    """The users that may connect to this socket."""
    found = {0, os.geteuid()}
    for program in CALLERS[socket]:
        try:
            found.add(pwd.getpwnam(f"portcullis-{program}").pw_uid)
        except KeyError:
            continue  # not installed as a service here
    return frozenset(found)
