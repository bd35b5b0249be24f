"""Small ONNX networks of convolutions and PRelus."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

SHAPE: tuple[Literal[1], int, int, int] = (1, 4, 8, 8)

Floats = npt.NDArray[np.float32]


def network(*slopes: Floats) -> bytes:
    """A convolution and a PRelu for each array of slopes, with the slopes among the inputs as old files have them."""
    random = np.random.default_rng(1)
    nodes, fixed, current = [], [], "input"
    for number, slope in enumerate(slopes):
        kernels = random.standard_normal((4, 4, 3, 3)).astype(np.float32)
        fixed += [numpy_helper.from_array(kernels, f"k{number}"), numpy_helper.from_array(slope, f"s{number}")]
        nodes.append(helper.make_node("Conv", [current, f"k{number}"], [f"c{number}"], pads=[1, 1, 1, 1]))
        current = "output" if number == len(slopes) - 1 else f"p{number}"
        nodes.append(helper.make_node("PRelu", [f"c{number}", f"s{number}"], [current]))
    named = [helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims) for tensor in fixed]
    return _written(nodes, fixed, named)


def narrow_network(channels: int, *, seen: bool = False) -> bytes:
    """A depthwise convolution of so many channels between PRelus and two others, with biases; `seen`: its first PRelu is read by one more node."""
    random = np.random.default_rng(1)
    kernels = {"in": (channels, 4, 1, 1), "depth": (channels, 1, 3, 3), "out": (4, channels, 1, 1)}
    fixed = []
    for name, shape in kernels.items():
        values = (shape, shape[:1], (shape[0], 1, 1))
        parts = zip(("k", "b", "s"), (random.standard_normal(one).astype(np.float32) for one in values), strict=True)
        fixed += [numpy_helper.from_array(array, f"{name}_{part}") for part, array in parts]
    nodes = [
        helper.make_node("Conv", ["input", "in_k", "in_b"], ["a"]),
        helper.make_node("PRelu", ["a", "in_s"], ["b"]),
        helper.make_node("Conv", ["b", "depth_k", "depth_b"], ["c"], group=channels, pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["c", "depth_s"], ["d"]),
        helper.make_node("Conv", ["d", "out_k", "out_b"], ["e"]),
        helper.make_node("PRelu", ["e", "out_s"], ["f" if seen else "output"]),
    ]
    if seen:
        nodes += [helper.make_node("ReduceMean", ["b"], ["mean"]), helper.make_node("Add", ["f", "mean"], ["output"])]
    return _written(nodes, fixed, [])


def _written(nodes: list[Any], fixed: list[Any], named: list[Any]) -> bytes:
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, SHAPE), *named]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, SHAPE)]
    model = helper.make_model(
        helper.make_graph(nodes, "n", inputs, outputs, fixed), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    content: bytes = model.SerializeToString()
    return content
