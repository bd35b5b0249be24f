"""Makes the picture and the document of the daily self-test: `python tests/fakes/reference_files.py` writes gate/programs/reference.

Both are the specimen of ICAO 9303, Anna Maria Eriksson of Utopia, issued and printed by the simulator. Its keys are drawn anew each time, so the files change
with each making; what they must say is in tests/unit/programs/test_selftest_reference.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia

from gate.trust.list_import import import_sources
from gate.trust.sources import parts_of, read_source
from hardware_sim.page.printing import Page, Size, printed

FOLDER = Path(__file__).parents[2] / "gate/programs/reference"
PX_PER_MM = 12
MARGIN_PX = 60


def write(folder: Path) -> None:
    """Write the files."""
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa", signer="p256")
    for name, content in passport.files.items():
        (folder / f"{name}.bin").write_bytes(content)
    page = printed(Page(Size.TD3, tuple(passport.mrz_lines), portrait()))
    framed = cv2.copyMakeBorder(page, *[MARGIN_PX] * 4, cv2.BORDER_CONSTANT, value=(40, 40, 40))
    small = cv2.resize(framed, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    encoded, jpeg = cv2.imencode(".jpg", np.asarray(small, np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert encoded
    (folder / "page.jpg").write_bytes(jpeg.tobytes())
    store = folder / "trust.sqlite"
    store.unlink(missing_ok=True)
    published = {**utopia().csca_files(), **utopia().crl_files()}
    sources = [read_source(*part) for name, data in published.items() for part in parts_of(name, data)]
    import_sources(
        store, sources, signer=None, test=True, now=datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
    )
    store.with_name(f"{store.name}.lock").unlink(missing_ok=True)


if __name__ == "__main__":
    write(FOLDER)
