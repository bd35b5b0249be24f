"""The only user of the inference library: from a pinned file to a session verified with a computed input.

A drifting provider is skipped, a drifting CPU is an error; inputs and outputs are checked on every run. The library runs in one thread of
ours, whose floating point flushes numbers below 1.2e-38 to zero: trained networks contain many, and Intel's processors take eight times
as long for them. Official builds send usage events to their vendor unless disabled before loading: we disable them.
"""

import functools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.acceptance import CPU
from models.errors import ModelDriftError, ModelRuntimeError
from models.manifest import Model

THREADS_MAX = 64
GOLDEN_SIDE = 64


@dataclass(frozen=True, slots=True)
class Session:
    """A loaded and verified model. `provider`: what it runs on; `passed_over`: providers tried without success."""

    model: Model
    provider: str
    passed_over: tuple[str, ...]
    _inner: Any

    def run(self, tensor: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
        """Run once; outputs in the manifest's order. Raises ModelRuntimeError for a wrong shape or a failed run."""
        wanted = self.model.input
        if not wanted.admits(tensor.shape) or tensor.dtype != np.float32:
            raise ModelRuntimeError(
                f"{self.model.name} takes float32 {list(wanted.shape)}, up to {wanted.batch_max} at once, "
                f"not {tensor.dtype} {list(tensor.shape)}"
            )
        try:
            names = [output.name for output in self.model.outputs]
            outputs = _thread().submit(self._inner.run, names, {wanted.name: tensor}).result()
        except Exception as error:  # the library's exceptions share no base class
            raise ModelRuntimeError(f"{self.model.name} failed on {self.provider}: {type(error).__name__}") from error
        for output, array in zip(self.model.outputs, outputs, strict=True):
            rows = None if wanted.batch_max == 1 else tensor.shape[0]
            if not output.admits(array.shape, rows=rows) or not np.isfinite(array).all():
                raise ModelRuntimeError(f"{self.model.name} broke its contract at output {output.name}")
        return tuple(outputs)

    def self_test(self) -> None:
        """Compare with the manifest's golden values. Raises ModelDriftError if a number differs too much."""
        outputs = dict(
            zip((output.name for output in self.model.outputs), self.run(golden_input(self.model)), strict=True)
        )
        for golden in self.model.golden:
            off = np.abs(probes(outputs[golden.output], len(golden.probes)) - np.asarray(golden.probes)).max()
            if not off <= golden.tolerance:
                raise ModelDriftError(
                    f"{self.model.name} on {self.provider} is {off:.2g} off its golden values at {golden.output}"
                )


def open_session(model: Model, folder: Path, *, threads: int = 1, providers: Sequence[str] = ()) -> Session:
    """Open a pinned model and verify it.

    Only `providers` are tried, in order; empty: the CPU. Raises ModelMissingError and ModelCorruptError for the file,
    ModelRuntimeError or ModelDriftError if no provider gives the right numbers.
    """
    if not 1 <= threads <= THREADS_MAX:
        raise ModelRuntimeError(f"threads must be 1 to {THREADS_MAX}, not {threads}")
    content = model.read(folder)
    failures: list[ModelDriftError | ModelRuntimeError] = []
    for provider in providers or (CPU,):
        try:
            session = Session(
                model=model,
                provider=provider,
                passed_over=tuple(str(failure) for failure in failures),
                _inner=_load(model, content, provider=provider, threads=threads),
            )
            session.self_test()
        except (ModelDriftError, ModelRuntimeError) as failure:
            failures.append(failure)
        else:
            return session
    raise failures[-1]


def open_bytes(model: Model, content: bytes) -> Session:
    """For makers of models: open bytes that no manifest pins yet, on the CPU, unverified. Raises ModelRuntimeError."""
    return Session(model, CPU, (), _load(model, content, provider=CPU, threads=1))


def golden_input(model: Model) -> npt.NDArray[np.float32]:
    """Return the self-test's input: crossed waves in the range of the model's pixels; free sides have `GOLDEN_SIDE`."""
    channels, height, width = (side or GOLDEN_SIDE for side in model.input.shape[1:])
    y = np.arange(height, dtype=np.float64)[:, None]
    x = np.arange(width, dtype=np.float64)[None, :]
    low, high = model.input.range
    # Each wave is the sine of a sum, taken apart: a sine a side, and not one a pixel. A child proves its models again and again.
    planes = [
        (np.sin(x / (5 + channel)) * np.cos(y / 11) + np.cos(x / (5 + channel)) * np.sin(y / 11))
        * np.cos(y / (7 + channel))
        for channel in range(channels)
    ]
    unit = (np.stack(planes)[None] + 1) / 2
    return (low + unit * (high - low)).astype(np.float32)


def probes(output: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float64]:
    """Return `count` values of an output at even strides, as for the manifest's golden values."""
    flat = output.ravel().astype(np.float64)
    return flat[:: max(1, flat.size // count)][:count]


@functools.cache
def _thread() -> ThreadPoolExecutor:
    """Return the thread in which sessions are opened and run. Each process runs one model at a time."""
    return ThreadPoolExecutor(1, thread_name_prefix="inference")


def _load(model: Model, content: bytes, *, provider: str, threads: int) -> Any:  # noqa: ANN401 - untyped library
    library = _library()
    if provider not in library.get_available_providers():
        raise ModelRuntimeError(f"provider {provider} is not part of this build of the inference library")
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = library.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = library.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4  # it writes to standard error; what matters comes back as an exception
    # Between two frames a spinning thread would burn a core that the other programs need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    opening = functools.partial(library.InferenceSession, content, options, providers=[provider], enable_fallback=False)
    try:
        return _thread().submit(opening).result()
    except Exception as error:  # the library's exceptions share no base class
        raise ModelRuntimeError(f"{model.name} cannot be loaded on {provider}: {type(error).__name__}") from error


def _library() -> Any:  # noqa: ANN401 - untyped library
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read by the library once, while it loads
    import onnxruntime  # noqa: PLC0415 - must come after the line above

    onnxruntime.disable_telemetry_events()
    return onnxruntime
