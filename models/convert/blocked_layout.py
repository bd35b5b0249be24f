"""Rewrites a network so that the inference library keeps it in the blocked layout of its fast convolutions.

A depthwise convolution has a kernel there if its channels fill whole blocks; others get additional channels of zeros.
PRelu with a slope per channel has none: each stands between two changes of layout and is itself slow. With slope s,

    prelu(x) = s x + relu((1 - s) x)   where no s is above 1,
    prelu(x) = s x + (1 - s) relu(x)   otherwise,

and both scalings are 1x1 convolutions of one channel each, which the library fuses with the Relu and the sum. The
numbers differ in the last bits (docs/decisions/0007).
"""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from models.errors import ModelCorruptError

BLOCK_CHANNELS = 16  # on the widest processors; elsewhere 4 or 8


def convert(content: bytes) -> bytes:
    """Return the ONNX file, with equal bytes for equal input. Raises ModelCorruptError for an invalid file, or one without such a PRelu."""
    _check(content)
    model = onnx.load_model_from_string(content)
    graph = model.graph
    _fill_blocks(graph)
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


def _fill_blocks(graph: Any) -> None:  # noqa: ANN401 - untyped library
    """Widen everything between two convolutions around a depthwise one with a partial block; the outside stays unchanged."""
    made = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input) + Counter(
        entry.name for entry in graph.output
    )
    reader = {name: node for node in graph.node for name in node.input if readers[name] == 1}
    inputs = {entry.name for entry in graph.input}
    fixed = {tensor.name: tensor for tensor in graph.initializer if tensor.name not in inputs}
    for node in graph.node:
        channels = _groups(node)
        chain = _chain(node, made, reader) if channels > 1 and channels % BLOCK_CHANNELS else []
        if not chain:
            continue
        first, *between, last = chain
        places = [*((name, 0) for one in (first, *between) for name in one.input[1:]), (last.input[1], 1)]
        if any(name not in fixed or name not in reader or fixed[name].dims[axis] != channels for name, axis in places):
            continue
        whole = -(-channels // BLOCK_CHANNELS) * BLOCK_CHANNELS
        for name, axis in places:
            _widen(fixed[name], axis, whole)
        for attribute in node.attribute:
            if attribute.name == "group":
                attribute.i = whole


def _groups(node: Any) -> int:  # noqa: ANN401 - untyped library
    """Return a convolution's number of groups; 0 for other nodes."""
    found = [attribute.i for attribute in node.attribute if attribute.name == "group"]
    return (found[0] if found else 1) if node.op_type == "Conv" else 0


def _chain(node: Any, made: dict[str, object], reader: dict[str, object]) -> list[Any]:  # noqa: ANN401 - untyped library
    """Return the nodes from the convolution before a depthwise one to the one after, PRelus between; empty without such a chain."""
    chain = [node]
    while chain[0] is node or chain[0].op_type == "PRelu":
        name = chain[0].input[0]
        if name not in made or name not in reader:
            return []
        chain.insert(0, made[name])
    while chain[-1] is node or chain[-1].op_type == "PRelu":
        name = chain[-1].output[0]
        if name not in reader:
            return []
        chain.append(reader[name])
    return chain if _groups(chain[0]) == _groups(chain[-1]) == 1 else []


def _widen(tensor: Any, axis: int, size: int) -> None:  # noqa: ANN401 - untyped library
    values = numpy_helper.to_array(tensor)
    more = [(0, size - length if at == axis else 0) for at, length in enumerate(values.shape)]
    tensor.CopyFrom(numpy_helper.from_array(np.pad(values, more), tensor.name))


def _slopes(graph: Any) -> dict[str, npt.NDArray[np.float32]]:  # noqa: ANN401 - untyped library
    """Return the slopes (c,) of every PRelu with fixed ones per channel, by the node's output."""
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
    """Return the nodes that replace one PRelu."""

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
    """Remove the old slopes, also from the inputs, where old files list them."""
    used = {name for node in graph.node for name in node.input}
    for kept in (graph.initializer, graph.input):
        for unused in [entry for entry in kept if entry.name not in used]:
            kept.remove(unused)
