"""Beside face_recognition, in its own environment: both see the same face in the same place and agree who is who."""

import json
import os
import subprocess
from pathlib import Path

import cv2
import pytest
from fakes.portraits import as_file, astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.cli.models import default_folder
from gate.face.chain import open_models
from gate.face.values import Box

pytestmark = pytest.mark.faces

PEERS = default_folder().parent / "bench-peers/bin/python"
PROGRAM = """
import face_recognition, json, sys
pictures = [face_recognition.load_image_file(path) for path in sys.argv[1:]]
places = [face_recognition.face_locations(picture) for picture in pictures]
one, other = (face_recognition.face_encodings(p, l)[0] for p, l in zip(pictures, places))
print(json.dumps({"places": places, "distance": float(face_recognition.face_distance([one], other)[0])}))
"""


def test_both_find_the_same_face(tmp_path: Path) -> None:
    if not PEERS.parents[1].joinpath("installed.txt").exists():
        pytest.skip("the peers are not here: run scripts/bench")
    frame = before_the_camera(astronaut())
    (tmp_path / "one.png").write_bytes(as_file(frame, ".png"))
    (tmp_path / "other.png").write_bytes(as_file(cv2.flip(frame, 1), ".png"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    outcome = subprocess.run(
        [str(PEERS), "-W", "ignore", "-c", PROGRAM, str(tmp_path / "one.png"), str(tmp_path / "other.png")],
        env=environment,
        capture_output=True,
        check=True,
        timeout=120,
    )
    theirs = json.loads(outcome.stdout)
    ((top, right, bottom, left),) = theirs["places"][0]
    (ours,) = open_models(real_models()).finder.find(frame)
    assert ours.box.overlap(Box(left, top, right, bottom)) > 0.4
    assert theirs["distance"] < 0.6
