"""A gate's package brings every page that its pages lead to, and none of them packed."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
DEBIAN: Final = ROOT / "packaging/debian"
LINK: Final = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")


def installed() -> list[Path]:
    """What the package lays beside each other, by its place in the checkout."""
    named = [ROOT / line for line in (DEBIAN / "portcullis.docs").read_text().split()]
    named += [ROOT / "models/cards", ROOT / "CHANGELOG.md"]
    return [file for one in named for file in (sorted(one.rglob("*")) if one.is_dir() else [one])]


def test_every_link_of_an_installed_page_leads_to_one_that_is_installed() -> None:
    there = {*installed(), *(parent for file in installed() for parent in file.parents)}
    pages = [file for file in installed() if file.suffix == ".md" and file.is_relative_to(ROOT / "docs")]
    pages += [ROOT / "README.md"]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if Path(os.path.normpath(page.parent / target)) not in there
    ]
    assert not dead


def test_what_is_read_is_not_packed() -> None:
    rules = (DEBIAN / "rules").read_text()
    assert "dh_compress -X.md -X.txt -X.json" in rules
    assert "install -m 0644 CHANGELOG.md $(GATE)/usr/share/doc/portcullis" in rules
    assert "models/cards usr/share/doc/portcullis/models" in (DEBIAN / "portcullis.install").read_text()
