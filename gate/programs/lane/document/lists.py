"""Opens the lists that documents are judged against, and refuses those that the gate's purpose does not allow.

`gate trust import --test` marks what is fit for demos and trials. A gate in service judges by no store that holds any of it (safety
invariant 14): a specimen would be referred all the same, but whoever put it there did not mean this gate.
"""

from __future__ import annotations

from pathlib import Path

from gate.channel import messages
from gate.trust.errors import StoreError
from gate.trust.store import TrustStore
from gate_documents.errors import DocumentError


class ListsError(Exception):
    """The lists cannot be opened, or must not be used here; the message says why."""


def open_lists(path: Path, *, service: bool) -> TrustStore:
    """The trust store of this gate, every list of it parsed. Raises ListsError when it cannot be opened or must not be used."""
    try:
        store = TrustStore.open(path)
    except StoreError as error:
        raise ListsError(str(error).removeprefix(f"{path}: ")) from error  # the path is that of a copy
    # Asked of what was opened, not of the file: another one may have taken its name since.
    if service and store.marked_as_test:
        raise ListsError(
            f"purpose = service refuses: it holds {store.marked_as_test} certificates or lists that are marked as test; make it anew "
            "without --test"
        )
    try:
        store.read_ahead()
    except DocumentError as error:
        raise ListsError(f"holds a list that cannot be read: {error}") from error
    return store


def told(store: TrustStore) -> messages.Lists:
    """What the lane is told of the lists."""
    return messages.Lists(
        version=store.version,
        certificates=len(store),
        newest_import=store.newest_import,
        published=list(store.published),
        revocation_lists=list(store.editions()),
    )
