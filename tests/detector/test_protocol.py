"""What a live message may be."""

import json

import pytest

from detector import protocol
from detector.protocol import LiveOptions


def test_a_frame_is_a_little_endian_number_and_an_image():
    assert protocol.parse_frame(b"\x01\x02\x00\x00image") == (513, b"image")


@pytest.mark.parametrize("message", [b"", b"\x01", b"\x01\x02\x03"])
def test_a_message_too_short_for_a_frame_number_is_a_bad_frame(message):
    with pytest.raises(protocol.BadFrame):
        protocol.parse_frame(message)


def test_an_image_over_the_limit_names_its_frame(hamster):
    hamster(live_max_bytes=1024)
    assert protocol.parse_frame(bytes(4) + bytes(1024))[1] == bytes(1024)
    with pytest.raises(protocol.FrameTooLarge) as caught:
        protocol.parse_frame(b"\x07\0\0\0" + bytes(1025))
    assert (caught.value.code, caught.value.frame) == ("image_too_large", 7)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[1]", "17", "null", "{}", '{"type": 3}', '{"type"', "[" * 100_000, '{"type": NaN'],
)
def test_text_that_is_no_object_with_a_type_is_a_bad_message(text):
    with pytest.raises(protocol.BadMessage):
        protocol.parse_control(text)


def test_a_type_that_clients_do_not_send_is_an_unknown_message():
    with pytest.raises(protocol.UnknownMessage):
        protocol.parse_control('{"type": "prediction"}')


def test_configure_changes_only_what_it_names():
    options = LiveOptions().configured({"type": "configure", "smoothing": 1, "max_faces": 2})
    assert options == LiveOptions(smoothing=1.0, max_faces=2)
    assert options.configured({"type": "configure", "min_score": 0.25}).smoothing == 1.0


@pytest.mark.parametrize(
    "values",
    [
        {"smoothing": 1.5},
        {"smoothing": -0.1},
        {"smoothing": "much"},
        {"smoothing": None},
        {"smoothing": True},
        {"smoothing": float("nan")},
        {"min_score": 2},
        {"max_faces": 0},
        {"max_faces": 2.5},
        {"max_faces": 10**6},
        {"speed": 3},
    ],
    ids=str,
)
def test_configure_refuses_what_is_out_of_range_or_unheard_of(values):
    with pytest.raises(protocol.BadConfigure):
        LiveOptions().configured({"type": "configure", **values})


def test_the_greeting_tells_the_limits_that_are_in_force(hamster):
    hamster(live_max_fps=12)
    greeting = json.loads(json.dumps(protocol.hello("red-1")))
    assert greeting["protocol"] == 1
    assert greeting["detector"] == "red-1"
    assert len(greeting["emotions"]) == 9
    assert greeting["limits"]["max_fps"] == 12
