from pathlib import Path

import pytest

from tests.ml.red_cell_detector import write_red_cell_detector


@pytest.fixture(scope="session")
def red_cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ONNX file of a detector whose answers are known: red cells are happy faces."""
    return write_red_cell_detector(tmp_path_factory.mktemp("detector") / "red.onnx")
