"""The capture loop of a crossing at 1280x720: time, processor, latency, memory; and what the chain's care for its models gains.

The frames are a simulated traveller who comes and stands, played from files by the driver for recordings, decoded as a camera's. One
thread for the models and OpenCV, as in service; the chip's portrait never comes, so liveness and choice never rest. Memory and time a frame are measured without waiting; processor and latency
at 15 frames a second.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from fakes.portraits import astronaut, before_the_camera

from bench.rows import Bench, Row
from drivers.camera.files import FilesCamera
from gate.cli.models import default_folder
from gate.face.align import ARCFACE, similarity
from gate.face.chain import FaceModels, open_models, template_of
from gate.face.watch import Watch
from hardware_sim.sequences import FPS, Lens, sequence

LENS = Lens(1280, 720, focal_px=1344.0, height_cm=160.0)
FRAMES_A_ROUND = 500  # 10,000 at the usual 20 rounds
WARM_UP_FRAMES = 300
LIVE_SECONDS = 20
Picture = npt.NDArray[np.uint8]


@cache
def pictures() -> tuple[Picture, ...]:
    """A traveller who comes and stands, then looks about."""
    stories = (sequence(name, "elena", "chidi", lens=LENS) for name in ("approach", "stand", "turn_head", "blink"))
    return tuple(story.frame(number / FPS) for story in stories for number in range(story.length))


@cache
def chain() -> FaceModels:
    """The models of the standard profile, as a crossing has them."""
    return open_models(default_folder(), threads=1)


def loop_cpu(bench: Bench) -> Row:
    """Processor time a frame of the whole loop: faces, choice, points, measures, templates, liveness."""
    return Row(name="face_loop_cpu", ours=_run(bench.rounds * 20)[0], unit="ms/frame")


def _run(count: int) -> tuple[float, float]:
    """Milliseconds of processor a frame, and how many megabytes the process grew after the warm-up."""
    watch = Watch(chain())
    frames = pictures()
    for number in range(WARM_UP_FRAMES):
        watch.see(frames[number % len(frames)], at_ms=number * 67)
    before_mb, started_s = _resident_mb(), time.process_time()
    for number in range(WARM_UP_FRAMES, WARM_UP_FRAMES + count):
        watch.see(frames[number % len(frames)], at_ms=number * 67)
    return (time.process_time() - started_s) / count * 1000, _resident_mb() - before_mb


def loop_memory(bench: Bench) -> Row:
    """How much a crossing that never ends grows."""
    return Row(name="face_loop_grows", ours=_run(bench.rounds * FRAMES_A_ROUND)[1], unit="MB")


@cache
def _live() -> tuple[float, float]:
    """At 15 frames a second: the 95th percentile from a frame's arrival to what is told of it, in ms; cores in use."""
    with tempfile.TemporaryDirectory() as folder:
        for number, picture in enumerate(pictures()):
            cv2.imwrite(str(Path(folder) / f"{number:04}.jpg"), picture)
        camera = FilesCamera(folder, frames_per_second=15)
        watch, seq, took_ms = Watch(chain()), 0, []
        camera.open()
        started_s, cpu_s = time.monotonic(), time.process_time()
        while time.monotonic() - started_s < LIVE_SECONDS:
            frame = camera.newest(after=seq, wait_s=1.0)
            if frame is not None:
                seq = frame.seq
                watch.see(frame.pixels, at_ms=int(frame.at_s * 1000))
                took_ms.append((time.monotonic() - frame.at_s) * 1000)
        cores = (time.process_time() - cpu_s) / (time.monotonic() - started_s)
        camera.close()
    return statistics.quantiles(took_ms, n=20)[-1], cores


def guidance_p95(bench: Bench) -> Row:  # noqa: ARG001 - its length is fixed
    """From a frame's arrival to what is told of it."""
    return Row(name="face_guidance_p95", ours=_live()[0], unit="ms")


def loop_cores(bench: Bench) -> Row:  # noqa: ARG001 - its length is fixed
    """Cores in use at 15 frames a second, decoding included."""
    return Row(name="face_loop_cores", ours=_live()[1], unit="cores")


def against_naive(bench: Bench) -> Row:
    """Detect to embed, processor time, against the same files, with the library's own settings."""
    picture = cv2.resize(before_the_camera(astronaut()), (1280, 960))[:720].astype(np.uint8)
    ours_ms = _cpu_ms(lambda: template_of(chain(), picture), bench.rounds)
    naive = Naive(default_folder())  # later: its threads go on spinning
    naive_ms = _cpu_ms(lambda: naive.template(picture), bench.rounds)
    return Row(
        name="face_naive",
        ours=ours_ms,
        peer=naive_ms,
        unit="ms CPU",
        peer_name="the same files with the library's own settings",
    )


class Naive:
    """The same models with the library's own settings: every core, spinning threads, the whole frame made float, a copy a step."""

    def __init__(self, folder: Path) -> None:
        self._detect, self._landmark, self._feature = (
            onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])
            for name in ("fr_detect", "fr_landmark", "fr_feature")
        )

    def template(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Detect, align, embed."""
        height, width = picture.shape[:2]
        colour = (cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.float32) - 127) / 128
        scores, boxes = self._ask(self._detect, cv2.resize(colour, (320, 240)))
        left, top, right, bottom = boxes[0, int(np.argmax(scores[0, :, 1]))] * (width, height, width, height)
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32) / 256
        face = cv2.resize(grey[int(top) : int(bottom), int(left) : int(right)], (64, 64))
        (points,) = self._ask(self._landmark, face[:, :, None])
        dense = points.reshape(68, 2) * (right - left, bottom - top) + (left, top)
        five = np.array(
            [
                dense[list(which)].mean(axis=0)
                for which in ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))
            ]
        )
        aligned = cv2.warpAffine(picture.astype(np.float32), similarity(five, ARCFACE), (112, 112))
        (vector,) = self._ask(self._feature, (aligned - 127) / 128)
        return vector[0] / np.linalg.norm(vector[0])

    def _ask(self, session: Any, pixels: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        tensor = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None].astype(np.float32))
        answer: list[npt.NDArray[np.float32]] = session.run(None, {session.get_inputs()[0].name: tensor})
        return answer


def _cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """Processor time of one call, with what its threads burn until the next frame comes."""
    for _ in range(3):
        work()
    started_s = time.process_time()
    for _ in range(rounds):
        work()
        time.sleep(1 / FPS)
    return (time.process_time() - started_s) / rounds * 1000


def _resident_mb() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 1e6
