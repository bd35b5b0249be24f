"""The cookies of a client that keeps none: what a peer says in one answer goes with no later question.

A library's jar would keep them, past the connection that they came on. And one with a letter beyond ASCII could not be sent at all, so that whoever
set it would have ended every further question of that client.
"""

from __future__ import annotations

from http.cookiejar import CookieJar
from typing import Any


class NoCookies(CookieJar):
    """A jar that stays empty."""

    def extract_cookies(self, response: Any, request: Any) -> None:  # noqa: ANN401 - the library's own
        """Take nothing."""
