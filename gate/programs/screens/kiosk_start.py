"""The start page: gives the boot's secret to the kiosk's browser, and to no other user of the machine.

`kiosk/` in the runtime folder holds `secret`, and `start.html`, which redirects to the page with the secret behind the
#: so it is in no request's address, on no command line and in no log. It stays the same until the next boot.
"""

from __future__ import annotations

import contextlib
import grp
import json
import logging
import os
import re
import secrets
from pathlib import Path
from typing import Final

from gate.programs.shared.config import Config
from gate.screens.kiosk.key import SECRET_LENGTH
from gate_core import durable
from gate_core.access_list import let_in
from gate_core.ordinary import read_ordinary

GROUP: Final = "portcullis-kiosk"
_SECRET: Final = re.compile(rb"[A-Za-z0-9_-]{%d}" % SECRET_LENGTH)
_PAGE: Final = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>Portcullis</title>
<script>location.replace({address})</script>
"""

log = logging.getLogger("gate.screens")


def page_address(config: Config) -> str:
    """Return the address of the traveller's page."""
    return f"http://{host_of(config)}:{config.screens.port}/"


def host_of(config: Config) -> str:
    """Return the page's host as in an address."""
    return "[::1]" if config.screens.host == "::1" else config.screens.host


def start_page(runtime: Path) -> Path:
    """Return the path of the start page."""
    return runtime / "kiosk" / "start.html"


def page_with_secret(runtime: Path, address: str) -> str:
    """Return the page's address with the secret behind the #, if this user may read it. Raises OSError."""
    secret = read_ordinary(start_page(runtime).with_name("secret"), SECRET_LENGTH)
    return f"{address}#{secret.decode('ascii', 'replace')}"


def prepare(runtime: Path, address: str) -> str:
    """Write the start page for the kiosk's user, and return the secret. Raises OSError."""
    page = start_page(runtime)
    folder = page.parent
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    group = _group()
    secret = _secret_before(folder / "secret") or secrets.token_urlsafe(32)
    _write(folder / "secret", secret, group)
    _write(page, _PAGE.format(address=json.dumps(f"{address}#{secret}")), group)
    if group is not None:
        let_in(folder, group, owner=7, may=5)
    return secret


def _group() -> int | None:
    """Return the kiosk's group if this user may assign files to it; not so if one user runs everything."""
    with contextlib.suppress(KeyError):
        group = grp.getgrnam(GROUP).gr_gid
        if group in os.getgroups() or os.geteuid() == 0:
            return group
        log.warning("kiosk_group_not_ours", extra={"group": GROUP})
    return None


def _secret_before(path: Path) -> str | None:
    """Return the secret of an earlier start in this boot, if any."""
    with contextlib.suppress(OSError):
        found = read_ordinary(path, SECRET_LENGTH)
        if _SECRET.fullmatch(found):
            return found.decode()
    return None


def _write(path: Path, text: str, group: int | None) -> None:
    """Write the file atomically, readable only by this user and the group."""
    with durable.writing(path, mode=0o600) as file:
        file.write(text.encode())
        if group is not None:
            let_in(file.fileno(), group, owner=6, may=4)
