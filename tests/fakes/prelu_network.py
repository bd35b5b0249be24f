"""Small ONNX networks of convolutions and PRelus."""

from __future__ import annotations

from typing import Literal

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
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, SHAPE)]
    inputs += [helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims) for tensor in fixed]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, SHAPE)]
    model = helper.make_model(
        helper.make_graph(nodes, "n", inputs, outputs, fixed), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    content: bytes = model.SerializeToString()
    return content
