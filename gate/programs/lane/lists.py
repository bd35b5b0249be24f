"""Opens the lists that a lane judges documents against, and refuses those that its purpose does not allow.

`gate trust import --test` marks what is fit for demos and trials. A gate in service does not start on a store that holds any
of it (safety invariant 14): a specimen would be referred all the same, but whoever put it there did not mean this gate.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gate.programs.config import ConfigError
from gate.trust.errors import StoreError
from gate.trust.schema import connect
from gate.trust.store import TrustStore

if TYPE_CHECKING:
    from gate.programs.config import Config

_MARKED_AS_TEST: Final = "SELECT count(*) FROM certificate WHERE test"


def open_lists(config: Config) -> TrustStore:
    """The trust store of this gate. Raises ConfigError when it cannot be opened or must not be used."""
    path = Path(config.paths.trust)
    try:
        store = TrustStore.open(path)
        specimens = _specimens(path)
    except StoreError as error:
        raise ConfigError(f"paths.trust: {error}") from error
    if config.purpose == "service" and specimens:
        raise ConfigError(
            f"purpose = service refuses: paths.trust = {path} holds {specimens} certificates that are marked as test; "
            "make it anew without --test"
        )
    return store


def _specimens(path: Path) -> int:
    with contextlib.closing(connect(path, writable=False)) as connection:
        return int(connection.execute(_MARKED_AS_TEST).fetchone()[0])
