"""The boot's secret, by which the page's server recognises the kiosk's browser; a cookie stores that it was presented."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

SECRET_LENGTH: Final = 43  # 32 bytes in URL-safe Base64
# Also everything under /static/: it contains nothing about a traveller.
OPEN_TO_ALL: Final = ("/", "/enter", "/healthz", "/metrics", "/readyz")


class Key:
    """The secret, and its cookie: cookies ignore ports, so `port` separates two gates of one machine."""

    def __init__(self, secret: str, *, port: int) -> None:
        self._secret = secret.encode()
        self._cookie = f"kiosk-{port}"

    def fits(self, offered: bytes) -> bool:
        """True for the secret. Takes equally long for every other one."""
        return hmac.compare_digest(offered, self._secret)

    def is_shown_by(self, headers: Headers) -> bool:
        """True for a request of a browser that has presented the secret."""
        return self.fits(cookie_parser(headers.get("cookie", "")).get(self._cookie, "").encode())

    @property
    def cookie(self) -> str:
        """Return the header that makes a browser store it: until it ends, not for scripts, and not for other pages' requests."""
        return f"{self._cookie}={self._secret.decode()}; Path=/; HttpOnly; SameSite=Strict"


class Admission:
    """Who may use the page: the browser that has presented the secret; everyone for the empty page, which shows no traveller.

    `on_known` receives the scope of each request with the secret.
    """

    def __init__(self, key: Key, on_known: Callable[[Scope], None]) -> None:
        self._key = key
        self._on_known = on_known

    def __call__(self, scope: Scope) -> bool:
        """True if the request is answered."""
        if self._key.is_shown_by(Headers(scope=scope)):
            self._on_known(scope)
            return True
        path: str = scope["path"]
        return scope["type"] == "http" and (path in OPEN_TO_ALL or path.startswith("/static/"))
