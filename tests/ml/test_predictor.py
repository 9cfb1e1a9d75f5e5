import hashlib
import io
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from PIL import Image

from ml.config import EMOTIONS
from ml.images import BadImage, ImageTooLarge
from ml.predictor import DetectorFileError, Predictor, fit_to_grid, sha256_of
from tests.ml.red_cell_detector import SHARES, write_red_cell_detector, write_two_look_detector


@pytest.fixture(scope="module")
def predictor(red_cells: Path) -> Predictor:
    return Predictor(red_cells)


def frame(size: tuple[int, int], *squares: tuple[tuple[int, int, int, int], str]) -> Image.Image:
    """A grey image with coloured rectangles."""
    image = Image.new("RGB", size, (114, 114, 114))
    for box, colour in squares:
        image.paste(colour, box)
    return image


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_face_is_found_where_it_is_with_all_nine_scores(predictor: Predictor) -> None:
    (face,) = predictor.predict_image(frame((128, 96), ((32, 64, 64, 96), "red")))
    assert (face.x1, face.y1, face.x2, face.y2) == pytest.approx((0.25, 2 / 3, 0.5, 1.0))
    assert face.label == "happy"
    assert list(face.scores) == list(EMOTIONS)
    assert list(face.scores.values()) == pytest.approx(SHARES, abs=1e-4)
    assert face.score == face.scores["happy"] == max(face.scores.values())


def test_a_second_look_reads_the_expression_from_the_face_itself(tmp_path: Path) -> None:
    predictor = Predictor(write_two_look_detector(tmp_path / "two.onnx"))
    faces = predictor.predict_image(
        frame((256, 192), ((64, 64, 128, 128), "red"), ((192, 0, 256, 64), "#b00000"))
    )
    assert [face.label for face in faces] == ["angry", "angry"]  # the first look alone says happy
    assert faces[0].score > 0.4  # three quarters of the close-up are the red face, the rest is grey around it
    assert faces[0].scores["happy"] == 0
    assert (faces[0].x1, faces[0].y1, faces[0].x2, faces[0].y2) == pytest.approx((0.25, 1 / 3, 0.5, 2 / 3))


def test_a_face_of_unsure_expression_takes_no_other_faces_place(tmp_path: Path) -> None:
    """The surer face is as grey as it is red: its best expression scores too low to be shown."""
    predictor = Predictor(write_two_look_detector(tmp_path / "two.onnx"))
    image = frame((128, 128), ((0, 0, 32, 32), "red"), ((64, 64, 96, 96), (230, 0, 0)))
    image.paste((114, 114, 200), (32, 0, 48, 48))
    image.paste((114, 114, 200), (0, 32, 48, 48))
    scores = [face.score for face in predictor.predict_image(image, min_score=0.05)]
    between = sum(scores) / 2
    assert len(scores) == 2
    assert len(predictor.predict_image(image, min_score=between, max_faces=1)) == 1


def test_what_the_second_look_takes_for_no_face_comes_last(tmp_path: Path) -> None:
    """Its scores sum to how bright the close-up is: the redder square is the surer one for the first look,
    but it is full of holes."""
    predictor = Predictor(write_two_look_detector(tmp_path / "two.onnx"))
    image = frame((128, 128), ((0, 0, 32, 32), "red"), ((64, 64, 96, 96), (230, 0, 0)))
    for x, y in ((0, 0), (0, 28), (28, 0), (28, 28), (14, 0), (14, 28), (0, 14), (28, 14)):
        image.paste((20, 20, 20), (x, y, x + 4, y + 4))
    boxes, scores = predictor.predict_arrays(image, min_score=0.05)
    assert len(boxes) == 2
    assert scores[0].sum() > scores[1].sum()
    assert predictor.predict_arrays(image, min_score=0.05, max_faces=1)[0][0] == pytest.approx(boxes[0])
    assert boxes[0][0] == pytest.approx(0.5)


def test_an_unknown_runtime_is_refused(red_cells: Path) -> None:
    with pytest.raises(ValueError, match="abacus"):
        Predictor(red_cells, runtime="abacus")


