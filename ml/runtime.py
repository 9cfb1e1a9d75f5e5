"""Which library computes a detector's nets: ONNX Runtime, or OpenVINO where it is asked for. Never imports
torch."""

import os
import threading
from collections.abc import Mapping, Sequence

import numpy as np

RUNTIMES = ("onnxruntime", "openvino")


class RuntimeUnavailable(Exception):
    """OpenVINO can't be used here; the message says why."""


class OpenVinoSession:
    """A detector file in OpenVINO, with the `run` of an ONNX Runtime session; threads may share it.

    It computes in bfloat16 where the processor has it. Each call runs on one thread of OpenVINO's own; as
    many calls as there are processor cores run side by side. Raises RuntimeUnavailable.
    """

    def __init__(self, content: bytes) -> None:
        try:
            import openvino
        except ImportError as error:
            raise RuntimeUnavailable(
                f"it can't be imported ({error}); `pip install -r requirements-fast.txt` installs it"
            ) from error
        streams = os.cpu_count() or 1
        try:
            core = openvino.Core()
            has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            self._compiled = core.compile_model(
                core.read_model(content),
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": "bf16" if has_bf16 else "f32",
                    "NUM_STREAMS": streams,
                    "INFERENCE_NUM_THREADS": streams,
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            raise RuntimeUnavailable(str(error)) from error
        self._own = threading.local()

    def run(self, outputs: Sequence[str], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The named outputs for the named inputs."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        request = self._own.request
        request.infer(dict(inputs))
        return [request.get_tensor(name).data.copy() for name in outputs]
