"""A real predictor that a test can hold back, to have something in work for as long as it likes."""

import threading
from pathlib import Path

from ml.predictor import Predictor

PATIENCE = 20


class HeldPredictor(Predictor):
    """Says when it has got a picture and looks at it only when told to."""

    def __init__(self, weights: Path) -> None:
        super().__init__(weights)
        self.got_one = threading.Semaphore(0)
        self.go = threading.Event()

    def predict(self, data, **options):
        self.got_one.release()
        assert self.go.wait(PATIENCE)
        return super().predict(data, **options)
