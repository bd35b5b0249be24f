"""dlib's face recognition network (CC0) as ONNX: the published weights, with the graph of dlib's `dnn_face_recognition_ex.cpp`.

The published file is a stream of layers, found by name; its bytes are pinned before this code reads them. Each affine layer is
folded into the convolution before it; the pixel's mean and scale are part of the graph. Input `input` (1, 3, 150, 150) float32, RGB
0 to 255; output `output` (1, 128), not of unit length, compared by Euclidean distance in dlib.
"""

import struct
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.errors import ModelCorruptError

SIDE: Final = 150
DIMENSIONS: Final = 128
_MEAN: Final = (122.782, 117.001, 104.298)
_SCALE: Final = 256.0
_CONVOLUTION: Final = b"\x01\x05con_4"
_AFFINE: Final = b"\x01\x07affine_"
_FULL: Final = b"\x01\x04fc_2"
_NEGATIVE: Final = 0x80
_LENGTH: Final = 0x0F
_TENSOR_VERSION: Final = 2
# Filters, and whether the block halves the picture, of each residual block from first to last.
_BLOCKS: Final = (
    *((32, False),) * 3,
    (64, True), *((64, False),) * 3,
    (128, True), *((128, False),) * 2,
    (256, True), *((256, False),) * 2,
    (256, True),
)  # fmt: skip
_OPSET: Final = 17
_IR_VERSION: Final = 8


def convert(dat: bytes) -> bytes:
    """Return the ONNX file, with equal bytes for equal input. Raises ModelCorruptError for a file without these layers."""
    weights = _Weights(dat)
    graph = _Graph(weights)
    current, side = graph.stem("input")
    channels = 32
    for filters, halves in _BLOCKS:
        current, side = graph.block(current, side, channels, filters, halves=halves)
        channels = filters
    graph.head(current)
    weights.finish()
    made = helper.make_graph(
        graph.nodes,
        "dlib_face_recognition_resnet_model_v1",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, DIMENSIONS])],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="portcullis")
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


class _Weights:
    """Returns the layers' numbers in order."""

    def __init__(self, dat: bytes) -> None:
        self._dat = dat
        self._at = 0

    def convolution(
        self, filters: int, channels: int, side: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the next convolution with the following affine layer folded in: filters (n, c, side, side) and biases (n,)."""
        count = filters * channels * side * side
        numbers = self._numbers(_CONVOLUTION, count + filters).astype(np.float64)
        affine = self._numbers(_AFFINE, 2 * filters).astype(np.float64)
        gain, shift = affine[:filters], affine[filters:]
        kernels = numbers[:count].reshape(filters, channels, side, side) * gain[:, None, None, None]
        return kernels.astype(np.float32), (numbers[count:] * gain + shift).astype(np.float32)

    def full(self, inputs: int, outputs: int) -> npt.NDArray[np.float32]:
        """The last layer, (inputs, outputs); it has no biases."""
        return self._numbers(_FULL, inputs * outputs, before=2).reshape(inputs, outputs)

    def finish(self) -> None:
        """Raise ModelCorruptError if layers remain."""
        if self._dat.find(_CONVOLUTION, self._at) >= 0:
            raise ModelCorruptError("the network has more layers than it should")

    def _numbers(self, name: bytes, count: int, *, before: int = 0) -> npt.NDArray[np.float32]:
        """Return the tensor of the next layer with this name, with `count` numbers, after `before` integers."""
        start = self._dat.find(name, self._at)
        if start < 0:
            raise ModelCorruptError(f"the network lacks a layer {name[2:].decode('ascii')}")
        self._at = start + len(name)
        for _ in range(before):
            self._integer()
        version, *shape = (self._integer() for _ in range(5))
        end = self._at + 4 * count
        if version != _TENSOR_VERSION or int(np.prod(shape)) != count or end > len(self._dat):
            raise ModelCorruptError(f"a layer {name[2:].decode('ascii')} has another shape than it should")
        numbers = np.frombuffer(self._dat, "<f4", count, self._at)
        self._at = end
        return numbers

    def _integer(self) -> int:
        """Return an integer in dlib's form: a byte with the sign and the number of following bytes, lowest first."""
        try:
            head = self._dat[self._at]
            length = head & _LENGTH
            value = int.from_bytes(self._dat[self._at + 1 : self._at + 1 + length], "little")
        except (IndexError, struct.error) as error:
            raise ModelCorruptError("the network ends in the middle of a layer") from error
        self._at += 1 + length
        return -value if head & _NEGATIVE else value


@dataclass
class _Graph:
    """The nodes so far. Names are numbered."""

    weights: _Weights
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def stem(self, pixels: str) -> tuple[str, int]:
        """Add mean and scale, a halving 7x7 convolution, and a halving 3x3 maximum; neither is padded."""
        mean = self._constant(np.array(_MEAN, np.float32).reshape(1, 3, 1, 1))
        scale = self._constant(np.array(1 / _SCALE, np.float32))
        scaled = self._node("Mul", [self._node("Sub", [pixels, mean]), scale])
        current, side = self._convolution(scaled, SIDE, channels=3, filters=32, kernel=7, stride=2)
        current = self._node("Relu", [current])
        return self._node("MaxPool", [current], kernel_shape=[3, 3], strides=[2, 2]), (side - 3) // 2 + 1

    def block(self, before: str, side: int, channels: int, filters: int, *, halves: bool) -> tuple[str, int]:
        """Add two convolutions and a sum with their input; in a halving block, with the mean of each 2x2 of it."""
        stride = 2 if halves else 1
        current, made = self._convolution(before, side, channels=channels, filters=filters, kernel=3, stride=stride)
        current = self._node("Relu", [current])
        current, made = self._convolution(current, made, channels=filters, filters=filters, kernel=3, stride=1)
        if halves:
            before = self._node("AveragePool", [before], kernel_shape=[2, 2], strides=[2, 2])
            side = side // 2
        wide = max(side, made)
        before = self._padded(before, filters - channels, wide - side)
        current = self._padded(current, 0, wide - made)
        return self._node("Relu", [self._node("Add", [current, before])]), wide

    def head(self, current: str) -> None:
        """Add the mean over the picture, and the last layer."""
        flat = self._node("Flatten", [self._node("GlobalAveragePool", [current])], axis=1)
        self.nodes.append(
            helper.make_node("MatMul", [flat, self._constant(self.weights.full(256, DIMENSIONS))], ["output"])
        )

    def _convolution(
        self, current: str, side: int, *, channels: int, filters: int, kernel: int, stride: int
    ) -> tuple[str, int]:
        """Add a convolution with its biases; padded to keep its size unless it halves, as by dlib's default."""
        kernels, biases = self.weights.convolution(filters, channels, kernel)
        padding = kernel // 2 if stride == 1 else 0
        made = self._node(
            "Conv",
            [current, self._constant(kernels), self._constant(biases)],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[padding] * 4,
        )
        return made, (side + 2 * padding - kernel) // stride + 1

    def _padded(self, current: str, channels: int, pixels: int) -> str:
        """Add zeros after the channels, and at the bottom and right: dlib's addition of two sizes."""
        if not channels and not pixels:
            return current
        widths = np.array([0, 0, 0, 0, 0, channels, pixels, pixels], np.int64)
        return self._node("Pad", [current, self._constant(widths)])

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:  # noqa: ANN401 - the library's
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _constant(self, values: npt.NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name
