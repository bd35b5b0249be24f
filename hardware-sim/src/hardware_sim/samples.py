"""Samples of the simulated world for a gate's commands: a chip's files, scans of pages, portraits, certificates and lists.

Seed and day determine them, as in the world. The people are drawn and do not exist, and neither does the country.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from hardware_sim.faces import identities
from hardware_sim.faces.studio import jpeg
from hardware_sim.page.placement import Manner, PlacedPage
from hardware_sim.page.printing import Page, Size
from hardware_sim.passport.issuer import Issuer, Person
from hardware_sim.world_setup import revocation_lists

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE: Final = 6
FRAMES: Final = 2  # for each person, spread over the loop, besides the portrait
_QUALITY: Final = 92
_DAY: Final = timedelta(days=1)


def write(folder: Path, seed: int) -> None:
    """Write `chip/`, `scan.jpg`, `chip.jpg`, `live.jpg`, `faces/`, `masterlist.ml`, `csca.cer`, `lists/`. Raises OSError."""
    issuer, (traveller, *others) = Issuer(seed), identities()[:PEOPLE]
    today = datetime.now(UTC).date()
    holder = Person(
        surname="ERIKSSON",
        given="ANNA MARIA",
        number="L898902C3",
        nationality="UTO",
        sex="F",
        birth=today - 40 * 365 * _DAY,
        expiry=today + 5 * 365 * _DAY,
    )
    passport = issuer.issue(holder, portrait_jpeg=traveller.portrait_jpeg())
    page = Page(Size.TD3, passport.mrz_lines, traveller.portrait_jpeg())
    authorities = issuer.csca_files()
    files = {
        **{f"chip/{name}.bin": raw for name, raw in passport.files.items()},
        "scan.jpg": jpeg(PlacedPage(page).picture(0), _QUALITY),
        "scan_upside_down.jpg": jpeg(PlacedPage(page, Manner.UPSIDE_DOWN).picture(0), _QUALITY),
        "chip.jpg": traveller.portrait_jpeg(),
        "live.jpg": jpeg(traveller.frame(0), _QUALITY),
        "masterlist.ml": issuer.master_list(),
        "csca.cer": next(iter(authorities.values())),
        **{f"lists/{name}": raw for name, raw in {**authorities, **revocation_lists(issuer)}.items()},
    }
    for person in (traveller, *others):
        files[f"faces/{person.name}/0.jpg"] = person.portrait_jpeg()
        for at in range(FRAMES):
            frame = person.frame((2 * at + 1) * person.loop_length // (2 * FRAMES))
            files[f"faces/{person.name}/{at + 1}.jpg"] = jpeg(frame, _QUALITY)
    for name, raw in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
