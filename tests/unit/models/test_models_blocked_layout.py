"""A network that was rewritten for the blocked layout gives what it gave, and files that are none are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from fakes.prelu_network import SHAPE, Floats, narrow_network, network
from fakes.tiny_models import one_node_graph, real_models, tiny_model

from models.convert.blocked_layout import BLOCK_CHANNELS, convert
from models.errors import ModelCorruptError
from models.manifest import Input, Output, load
from models.runtime import golden_input, open_bytes, open_session

# What the published embedder gives for its golden input: elements 0, 64, 128, …
PUBLISHED = (
    0.034744654,
    0.029118737,
    -0.0069926195,
    0.013313277,
    -0.024995185,
    -0.034764636,
    -0.041761238,
    0.017488187,
)

# The same of the published liveness model, all three.
PUBLISHED_LIVENESS = (-0.24298084, 2.7331288, -2.490126)


def answer(content: bytes, tensor: Floats) -> Floats:
    model = tiny_model(content)
    taken, given = Input("input", SHAPE, (-1.0, 1.0), "waves"), Output("output", SHAPE, "numbers")
    session = open_bytes(msgspec.structs.replace(model, input=taken, outputs=(given,)), content)
    (output,) = session.run(tensor)
    return output


def depths(graph: Any) -> list[int]:
    """How many channels each depthwise convolution has."""
    groups = (one.i for node in graph.node if node.op_type == "Conv" for one in node.attribute if one.name == "group")
    return [one for one in groups if one > 1]


@pytest.mark.parametrize("slopes", [(0.25, 0.0, -0.5, 1.0), (0.25, 1.3, -1.4, 1.0)], ids=["to one", "above one"])
def test_a_network_whose_prelus_are_split_gives_what_it_gave(slopes: tuple[float, ...]) -> None:
    slope = np.array(slopes, np.float32).reshape(4, 1, 1)
    content = network(slope, slope[::-1].copy())
    made = convert(content)
    assert "PRelu" not in {node.op_type for node in onnx.load_model_from_string(made).graph.node}
    assert convert(content) == made
    random = np.random.default_rng(2)
    for _ in range(20):
        tensor = random.standard_normal(SHAPE).astype(np.float32)
        assert answer(made, tensor) == pytest.approx(answer(content, tensor), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("channels", "whole"), [(13, 16), (16, 16), (17, 32)])
def test_a_depthwise_convolution_that_fills_no_whole_block_is_widened_and_gives_what_it_gave(
    channels: int, whole: int
) -> None:
    content = narrow_network(channels)
    made = convert(content)
    assert set(depths(onnx.load_model_from_string(made).graph)) - {4} == {whole}
    random = np.random.default_rng(2)
    for _ in range(20):
        tensor = random.standard_normal(SHAPE).astype(np.float32)
        assert answer(made, tensor) == pytest.approx(answer(content, tensor), rel=1e-5, abs=1e-4)


def test_a_chain_that_somebody_else_reads_is_not_widened() -> None:
    content = narrow_network(13, seen=True)
    made = convert(content)
    assert set(depths(onnx.load_model_from_string(made).graph)) - {4} == {13}
    tensor = np.ones(SHAPE, np.float32)
    assert answer(made, tensor) == pytest.approx(answer(content, tensor), rel=1e-5, abs=1e-4)


def test_the_old_slopes_are_gone_and_the_network_has_one_input() -> None:
    slope = np.full((4, 1, 1), 0.25, np.float32)
    graph = onnx.load_model_from_string(convert(network(slope))).graph
    assert "s0" not in {tensor.name for tensor in graph.initializer}
    assert "s0" not in {entry.name for entry in graph.input}


def test_the_embedder_gives_what_the_published_one_gives() -> None:
    session = open_session(load().model("fr_feature"), real_models())
    (output,) = session.run(golden_input(session.model))
    assert output[0, ::64] == pytest.approx(PUBLISHED, abs=1e-6)


def test_the_liveness_model_gives_what_the_published_one_gives() -> None:
    session = open_session(load().model("fr_liveness"), real_models())
    (output,) = session.run(golden_input(session.model))
    assert output[0] == pytest.approx(
        PUBLISHED_LIVENESS, abs=1e-5
    )  # the published file's own moves by 3e-6 between processors
    graph = onnx.load_model_from_string(session.model.read(real_models())).graph
    assert "PRelu" not in {node.op_type for node in graph.node}
    assert not [depth for depth in depths(graph) if depth % BLOCK_CHANNELS]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 40, one_node_graph(), network(np.full((1,), 0.25, np.float32))[:-40]],
    ids=["empty", "garbage", "no prelu", "cut"],
)
def test_a_file_that_cannot_be_converted_is_corrupt(content: bytes) -> None:
    with pytest.raises(ModelCorruptError):
        convert(content)


def test_a_slope_for_all_channels_is_left_alone() -> None:
    with pytest.raises(ModelCorruptError, match="slope a channel"):
        convert(network(np.full((1, 1, 1), 0.25, np.float32).reshape(1)))
