"""A gate with a small log, as far as syncing needs one: folders, configuration, keys, spool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomli_w
from fakes.audit_logs import ORIGIN, SmallLog, crossing

OPERATOR, GATE_ID, PURPOSE = ORIGIN.split("/")


@dataclass
class SyncGate:
    """`grow` appends to its log and publishes."""

    folder: Path
    log: SmallLog
    travellers: int = 0

    @classmethod
    def make(cls, folder: Path) -> SyncGate:
        for name in ("run", "inbox", "keys"):
            (folder / name).mkdir(parents=True)
        gate = cls(folder, SmallLog(folder))
        log_key = folder / "keys" / "log.key"
        log_key.touch(mode=0o600)
        log_key.write_text(gate.log.signer.secret_text() + "\n")
        paths = {name: str(folder / name) for name in ("run", "state", "spool", "inbox", "keys", "identity")}
        table = {
            "purpose": PURPOSE,
            "gate_id": GATE_ID,
            "operator": OPERATOR,
            "paths": paths,
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": [str(one.to_public()) for one in gate.log.auditors]},
        }
        gate.config.write_bytes(tomli_w.dumps(table).encode())
        return gate

    @property
    def config(self) -> Path:
        return self.folder / "gate.toml"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    def grow(self, travellers: int) -> None:
        batches = [crossing(f"c{self.travellers + one}") for one in range(travellers)]
        self.travellers += travellers
        self.log.write([one for batch in batches for one in batch])

    @property
    def size(self) -> int:
        return 5 * self.travellers
