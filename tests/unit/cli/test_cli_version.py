"""`gate --version`."""

from __future__ import annotations

import sys
from importlib.metadata import version

import pytest

from gate.cli import main


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gate", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"gate {version('portcullis')}\n"