def test_crowds_and_odd_shapes_are_looked_at_twice(tmp_path: Path) -> None:
    predictor = Predictor(write_two_look_detector(tmp_path / "two.onnx"))
    corners = [(x, y) for x in (0, 512) for y in (0, 512)]
    crowd = frame((1024, 1024), *(((x, y, x + 256, y + 256), "red") for x, y in corners))
    assert len(predictor.predict_image(crowd)) == 4
    for size in ((1, 1), (5000, 1), (1, 5000)):
        for face in predictor.predict_image(Image.new("RGB", size, "red"), min_score=0.0):
            assert 0 <= face.x1 < face.x2 <= 1


@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_images_of_other_modes_are_looked_at_twice(tmp_path: Path, mode: str) -> None:
    predictor = Predictor(write_two_look_detector(tmp_path / "two.onnx"))
    image = frame((128, 96), ((32, 32, 64, 64), "red")).convert(mode)
    labels = [face.label for face in predictor.predict_image(image, min_score=0.01)]
    assert labels == ([] if mode == "L" else ["angry"])


def test_warming_up_runs_the_second_look_too(tmp_path: Path) -> None:
    """A file whose second net can't run must fail here, before anything is promoted."""
    path = write_two_look_detector(tmp_path / "two.onnx", broken=True)
    with pytest.raises(Exception, match="Reshape"):
        Predictor(path).warm_up()


@pytest.mark.parametrize("factor", [0.75, 2, 3.3, 10])
def test_fractions_do_not_depend_on_the_size_of_the_image(predictor: Predictor, factor: float) -> None:
    image = frame((128, 64), ((64, 32, 96, 64), "red"))
    scaled = image.resize((round(128 * factor), round(64 * factor)), Image.Resampling.NEAREST)
    face = predictor.predict_image(scaled)[0]
    assert (face.x1, face.y1, face.x2, face.y2) == pytest.approx((0.5, 0.5, 0.75, 1.0), abs=0.01)


def test_a_small_image_is_enlarged_by_a_third_at_most() -> None:
    batch, content = fit_to_grid(Image.new("RGB", (48, 36)), 256, 8)
    assert content == (64, 48)
    assert batch.shape == (1, 48, 64, 3)


def test_a_box_that_reaches_into_the_padding_ends_at_the_image(predictor: Predictor) -> None:
    faces = predictor.predict_image(Image.new("RGB", (128, 80), "red"), min_score=0.1)
    lowest = max(faces, key=lambda face: face.y2)
    assert lowest.y2 == 1.0
    assert all(0 <= edge <= 1 for face in faces for edge in (face.x1, face.y1, face.x2, face.y2))
    assert all(face.x1 < face.x2 and face.y1 < face.y2 for face in faces)


@pytest.mark.parametrize("size", [(1, 1), (5000, 1), (1, 5000), (33, 31)])
def test_images_of_odd_shapes_are_predicted(predictor: Predictor, size: tuple[int, int]) -> None:
    for face in predictor.predict_image(Image.new("RGB", size, "red"), min_score=0.0):
        assert 0 <= face.x1 < face.x2 <= 1
        assert 0 <= face.y1 < face.y2 <= 1


def test_the_input_is_a_rectangle_of_whole_cells_padded_with_grey() -> None:
    batch, content = fit_to_grid(Image.new("RGB", (640, 360), "white"), 320, 8)
    assert (batch.shape, content) == ((1, 184, 320, 3), (320, 180))
    assert (batch[0, :180] == 255).all()
    assert (batch[0, 180:] == 114).all()


def test_faces_come_best_first_and_at_most_as_many_as_asked(predictor: Predictor) -> None:
    image = frame(
        (128, 128), ((0, 0, 32, 32), (180, 0, 0)), ((64, 0, 96, 32), "red"), ((0, 96, 32, 128), (200, 0, 0))
    )
    scores = [face.score for face in predictor.predict_image(image)]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert [face.score for face in predictor.predict_image(image, max_faces=1)] == scores[:1]


