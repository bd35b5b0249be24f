"""The demo decodes every word that the simulated world says: each has its own code for them, on its own side of the line."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

from gate_demo.world import Event
from hardware_sim import world


def test_the_demo_knows_whatever_the_simulated_world_says() -> None:
    said = {
        word
        for node in ast.walk(ast.parse(Path(world.__file__).read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "say"
        for word in (ast.literal_eval(node.args[0]),)
    }
    assert said == {one.__struct_config__.tag for one in get_args(Event)}
