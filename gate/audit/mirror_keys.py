"""The mirror's keys as the log knows them: the one that the gate enrolled with, and those that each handed over to the next.

What comes lies in the inbox, which a neighbour writes that faces the network: only the word of the newest key known counts. What was
taken lasts. Receipts are of the newest key alone, since one that was handed over may be anybody's.
"""

from pathlib import Path

from gate_core import durable
from gate_core.audit_format.errors import BadSignatureError
from gate_core.audit_format.handover import HANDOVERS_MAX, Handover, follow
from gate_core.audit_format.note import Verifier


class MirrorKeys:
    """`anchor` is the key of the configuration; `folder` our own. Raises OSError when that cannot be read."""

    def __init__(self, anchor: Verifier, folder: Path) -> None:
        self._anchor = anchor
        self._folder = folder
        found = sorted(folder.glob("*.note")) if folder.is_dir() else []
        self._chain = follow(anchor, [one.read_bytes() for one in found[:HANDOVERS_MAX]])

    @property
    def newest(self) -> Verifier:
        """The key that receipts are signed with."""
        return self._chain[-1].new if self._chain else self._anchor

    def take(self, note: bytes) -> None:
        """Follow a handover; one that was followed before changes nothing. Raises BadFormatError, BadSignatureError and OSError."""
        found = Handover.parse(note)
        if found in self._chain:
            return
        if found.old != self.newest or len(self._chain) >= HANDOVERS_MAX:
            raise BadSignatureError(f"a handover of the mirror's does not continue {self.newest.vkey}")
        durable.make_folder(self._folder, mode=0o700)
        durable.write(self._folder / f"{len(self._chain):03}-{found.new.key_id.hex()}.note", note)
        self._chain = (*self._chain, found)
