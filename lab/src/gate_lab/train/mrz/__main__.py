"""Trains the MRZ recogniser from nothing, measures it, and writes what the manifest and its card need.

`scripts/train-mrz` makes the environment and calls this. In the output folder: `mrz_lines.onnx`, `entry.toml` (the
manifest's lines about it) and `report.json` (seed, steps, wall time, curve, held-out tables, the line's cost).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import torch

from gate_lab.train.mrz.camera import STRIP_HEIGHT, STRIP_WIDTH
from gate_lab.train.mrz.conditions import Conditions, Content
from gate_lab.train.mrz.export import to_onnx
from gate_lab.train.mrz.glyphs import Atlas
from gate_lab.train.mrz.heldout import BATCH, HELD_OUT, false_characters, measure
from gate_lab.train.mrz.learn import Progress, train
from gate_lab.train.mrz.net import INPUT_NAME, OUTPUT_NAME
from gate_lab.train.mrz.samples import CLASSES, FRAMES, atlases, render
from models.manifest import Golden, Input, Model, Output
from models.runtime import Session, golden_input, open_bytes, probes

SEED: Final = 2026
STEPS: Final = 3200
FONTS: Final = Path("/usr/share/fonts/opentype/ocr-b")
NAME: Final = "mrz_lines"
_GOLDEN_PROBES: Final = 15  # a stride that is no multiple of the classes
_TIMED_RUNS: Final = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Train with the given arguments; return 0 when everything was written."""
    options = _options(arguments)
    if not (options.fonts / "OCRB.otf").is_file():
        print(f"train-mrz: no OCR-B in {options.fonts}: install Debian's fonts-ocr-b", file=sys.stderr)
        return 1
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    fonts = atlases(str(options.fonts / "OCRB.otf"), str(options.fonts / "OCRBS.otf"), options.seed)
    started, curve = time.monotonic(), list[Progress]()

    def report(progress: Progress) -> None:
        curve.append(progress)
        print(json.dumps(asdict(progress)), file=sys.stderr, flush=True)

    net = train(seed=options.seed, steps=options.steps, fonts=fonts, makers=options.makers, report=report)
    trained_s = time.monotonic() - started
    content = to_onnx(net)
    session = _session(content, options.version)
    (options.out / f"{NAME}.onnx").write_bytes(content)
    (options.out / "entry.toml").write_text(_entry(session.model))
    document = {
        "schema": "portcullis.train-mrz/1",
        "version": options.version,
        "sha256": session.model.sha256,
        "bytes": len(content),
        "parameters": sum(weights.numel() for weights in net.parameters()),
        "seed": options.seed,
        "steps": options.steps,
        "threads": options.threads,
        "torch": torch.__version__,
        "trained_s": round(trained_s, 1),
        "line_ms": _line_ms(session),
        "curve": [asdict(progress) for progress in curve],
        **_measure(session, fonts, options.seed, options.lines),
    }
    (options.out / "report.json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps({key: document[key] for key in ("sha256", "bytes", "trained_s", "line_ms")}))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train-mrz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/mrz"), help="folder for the results")
    parser.add_argument("--fonts", type=Path, default=FONTS, help="folder of Debian's fonts-ocr-b")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of 32 lines")
    parser.add_argument(
        "--lines", type=int, default=200, help="held-out lines a severity; ten times as many in the mix"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of the arithmetic")
    parser.add_argument("--makers", type=int, default=1, help="processes that make examples")
    parser.add_argument("--version", default="0.0.0", help="version written into the manifest's entry")
    return parser.parse_args(arguments)


def _session(content: bytes, version: str) -> Session:
    """Open the exported model, with a manifest entry made from its own golden values."""
    model = Model(
        name=NAME,
        version=version,
        role="mrz",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        licence="Apache-2.0, as this program; trained by it on synthetic lines only",
        input=Input(
            name=INPUT_NAME,
            shape=(1, 1, STRIP_HEIGHT, STRIP_WIDTH),
            range=(0.0, 1.0),
            content="line strips, grey / 255, dark ink on light paper",
            batch_max=64,
        ),
        outputs=(
            Output(
                name=OUTPUT_NAME,
                shape=(1, FRAMES, CLASSES),
                content="log-probabilities a frame of 4 px: 0 blank, 1 to 10 digits, 11 to 36 A to Z, 37 <",
            ),
        ),
        golden=(Golden(output=OUTPUT_NAME, tolerance=0.1, probes=(0.0,)),),
    )
    (output,) = open_bytes(model, content).run(golden_input(model))
    values = tuple(round(float(value), 5) for value in probes(output, _GOLDEN_PROBES))
    model = msgspec.structs.replace(model, golden=(Golden(output=OUTPUT_NAME, tolerance=0.1, probes=values),))
    session = open_bytes(model, content)
    session.self_test()
    return session


def _measure(session: Session, fonts: Sequence[Atlas], seed: int, lines: int) -> dict[str, object]:
    def run(strips: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return session.run(strips)[0]

    blank: dict[str, float] = {}
    for kind in Content:
        if not kind.is_line:
            rng = np.random.default_rng([seed, HELD_OUT, len(blank)])
            made = [render(rng, replace(Conditions(), content=kind), fonts[0]) for _ in range(BATCH)]
            blank[kind.name.lower()] = false_characters(made, run)
    return {"heldout": [asdict(row) for row in measure(run, fonts, seed=seed, lines=lines)], "false_characters": blank}


def _line_ms(session: Session) -> float:
    tensor = golden_input(session.model)
    took: list[float] = []
    for _ in range(_TIMED_RUNS):
        started = time.perf_counter()
        session.run(tensor)
        took.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(took), 3)


def _entry(model: Model) -> str:
    """Return the manifest's lines about a model, in the layout of the others."""
    entry, output = model.input, model.outputs[0]
    golden = ", ".join(f"{value:.5f}" for value in model.golden[0].probes)
    return f"""[[models]]
name = "{model.name}"
version = "{model.version}"
role = "{model.role}"
sha256 = "{model.sha256}"
size_bytes = {model.size_bytes:_}
licence = "{model.licence}"
input = {{ name = "{entry.name}", shape = {list(entry.shape)}, range = {list(entry.range)}, batch_max = {entry.batch_max}, content = "{entry.content}" }}
outputs = [{{ name = "{output.name}", shape = {list(output.shape)}, content = "{output.content}" }}]
golden = [
    {{ output = "{output.name}", tolerance = {model.golden[0].tolerance}, probes = [{golden}] }},
]
"""


if __name__ == "__main__":
    raise SystemExit(main())
