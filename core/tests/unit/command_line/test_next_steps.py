"""A command that fails over a file says the next step, once."""

from __future__ import annotations

import errno
import os
import re

import pytest
import typer

from gate_core.command_line.output import Exit, fail


@pytest.mark.parametrize("code", [errno.EACCES, errno.EISDIR])
def test_why_a_file_cannot_be_used_has_its_next_step(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        fail(Exit.IO_ERROR, f"cannot read it: {os.strerror(code)}")
    assert re.search(rf": {os.strerror(code)}; \w+", capsys.readouterr().err)


def test_what_says_its_next_step_itself_says_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        fail(Exit.IO_ERROR, f"it: {os.strerror(errno.ENOENT)}; name a picture")
    assert capsys.readouterr().err == "gate: it: No such file or directory; name a picture\n"
