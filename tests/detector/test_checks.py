"""A wrong setting is said at start."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from detector.checks import check_hamster_settings
from detector.conf import config, read_settings


def found(**values: object) -> list[str]:
    with override_settings(HAMSTER=values):
        return [message.id for message in check_hamster_settings()]


def test_the_defaults_are_right():
    assert [message for message in found() if message.startswith("hamster.E")] == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"live_max_fsp": 30}, "hamster.E001"),
        ({"live_max_fps": "fast"}, "hamster.E002"),
        ({"engine_workers": True}, "hamster.E002"),
        ({"engine_workers": 1.5}, "hamster.E002"),
        ({"live_max_fps": 0}, "hamster.E003"),
        ({"predict_rate": "often"}, "hamster.E004"),
        ({"predict_rate": "3/fortnight"}, "hamster.E004"),
        ({"upload_max_bytes": 15 * 2**20}, "hamster.E005"),
        ({"engine_runtime": "abacus"}, "hamster.E006"),
        ({"batch_max_items": 1.5}, "hamster.E002"),
        ({"batch_max_open": 0}, "hamster.E003"),
        ({"batch_rate": "often"}, "hamster.E004"),
        ({"correction_rate": "often"}, "hamster.E004"),
        ({"correction_retention_days": 0}, "hamster.E003"),
        ({"correction_retention_days": 1.5}, "hamster.E002"),
        ({"batch_max_bytes": 2**20}, "hamster.E007"),
        ({"live_max_bytes": 2 * 2**20}, "hamster.W001"),
        ({"shipped_detector": "/nowhere/detector.onnx"}, "hamster.W002"),
    ],
    ids=str,
)
def test_a_wrong_value_is_found(values, message):
    assert message in found(**values)


def test_times_need_not_be_whole_seconds():
    assert "hamster.E002" not in found(engine_request_timeout=0.5, live_idle_seconds=2.5)


def test_an_empty_rate_means_no_limit():
    assert "hamster.E004" not in found(predict_rate="")


def test_config_follows_the_settings_and_refuses_unknown_names():
    with override_settings(HAMSTER={"live_max_fps": 7}):
        assert config.live_max_fps == 7
    with override_settings(HAMSTER={"nonsense": 1}), pytest.raises(ImproperlyConfigured):
        read_settings()
