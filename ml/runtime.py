"""Which library computes a detector's nets: ONNX Runtime, or OpenVINO where it is asked for. Never imports
torch."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

RUNTIMES = ("onnxruntime", "openvino")


class RuntimeUnavailable(RuntimeError):
    """OpenVINO can't be used here; the message says why. Its own errors are RuntimeErrors too."""


class OpenVinoSession:
    """A detector file in OpenVINO, with the `run` of an ONNX Runtime session; threads may share it.

    It computes in bfloat16 where the processor has it, on the thread that calls. Calls at the same time have
    copies of the nets: `copies` from the start, more when they are first needed. Raises RuntimeUnavailable.
    """

    def __init__(self, content: bytes, *, copies: int = 1) -> None:
        try:
            import openvino
        except ImportError as error:
            raise RuntimeUnavailable(
                f"it can't be imported ({error}); `pip install -r requirements-fast.txt` installs it"
            ) from error
        try:
            self._core = openvino.Core()
            self._model = self._core.read_model(content)
            self._idle = deque(self._compile() for _ in range(copies))
        except RuntimeError as error:
            raise RuntimeUnavailable(str(error)) from error

    def _compile(self) -> Any:
        has_bf16 = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if has_bf16 else "f32",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        return self._core.compile_model(self._model, "CPU", settings).create_infer_request()

    def run(self, outputs: Sequence[str], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The named outputs for the named inputs."""
        try:
            request = self._idle.pop()
        except IndexError:  # all are in use
            request = self._compile()
        try:
            request.infer(dict(inputs))
            return [request.get_tensor(name).data.copy() for name in outputs]
        finally:
            self._idle.append(request)
