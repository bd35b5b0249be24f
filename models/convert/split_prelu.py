"""The same network with its PRelus written as scalings and a Relu, which the inference library keeps in its fast layout.

PRelu with a slope a channel has no kernel in the blocked layout of x86 convolutions: each stands between two conversions and is
itself slow. On the embedder they took more than half of the time. With slope s,

    prelu(x) = s x + relu((1 - s) x)   where no s is above 1,
    prelu(x) = s x + (1 - s) relu(x)   otherwise,

and both scalings are 1x1 convolutions of one channel each, which the library fuses with the Relu and the sum. The numbers differ in
the last bits (docs/decisions/0007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from models.errors import ModelCorruptError

if TYPE_CHECKING:
    import numpy.typing as npt


def convert(content: bytes) -> bytes:
    """The ONNX file, the same bytes for the same input. Raises ModelCorruptError for a file that is none or has no such PRelu."""
    _check(content)
    model = onnx.load_model_from_string(content)
    graph = model.graph
    slopes = _slopes(graph)
    if not slopes:
        raise ModelCorruptError("the network has no PRelu with a slope a channel")
    nodes: list[Any] = []
    for node in graph.node:
        if node.output[0] in slopes:
            nodes += _split(node.input[0], node.output[0], slopes[node.output[0]], graph.initializer)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    converted: bytes = model.SerializeToString(deterministic=True)
    _check(converted)
    return converted


def _check(content: bytes) -> None:
    try:
        onnx.checker.check_model(content, full_check=True)
    except (ValueError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelCorruptError("no ONNX model that can be converted") from error


def _slopes(graph: Any) -> dict[str, npt.NDArray[np.float32]]:  # noqa: ANN401 - untyped library
    """The slopes (c,) of every PRelu that has one a channel and fixed, by the node's output."""
    fixed = {tensor.name: tensor for tensor in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type != "PRelu" or node.input[1] not in fixed:
            continue
        slope = numpy_helper.to_array(fixed[node.input[1]])
        if slope.ndim == 3 and slope.shape[1:] == (1, 1) and slope.dtype == np.float32:
            found[node.output[0]] = slope.reshape(-1)
    return found


def _split(
    source: str,
    target: str,
    slope: npt.NDArray[np.float32],
    initializers: Any,  # noqa: ANN401 - untyped library
) -> list[Any]:
    """The nodes that stand for one PRelu."""

    def scaled(name: str, value: str, factor: npt.NDArray[np.float32]) -> Any:  # noqa: ANN401 - untyped library
        weights = f"{target}_{name}_by"
        initializers.append(numpy_helper.from_array(factor.reshape(-1, 1, 1, 1), weights))
        return helper.make_node("Conv", [value, weights], [f"{target}_{name}"], group=len(factor), kernel_shape=[1, 1])

    passed, positive = f"{target}_passed", f"{target}_positive"
    rest = (1 - slope).astype(np.float32)
    if (slope <= 1).all():
        chain = [scaled("rest", source, rest), helper.make_node("Relu", [f"{target}_rest"], [positive])]
    else:
        chain = [helper.make_node("Relu", [source], [f"{target}_relu"]), scaled("positive", f"{target}_relu", rest)]
    return [*chain, scaled("passed", source, slope), helper.make_node("Add", [passed, positive], [target])]


def _drop_unused(graph: Any) -> None:  # noqa: ANN401 - untyped library
    """The old slopes, also where old files name them among the inputs."""
    used = {name for node in graph.node for name in node.input}
    for kept in (graph.initializer, graph.input):
        for unused in [entry for entry in kept if entry.name not in used]:
            kept.remove(unused)
