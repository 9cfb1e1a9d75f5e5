"""How fast training goes."""

import pytest

from ml.config import TrainConfig
from ml.schedule import closeup_settings


@pytest.mark.parametrize(
    ("faces", "batch", "lr", "half_life"),
    [
        (50_000, 512, 4e-3, 250),  # the shipped close-up net's
        (8_192, 256, 2e-3 * 2**0.5, 500),
        (200, 128, 2e-3, 1000),  # few faces: small steps, as many as there can be
    ],
)
def test_the_closeup_nets_steps_follow_the_number_of_faces(faces, batch, lr, half_life):
    settings = closeup_settings(TrainConfig(), faces)
    assert settings.closeup_batch == batch
    assert settings.lr == pytest.approx(lr)
    assert settings.ema_half_life == pytest.approx(half_life)
