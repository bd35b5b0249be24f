"""A gate's long log as central has stored it, written straight into the tables: what reads it back takes no time from the bringing."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyrage
import sqlalchemy as sa
from fakes.audited_days import Day

from gate_central.append_verification import in_piece
from gate_central.schema import heads, packages, piece_hashes, sealed
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import Frontier, leaf_hash
from gate_core.audit_format.note import Signer
from gate_core.audit_format.sealer import Sealer, seal
from gate_core.audit_format.spool import encode_sealed
from gate_core.audit_format.tiles import TILE_WIDTH, encode_entries

AUDITORS = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]


@dataclass
class LongLog:
    """Of a gate that is enrolled. Age files are left out: no look reads them."""

    engine: sa.Engine
    device: str
    signer: Signer
    mirror: Signer
    day: Day = field(default_factory=Day)
    frontier: Frontier = field(default_factory=Frontier)

    def travel(self, count: int) -> None:
        """So many travellers more who are admitted: a row of entries and one of bodies each, as live rounds store them, two where a piece ends inside one."""
        sealer, origin = Sealer(AUDITORS), self.signer.verifier.name
        with self.engine.begin() as connection:
            for _ in range(count):
                key = sealer.new_key()
                first = self.frontier.size
                made = [
                    seal(one.happening, one.plain, origin=origin, index=index, key=key)
                    for index, one in enumerate(self.day.admitted(), first)
                ]
                split = min(len(made), TILE_WIDTH - first % TILE_WIDTH)
                for part in (made[:split], made[split:]):
                    if not part:
                        continue
                    leaves, start = [one.header.leaf() for one in part], self.frontier.size
                    row = {"device": self.device, "start": start, "width": len(part)}
                    lines = encode_sealed([one.sealed for one in part], start)
                    connection.execute(packages.insert(), {**row, "entries": encode_entries(leaves)})
                    connection.execute(sealed.insert(), {**row, "lines": lines})
                    piece = in_piece(self.frontier).extend(map(leaf_hash, leaves))
                    self.frontier = self.frontier.extend(map(leaf_hash, leaves))
                    if self.frontier.size % TILE_WIDTH == 0:
                        full = {"device": self.device, "n": start // TILE_WIDTH, "hash": piece.root()}
                        connection.execute(piece_hashes.insert(), full)
            self._sign(connection)

    def _sign(self, connection: sa.Connection) -> None:
        size, root = self.frontier.size, self.frontier.root()
        note = Checkpoint(self.signer.verifier.name, size, root).sign(self.signer)
        note = note.with_signatures([self.mirror.cosign(note.text, 1)])
        sizes = dict.fromkeys(("size", "pending", "next_entry", "bodies"), size)
        values = {**sizes, "root": root, "note": note.to_bytes(), "frontier": self.frontier.to_bytes()}
        connection.execute(heads.update().where(heads.c.device == self.device).values(values))
