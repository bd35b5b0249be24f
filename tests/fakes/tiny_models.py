"""Models small enough to write by hand: ONNX graphs as bytes, and manifests around them.

Only the few protocol buffer fields that a one-node graph needs are encoded (onnx.proto3), so no ONNX package is wanted.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Literal

import pytest

from models.manifest import Golden, Input, Manifest, Model, Output, Package, Pixels, Threshold, load

Member = tuple[str, bytes | None]
SHAPE: tuple[Literal[1], int, int, int] = (1, 1, 4, 4)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _value_info(name: str, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, size) if isinstance(size, int) else _bytes(2, size)) for size in shape)
    tensor = _number(1, 1) + _bytes(2, dims)  # elem_type FLOAT
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


def one_node_graph(operator: str = "Abs", *, shape: tuple[int | str, ...] = SHAPE) -> bytes:
    """A model that applies one operator to `input` and calls it `output`. A size that is a name is left open."""
    node = _bytes(1, "input") + _bytes(2, "output") + _bytes(4, operator)
    graph = (
        _bytes(1, node)
        + _bytes(2, "tiny")
        + _bytes(11, _value_info("input", shape))
        + _bytes(12, _value_info("output", shape))
    )
    opset = _bytes(8, _number(2, 13))
    return _number(1, 8) + _bytes(7, graph) + opset


def tiny_model(
    content: bytes, *, name: str = "tiny", golden: tuple[float, ...] = (0.5,), tolerance: float = 0.1
) -> Model:
    """A manifest entry that pins `content`."""
    return Model(
        name=name,
        version="1",
        role="embed",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        package="box",
        member=f"package/{name}.onnx",
        licence="none",
        input=Input(name="input", shape=SHAPE, range=(0.0, 1.0), content="waves"),
        outputs=(Output(name="output", shape=SHAPE, content="waves"),),
        golden=(Golden(output="output", probes=golden, tolerance=tolerance),),
        pixels=Pixels(order="BGR", mean=0.0, divisor=1.0, alignment="arcface"),
        threshold=Threshold(value=0.5, evidence="none", fmr=1e-4, same_min=0.4),
    )


def abs_model() -> Model:
    """The entry of `one_node_graph()`, with the golden values that it gives."""
    from models.runtime import golden_input, probes

    content = one_node_graph()
    waves = golden_input(tiny_model(content))  # never negative, so the absolute value changes nothing
    return tiny_model(content, golden=tuple(float(value) for value in probes(waves, 4)), tolerance=1e-4)


def manifest_of(*models: Model, archive: bytes = b"") -> Manifest:
    """A manifest with one package, pinned to `archive`, that holds the models."""
    package = Package(
        name="box", version="1", sha256=hashlib.sha256(archive).hexdigest(), archive_bytes_max=1_000_000, client="npm"
    )
    profiles = {"standard": tuple(model.name for model in models)}
    return Manifest(schema=1, packages={"box": package}, models=models, profiles=profiles)


def archive_of(*members: Member, links: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A gzipped tar; a member without content is a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            info.type = tarfile.REGTYPE if content is not None else tarfile.DIRTYPE
            tar.addfile(info, io.BytesIO(content or b""))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def fake_npm(folder: Path, script: str) -> None:
    """An npm in this folder, to be put on the PATH, that does what the script says."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)


def real_models() -> Path:
    """The folder of the real models; the test is skipped where they were not fetched."""
    from gate.cli.models import default_folder

    folder = default_folder()
    if not all(model.is_intact(folder) for model in load().models):
        pytest.skip("the models are not here: run `gate models fetch`")
    return folder
