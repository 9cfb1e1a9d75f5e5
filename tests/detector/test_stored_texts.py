"""Texts that workers store in English are understood again, and said in the reader's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import override

import ml
from detector.services import batch_work, dataset_checks, evaluations, speed, training, training_process
from detector.services.batch_intake import FAULTS
from detector.stored_texts import KNOWN, VALUE, translated
from ml.failures import DISK_FULL, OUT_OF_MEMORY
from webui.languages import TRANSLATED

ROOMS = Path(ml.__file__).parents[1]
SAYING = {  # the classes and functions whose text is stored, and where in a call it stands
    **dict.fromkeys(("BadImage", "ImageTooLarge", "DatasetError", "OutsideFile", "UnusableFile"), 0),
    **dict.fromkeys(("DetectorFileError", "CheckpointError", "DeviceError", "NonFiniteLossError"), 0),
    **dict.fromkeys(("ExportError", "ServerBusy", "NoAnswer", "AddressRefused"), 0),
    **{"Finding": 3, "Refusal": 1, "_Unusable": 1, "_plain": 1},
}
SOURCES = (
    *("ml/images.py", "ml/dataset.py", "ml/inspection.py", "ml/inside.py", "ml/predictor.py"),
    *("ml/checkpoint.py", "ml/engine.py", "ml/precision.py", "ml/training_run.py", "ml/training_data.py"),
    *("ml/image_cache.py", "ml/export.py", "detector/engine/queues.py", "detector/outbound.py"),
    "detector/services/batch_intake.py",
    *("detector/services/evaluations.py", "detector/services/training_process.py"),
    *("detector/services/correction_files.py",),
)
STORED = (
    *(text for _code, text in FAULTS.values()),
    *(batch_work.WORKER_DIED, dataset_checks.WORKER_DIED, dataset_checks.UNFORESEEN),
    *(evaluations.WORKER_DIED, speed.WORKER_DIED, training.GIVEN_UP, training_process.DISK_FULL),
    *(OUT_OF_MEMORY.format(where=""), OUT_OF_MEMORY.format(where=" on the GPU")),
    *(DISK_FULL.format(file="a.pt"), "The stored picture can't be read.", "unknown class 12"),
    *("No detector is loaded. An administrator has to register one.", "a box outside the image"),
)


def said_in(source: str) -> Iterator[str]:
    """What the calls of a module say, with a 7 wherever a value stands."""
    for node in ast.walk(ast.parse((ROOMS / source).read_text(encoding="utf-8"))):
        name = getattr(getattr(node, "func", None), "id", "")
        if name not in SAYING or len(node.args) <= SAYING[name]:
            continue
        argument = node.args[SAYING[name]]
        pieces = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
        if all(isinstance(piece, ast.Constant | ast.FormattedValue) for piece in pieces):
            said = "".join(piece.value if isinstance(piece, ast.Constant) else "7" for piece in pieces)
            if re.search("[a-z]{2}", said):
                yield f"{said}: 7" if name == "_plain" else said


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("source", SOURCES)
def test_whatever_the_code_stores_has_a_translation(source: str, language: str) -> None:
    texts = list(said_in(source))
    assert texts
    with override(language):
        assert [text for text in texts if translated(text) == text] == []


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("text", STORED)
def test_texts_that_are_kept_as_constants_have_a_translation(text: str, language: str) -> None:
    with override(language):
        assert translated(text) != text


@pytest.mark.parametrize("form", [form for form in KNOWN if VALUE.search(form)])
def test_a_text_is_taken_for_what_it_was_made_of(form: str) -> None:
    values = {name: f"<{name}>" for name in VALUE.findall(form)}
    with override("es"):
        said = translated(form.format(**values))
    assert said != form.format(**values)
    assert [value for value in values.values() if value not in said] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "The trained detector cannot be registered: a.onnx is damaged or not an ONNX file.",
            "No se puede registrar el detector entrenado: a.onnx está dañado o no es un archivo ONNX.",
        ),
        ("No answer came: Connection refused.", "No llegó respuesta: conexión rechazada."),
    ],
)
def test_a_reason_inside_of_a_text_is_translated_with_it(text: str, said: str) -> None:
    with override("es"):
        assert translated(text) == said


@pytest.mark.parametrize("text", ["", "What an older release said.", "Killed\n" * 2000])
@pytest.mark.parametrize("language", ["en", *TRANSLATED])
def test_what_is_not_known_is_shown_as_it_stands(text: str, language: str) -> None:
    with override(language):
        assert translated(text) == text


def test_english_stays_as_it_was_stored() -> None:
    with override("en"):
        assert [text for text in STORED if translated(text) != text] == []
