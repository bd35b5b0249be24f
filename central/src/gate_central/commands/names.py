"""The `gate` command groups of this distribution, each with its help line."""

from __future__ import annotations

from typing import Final

NOUNS: Final = {
    "central": "The central server: erase, prune, acts, retirement, init, token, revoke, retire, rotate, serve, pages, fleet, alarms, answer, export, import, site, person",
    "exchange": "A site's exchange, which knows for minutes which documents its gates have read: init, serve",
}
