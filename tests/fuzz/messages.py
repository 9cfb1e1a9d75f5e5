"""Fuzz of what clients send to the sockets: frames, and JSON as deep, large and odd as it gets."""

import json
import struct
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from detector import jobs_socket, protocol
from detector.conf import config
from detector.errors import HamsterError
from detector.protocol import LiveOptions, ProtocolError, parse_control, parse_frame
from tests.fuzz.parts import Part
from tests.fuzz.recipes import Recipe, recipes

ODD_JSON = (
    *(
        "",
        " ",
        "null",
        "[]",
        "{}",
        "0",
        '"configure"',
        "[" * 2000,
        '{"a":' * 700,
        "NaN",
        "-Infinity",
        "1" * 4000,
    ),
    *('{"type":"configure","smoothing":1e999}', '{"type":"configure","max_faces":' + "9" * 3900 + "}"),
    *(
        '{"type":"configure","smoothing":NaN}',
        '{"type":"configure","type":"x"}',
        '{"type":"\\ud800"}',
        "\ufeff{}",
    ),
    *(
        '{"type":"configure","\\udfff":1}',
        '{"type":"configure","max_faces":true}',
        "'{}'",
        '{"type":null}',
        "{" * 9,
    ),
    *('{"type":"watch","kind":"batch","id":' + "1" * 900 + "}", '{"type":"watch","kind":["batch"],"id":1}'),
    *(
        '{"type":"watch","kind":"batch","id":1.0}',
        '{"type":["watch"],"kind":"batch","id":1}',
        "{" + " " * 5000 + "}",
    ),
)
KEYS = ("type", "type", "smoothing", "min_score", "max_faces", "kind", "id", "", "__class__", "\ud800", "ﬀ")
WORDS = (
    "configure",
    "configure",
    "watch",
    "unwatch",
    "hello",
    "batch",
    "dataset",
    "training-run",
    "\udfff\ud800",
    "",
)
NUMBERS = (
    None,
    True,
    False,
    float("nan"),
    float("inf"),
    0,
    1,
    -1,
    20,
    21,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63),
    10**400,
    0.5,
    1.0,
    1.5,
    -0.0,
    1e308,
)

HEADS = (*(struct.pack("<I", number) for number in (0, 1, 17, 2**31, 2**32 - 1)), b"", b"\0", b"\0\0\0")
PICTURES = (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\xff\xffWEBP", b"GIF89a" + b"\xff" * 20)


def _value(recipe: Recipe, deep: int = 2) -> Any:
    match recipe.number(8 if deep else 5):
        case 0:
            return recipe.pick(WORDS)
        case 1 | 2:
            return recipe.pick(NUMBERS)
        case 3:
            return recipe.number() / 2**15 - 0.5
        case 4:
            return recipe.text(6)
        case 5 | 6:
            return [_value(recipe, deep - 1) for _ in range(recipe.number(3))]
        case _:
            return {recipe.pick(KEYS): _value(recipe, deep - 1) for _ in range(recipe.number(3))}


def make_text(recipe: Recipe) -> str:
    """JSON of some object, of one to configure or to watch, or nearly."""
    match recipe.number(5):
        case 0:
            said = {recipe.pick(KEYS): _value(recipe) for _ in range(recipe.number(5))}
        case 1 | 2:
            said = {"type": "configure"} | {
                recipe.pick(KEYS[2:5]): _value(recipe) for _ in range(recipe.number(4))
            }
        case 3:
            kind = recipe.pick(WORDS) if recipe.number(3) else _value(recipe)
            said = {"type": recipe.pick(WORDS[2:4]), "kind": kind, "id": _value(recipe)}
        case _:
            return recipe.pick(ODD_JSON) if recipe.number(3) else recipe.text(20)
    text = json.dumps(said, ensure_ascii=bool(recipe.number(2)))
    if recipe.number(4):
        return text
    at = recipe.number(len(text) + 1)
    return text[:at] + recipe.pick(ODD_JSON) + text[at + recipe.number(3) :]


def make_frame(recipe: Recipe) -> bytes:
    """A binary message, most of them with no picture behind the number."""
    return (
        recipe.pick(HEADS)
        + recipe.pick(PICTURES)
        + bytes(recipe.number(256) for _ in range(recipe.number(10)))
    )


FRAMES, TEXTS = recipes(make_frame, numbers=14), recipes(make_text, numbers=40)
LARGE = (b"\0" * (config.live_max_bytes + 4), b"\0" * (config.live_max_bytes + 5))


class Messages(Part):
    """`parse_frame`, `parse_control` and what it configures, and the messages of `/ws/jobs/`."""

    name = "messages"
    cases = FRAMES | TEXTS | TEXTS | TEXTS | st.sampled_from(LARGE)

    def __init__(self, folder: Path) -> None:
        """Needs no files."""

    def check(self, case: bytes | str) -> None:
        """A number and a picture, options within their bounds, or an error that can be sent."""
        if isinstance(case, bytes):
            self._frame(case)
            return
        try:
            options = LiveOptions().configured(parse_control(case))
        except ProtocolError as error:
            _can_be_sent(error)
        else:
            assert 0 <= options.smoothing <= 1
            assert options.min_score is None or 0 <= options.min_score <= 1
            assert type(options.max_faces) is int and 1 <= options.max_faces <= config.live_max_faces
        try:
            is_watch, (kind, pk) = jobs_socket._parse(case)
        except HamsterError as error:
            _can_be_sent(error)
        else:
            assert isinstance(is_watch, bool)
            assert kind in jobs_socket.WATCHABLE and type(pk) is int and 0 < pk < 2**63

    def _frame(self, case: bytes) -> None:
        try:
            number, picture = parse_frame(case)
        except ProtocolError as error:
            _can_be_sent(error)
            assert len(case) < 4 or len(case) > config.live_max_bytes + 4
        else:
            assert 0 <= number < 2**32
            assert struct.pack("<I", number) + picture == case


def _can_be_sent(error: HamsterError) -> None:
    text = json.dumps(protocol.error(error.code, str(error.message)))
    assert len(text) < 500 and text.isascii()
