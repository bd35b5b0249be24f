"""The face chain, detect to embed, against face_recognition's face_locations and face_encodings.

Same 640x480 picture, one face, CPU, one thread each, both warm; rounds alternate so that a busy machine slows both. One
thread is what the lane gives the chain, and all that the peer uses.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
from fakes.portraits import astronaut, before_the_camera

from bench.rows import Bench, Row
from gate.cli.models import default_folder
from gate.face.chain import open_models, template_of

WARM_UP_ROUNDS = 3
FLOOR = 1 / 18
_PEER = Path(__file__).with_name("face_peer.py")


def measure(bench: Bench) -> Row:
    """Measure both in turn."""
    picture = before_the_camera(astronaut())
    chain = open_models(default_folder(), threads=1)
    ours_ms: list[float] = []
    peer_ms: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.png"
        cv2.imwrite(str(file), picture)
        # PYTHONPATH is for our modules; the peer's interpreter must not see them.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [str(bench.peers), "-W", "ignore", str(_PEER), str(file)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as peer:
            assert peer.stdin is not None
            assert peer.stdout is not None
            for number in range(WARM_UP_ROUNDS + bench.rounds):
                started = time.perf_counter()
                template_of(chain, picture, alone=False)
                took_ms = (time.perf_counter() - started) * 1000
                print("go", file=peer.stdin, flush=True)
                theirs = json.loads(peer.stdout.readline())
                if number >= WARM_UP_ROUNDS:
                    ours_ms.append(took_ms)
                    peer_ms.append(theirs["took_ms"])
            peer.stdin.close()
    return Row(
        name="face_chain",
        ours=statistics.median(ours_ms),
        peer=statistics.median(peer_ms),
        unit="ms",
        peer_name="face_recognition face_locations + face_encodings",
        floor=FLOOR,
    )
