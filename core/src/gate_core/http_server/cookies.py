"""A cookie jar that stores no cookies, for HTTP clients.

The library's jar would return a peer's cookies in later requests, and could not send one with a non-ASCII character, so
that a peer could block all further requests.
"""

from __future__ import annotations

from http.cookiejar import CookieJar
from typing import Any


class NoCookies(CookieJar):
    """A jar that stays empty."""

    def extract_cookies(self, response: Any, request: Any) -> None:  # noqa: ANN401 - the library's own
        """Store nothing."""
