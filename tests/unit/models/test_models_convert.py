"""dlib's weights become the same network: held against numbers that dlib itself gave, and against broken files."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes.tiny_models import real_models

from gate.cli.models import default_folder
from models.convert.dlib_resnet import convert
from models.errors import ModelCorruptError
from models.manifest import load
from models.runtime import open_session

PEERS = default_folder().parent / "bench-peers" / "bin" / "python"
# What dlib 20.0.1 gives for `waves()`: elements 0, 16, 32, … of its descriptor.
KNOWN = (-0.051632, -0.148242, -0.088833, 0.057741, 0.227347, -0.085786, -0.049193, 0.229953)
PROGRAM = """
import sys, numpy, dlib, face_recognition_models
network = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
faces = numpy.load(sys.argv[1])
numpy.save(sys.argv[2], [list(network.compute_face_descriptor(numpy.ascontiguousarray(face))) for face in faces])
"""


def waves(seed: int = 0) -> np.ndarray:
    """A picture with structure in every channel, RGB."""
    y, x = np.mgrid[0:150, 0:150] / 150
    parts = [np.sin(7 * x + seed) * np.cos(5 * y), np.sin(3 * x * y + seed), np.cos(9 * y - 2 * x + seed)]
    return ((np.stack(parts, axis=-1) + 1) * 127).astype(np.uint8)


def ours(face: np.ndarray) -> np.ndarray:
    session = open_session(load().model("dlib_resnet"), real_models())
    (output,) = session.run(np.ascontiguousarray(face.transpose(2, 0, 1)[None], dtype=np.float32))
    return output[0]


def test_the_converted_network_gives_what_dlib_gave() -> None:
    assert ours(waves())[::16] == pytest.approx(KNOWN, abs=1e-5)


def test_the_converted_network_is_dlib_to_one_in_ten_thousand(tmp_path: Path) -> None:
    if not PEERS.parents[1].joinpath("installed.txt").exists():
        pytest.skip("the peers are not here: run scripts/bench")
    faces = [waves(seed) for seed in range(10)]
    np.save(tmp_path / "faces.npy", faces)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(PEERS), "-W", "ignore", "-c", PROGRAM, str(tmp_path / "faces.npy"), str(tmp_path / "theirs.npy")]
    subprocess.run(command, env=environment, check=True, timeout=120)
    for face, theirs in zip(faces, np.load(tmp_path / "theirs.npy"), strict=True):
        assert np.linalg.norm(ours(face) - theirs) < 1e-4


@pytest.mark.parametrize(
    "dat",
    [
        b"",
        b"\x01\x05con_4",
        b"\x01\x05con_4\x01\x02\x01\x01\x01\x01\x01\x01\x01\x01" + bytes(8),
        b"\x01\x05con_4\x01\x03" + b"\x02\x80\x12" + b"\x01\x01" * 3 + bytes(4 * 4736),
    ],
)
def test_weights_that_are_none_are_corrupt(dat: bytes) -> None:
    with pytest.raises(ModelCorruptError):
        convert(dat)


def test_what_a_gate_runs_does_not_load_the_converter() -> None:
    assert importlib.util.find_spec("onnx") is not None
    program = "import sys, models.fetch, models.runtime; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
