"""The signed list of the demo's site: one agency, one list, with the number of a passport that a traveller of the demo comes with.

Made at the start of each demo, as an agency makes one (docs/protocols/signed-lists.md): its keys are of that demo alone.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Final

from gate.lists.entries import digest_of, written
from gate.lists.header import ANYWHERE, About, Header, signed
from gate_core.audit_format.note import Signer
from gate_core.programs import clock

NAME: Final = "stolen-documents"
AGENCY: Final = "police.invalid"
LISTED: Final = (("UTO", "ST0LEN017"), ("UTO", "ST0LEN018"), ("D", "C01X0006H"))
CREDENTIAL: Final = "police-numbers"


def publish(folder: Path, keys: Path) -> dict[str, object]:
    """Publish the list into a new folder of downloads, leave the key of its numbers in `keys`, and return the table [registers] for it."""
    signer, secret = Signer.generate(AGENCY), secrets.token_bytes(32)
    (keys / CREDENTIAL).write_text(f"{secret.hex()}\n")
    entries = written([digest_of(secret, *one) for one in LISTED])
    now = clock.now().replace(microsecond=0)
    header = Header(
        agency=AGENCY,
        name=NAME,
        serial=1,
        about=About.LOST_DOCUMENTS,
        purpose="Documents that were reported stolen in the demo's state",
        basis="Order 2 of the demo's border police, Article 1",
        instructions="Keep the passport, and ask how they came by it.",
        issued=now - timedelta(minutes=1),
        first=now - timedelta(days=1),
        last=now + timedelta(days=30),
        age_max_hours=24,
        priority=1,
        copies_at=(ANYWHERE,),
        copies_kept_hours=24,
        numbers=len(LISTED),
        names=0,
        names_allowed=False,
        entries=hashlib.sha256(entries).hexdigest(),
    )
    incoming = folder / "registers-incoming"
    incoming.mkdir()
    (incoming / f"{NAME}.entries").write_bytes(entries)
    (incoming / f"{NAME}.note").write_bytes(signed(header, signer))
    listed = {"agency": AGENCY, "keys": [signer.verifier.vkey], "secret": CREDENTIAL}
    return {"folder": str(folder / "registers"), "incoming": str(incoming), "lists": {NAME: listed}}
