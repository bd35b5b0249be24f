"""The cookie jar of a client that keeps none. A cookie with a letter beyond ASCII would end every further question of that client."""

from __future__ import annotations

from http.cookiejar import CookieJar
from typing import Any


class NoCookies(CookieJar):
    """A jar that stays empty."""

    def extract_cookies(self, response: Any, request: Any) -> None:  # noqa: ANN401 - the library's own
        """Take nothing."""
