"""Opens the lists that a lane judges documents against, and refuses those that its purpose does not allow.

`gate trust import --test` marks what is fit for demos and trials. A gate in service does not start on a store that holds any
of it (safety invariant 14): a specimen would be referred all the same, but whoever put it there did not mean this gate.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate.document.errors import DocumentError
from gate.programs.config import ConfigError
from gate.trust.errors import StoreError
from gate.trust.store import TrustStore

if TYPE_CHECKING:
    from gate.programs.config import Config


def open_lists(config: Config) -> TrustStore:
    """The trust store of this gate. Raises ConfigError when it cannot be opened or must not be used."""
    path = Path(config.paths.trust)
    try:
        store = TrustStore.open(path)
    except StoreError as error:
        raise ConfigError(f"paths.trust: {error}") from error
    # Asked of what was opened, not of the file: another one may have taken its name since.
    if config.purpose == "service" and store.marked_as_test:
        raise ConfigError(
            f"purpose = service refuses: paths.trust = {path} holds {store.marked_as_test} certificates or lists that are "
            "marked as test; make it anew without --test"
        )
    try:
        store.read_ahead()
    except DocumentError as error:
        raise ConfigError(f"paths.trust: {path}: holds a list that cannot be read: {error}") from error
    return store
