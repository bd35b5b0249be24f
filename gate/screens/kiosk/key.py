"""The secret of the boot, by which the page's server knows the kiosk's browser; a cookie remembers that it was shown."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

SECRET_LENGTH: Final = 43  # 32 bytes in URL-safe Base64
# And what is under /static/: no word of them is about a traveller.
OPEN_TO_ALL: Final = ("/", "/enter", "/healthz", "/metrics", "/readyz")


class Key:
    """The secret, and the cookie that holds it: cookies know no ports, so `port` keeps two gates of one machine apart."""

    def __init__(self, secret: str, *, port: int) -> None:
        self._secret = secret.encode()
        self._cookie = f"kiosk-{port}"

    def fits(self, offered: bytes) -> bool:
        """True for the secret. Takes as long for every other one."""
        return hmac.compare_digest(offered, self._secret)

    def is_shown_by(self, headers: Headers) -> bool:
        """True for a request of a browser that has shown the secret."""
        return self.fits(cookie_parser(headers.get("cookie", "")).get(self._cookie, "").encode())

    @property
    def cookie(self) -> str:
        """The header that has a browser remember it: until it ends, for no script, and for no other page's requests."""
        return f"{self._cookie}={self._secret.decode()}; Path=/; HttpOnly; SameSite=Strict"


class Admission:
    """Whom the page answers: the browser that has shown the secret, and on the empty page, which shows nobody, everyone.

    `on_known` is told the scope of each request that shows the secret.
    """

    def __init__(self, key: Key, on_known: Callable[[Scope], None]) -> None:
        self._key = key
        self._on_known = on_known

    def __call__(self, scope: Scope) -> bool:
        """Whether a request of our own page is answered."""
        if self._key.is_shown_by(Headers(scope=scope)):
            self._on_known(scope)
            return True
        path: str = scope["path"]
        return scope["type"] == "http" and (path in OPEN_TO_ALL or path.startswith("/static/"))
