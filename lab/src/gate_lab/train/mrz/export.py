"""Writes the trained network as the ONNX file of the manifest, operator by operator.

Normalisations are folded into the convolutions before them, and weights are stored in half precision with a cast behind
each, which the inference library folds away when it loads: half the bytes, the same speed. The bytes depend only on the
weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from gate_lab.train.mrz.camera import STRIP_HEIGHT, STRIP_WIDTH
from gate_lab.train.mrz.net import AROUND_PX, INPUT_NAME, OUTPUT_NAME, SPREAD_MIN, EvenContrast, Recogniser, Residual
from gate_lab.train.mrz.samples import CLASSES, FRAMES

if TYPE_CHECKING:
    import numpy.typing as npt

OPSET: Final = 17
_IR_VERSION: Final = 8


def to_onnx(net: Recogniser) -> bytes:
    """Return the network, in evaluation mode, as the bytes of a file."""
    graph = _Graph()
    value = INPUT_NAME
    modules = list(net.layers)
    while modules:
        module = modules.pop(0)
        match module:
            case EvenContrast():
                value = _even_contrast(graph, value)
            case nn.Conv2d():
                normalisation = modules.pop(0) if modules and isinstance(modules[0], nn.BatchNorm2d) else None
                value = graph.convolve(value, module, normalisation)
            case nn.ReLU():
                value = graph.add("Relu", value)
            case Residual():
                value = _residual(graph, value, module)
            case nn.Dropout2d():
                pass
            case _:
                raise TypeError(f"no operator is known for {type(module).__name__}")
    value = graph.add("Squeeze", value, graph.constant(np.array([2], np.int64)))
    value = graph.add("Transpose", value, perm=[0, 2, 1])
    graph.add("LogSoftmax", value, output=OUTPUT_NAME, axis=2)
    return graph.serialise()


class _Graph:
    """Nodes and constants in the order in which they were added."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: int | list[int]) -> str:
        """Append a node; return the name of its output."""
        name = output or f"v{len(self._nodes)}"
        node = helper.make_node(operator, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return name

    def constant(self, array: npt.NDArray[np.generic]) -> str:
        """Store an array as it is; return its name."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def weights(self, tensor: torch.Tensor) -> str:
        """Store weights in half precision; return the name of their float32 form."""
        return self.add("Cast", self.constant(tensor.detach().numpy().astype(np.float16)), to=TensorProto.FLOAT)

    def convolve(self, value: str, convolution: nn.Conv2d, normalisation: nn.Module | None) -> str:
        """Append a convolution with the normalisation after it folded in."""
        kernel, bias = convolution.weight.double(), convolution.bias
        shift = bias.double() if bias is not None else torch.zeros(len(kernel), dtype=torch.float64)
        if isinstance(normalisation, nn.BatchNorm2d):
            assert normalisation.running_var is not None
            assert normalisation.running_mean is not None
            scale = normalisation.weight.double() / torch.sqrt(normalisation.running_var.double() + normalisation.eps)
            kernel = kernel * scale[:, None, None, None]
            shift = (shift - normalisation.running_mean.double()) * scale + normalisation.bias.double()
        down, right = (int(size) for size in convolution.padding)
        return self.add(
            "Conv",
            value,
            self.weights(kernel),
            self.weights(shift),
            strides=list(convolution.stride),
            pads=[down, right, down, right],
            group=convolution.groups,
        )

    def serialise(self) -> bytes:
        """Close the graph, check it, and return its bytes."""
        entry = helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["n", 1, STRIP_HEIGHT, STRIP_WIDTH])
        end = helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["n", FRAMES, CLASSES])
        graph = helper.make_graph(self._nodes, "mrz_lines", [entry], [end], self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="portcullis")
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))


def _even_contrast(graph: _Graph, value: str) -> str:
    def around(columns: str) -> str:
        side = AROUND_PX // 2
        mean = graph.add("ReduceMean", columns, axes=[2], keepdims=1)
        return graph.add("AveragePool", mean, kernel_shape=[1, AROUND_PX], pads=[0, side, 0, side], count_include_pad=0)

    centred = graph.add("Sub", value, around(value))
    variance = around(graph.add("Mul", centred, centred))
    floor = graph.constant(np.array(SPREAD_MIN**2, np.float32))
    return graph.add("Div", centred, graph.add("Sqrt", graph.add("Add", variance, floor)))


def _residual(graph: _Graph, value: str, block: Residual) -> str:
    along, along_normal, _, mix, mix_normal = block.layers
    assert isinstance(along, nn.Conv2d)
    assert isinstance(mix, nn.Conv2d)
    inner = graph.add("Relu", graph.convolve(value, along, along_normal))
    return graph.add("Relu", graph.add("Add", value, graph.convolve(inner, mix, mix_normal)))