def test_the_cards_threshold_is_the_default_and_can_be_overridden(predictor: Predictor) -> None:
    faint = frame((128, 128), ((0, 0, 32, 32), (100, 0, 0)))
    assert predictor.predict_image(faint) == []
    assert len(predictor.predict_image(faint, min_score=0.2)) == 1


def test_bytes_are_predicted_with_their_timing(predictor: Predictor) -> None:
    faces, timing = predictor.predict(png(frame((128, 96), ((32, 32, 64, 64), "red"))))
    assert [face.label for face in faces] == ["happy"]
    assert timing.decode_ms > 0
    assert timing.inference_ms > 0


def test_bad_bytes_and_too_many_pixels_are_the_images_errors(predictor: Predictor) -> None:
    with pytest.raises(BadImage):
        predictor.predict(b"no image")
    with pytest.raises(ImageTooLarge):
        predictor.predict(png(Image.new("RGB", (100, 100))), max_pixels=9_999)


def test_the_json_form_is_rounded(predictor: Predictor) -> None:
    values = predictor.predict_image(frame((96, 128), ((32, 32, 64, 64), "red")))[0].as_dict()
    assert set(values) == {"label", "score", "x1", "y1", "x2", "y2", "scores"}
    numbers = [values["score"], values["x1"], values["y2"], *values["scores"].values()]
    assert numbers == [round(number, 4) for number in numbers]


def test_version_and_card_come_from_the_file(predictor: Predictor) -> None:
    assert (predictor.version, predictor.input_size, predictor.min_score) == ("red-1", 128, 0.4)
    assert predictor.emotions == EMOTIONS
    assert predictor.card["name"] == "red cells"


def test_an_altered_file_is_refused_by_its_hash(red_cells: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(red_cells.read_bytes()).hexdigest()
    assert sha256_of(red_cells) == digest
    Predictor(red_cells, sha256=digest)
    altered = write_red_cell_detector(tmp_path / "altered.onnx", version="red-2")
    with pytest.raises(DetectorFileError, match="altered"):
        Predictor(altered, sha256=digest)


def test_a_missing_or_damaged_file_is_a_detector_file_error(red_cells: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.onnx"
    half.write_bytes(red_cells.read_bytes()[:200])
    text = tmp_path / "text.onnx"
    text.write_text("not a detector", encoding="utf-8")
    for path in (tmp_path / "missing.onnx", tmp_path, half, text):
        with pytest.raises(DetectorFileError) as caught:
            Predictor(path)
        assert caught.value.code == "bad_detector"


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"emotions": ["cat", "dog"]}, "other classes: cat, dog"),
        ({"emotions": list(reversed(EMOTIONS))}, "other classes"),
        ({"emotions": None}, "model card"),
        ({"version": None}, "model card"),
        ({"input_size": "wide"}, "model card"),
        ({"input_size": 10**6}, "does not fit"),
        ({"size_multiple": 0}, "does not fit"),
        ({"closeup_size": 80}, "does not fit"),
        ({"closeup_size": "x"}, "model card"),
        ({"thresholds": [1]}, "model card"),
    ],
)
def test_a_detector_of_other_classes_or_without_a_card_is_refused(
    tmp_path: Path, card: dict, reason: str
) -> None:
    with pytest.raises(DetectorFileError, match=reason):
        Predictor(write_red_cell_detector(tmp_path / "other.onnx", **card))


def test_some_other_onnx_network_is_refused(tmp_path: Path) -> None:
    graph = '<ir_version: 10, opset_import: ["" : 18]> other (float[N] x) => (float[N] y) { y = Relu (x) }'
    onnx.save(onnx.parser.parse_model(graph), str(tmp_path / "other.onnx"))
    with pytest.raises(DetectorFileError, match="not a Hamster Expression detector"):
        Predictor(tmp_path / "other.onnx")


def test_predicting_never_imports_torch() -> None:
    code = "import ml.predictor, ml.predict, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
