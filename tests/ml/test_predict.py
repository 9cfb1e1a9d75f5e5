import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.config import EMOTIONS
from ml.predict import main


def red_square(path: Path, size: tuple[int, int] = (128, 96)) -> Path:
    """A grey image with one red cell in its lower left: a happy face to the detector used here."""
    image = Image.new("RGB", size, (114, 114, 114))
    image.paste("red", (0, size[1] - 32, 32, size[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_file_becomes_one_line_with_its_boxes(red_cells: Path, tmp_path: Path) -> None:
    image = red_square(tmp_path / "face.png")
    out = tmp_path / "deep" / "out.jsonl"
    assert main([str(image), "--weights", str(red_cells), "--jsonl", str(out)]) == 0
    (line,) = read_lines(out)
    assert line["file"] == str(image)
    (found,) = line["boxes"]
    assert found["label"] == "happy"
    assert [found["x1"], found["y1"], found["x2"], found["y2"]] == pytest.approx(
        [0, 2 / 3, 0.25, 1], abs=1e-5
    )
    assert list(found["scores"]) == list(EMOTIONS)
    assert found["score"] == max(found["scores"].values())


def test_folders_are_searched_through_and_other_files_passed_over(red_cells: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    expected = [red_square(folder / name) for name in ("a.png", "b/c.JPG", "b/d.webp")]
    (folder / "notes.txt").write_text("not an image", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert main([str(folder), "--weights", str(red_cells), "--jsonl", str(out)]) == 0
    assert [line["file"] for line in read_lines(out)] == [str(path) for path in expected]


def test_a_broken_image_gets_an_error_line_and_the_others_succeed(
    red_cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = red_square(tmp_path / "good.png")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff not really")
    assert main([str(broken), str(good), "--weights", str(red_cells)]) == 1
    captured = capsys.readouterr()
    first, second = (json.loads(line) for line in captured.out.splitlines())
    assert first["file"] == str(broken)
    assert first["error"]["code"] == "bad_image"
    assert first["error"]["message"]
    assert len(second["boxes"]) == 1
    assert "1 of 2" in captured.err


def test_min_score_shows_weaker_boxes(
    red_cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = Image.new("RGB", (128, 128), (114, 114, 114))
    image.paste((20, 0, 0), (0, 0, 32, 32))
    image.save(tmp_path / "faint.png")
    arguments = [str(tmp_path / "faint.png"), "--weights", str(red_cells)]
    main(arguments)
    main([*arguments, "--min-score", "0.01"])
    usual, everything = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert len(usual["boxes"]) == 0
    assert len(everything["boxes"]) == 1


def test_drawings_show_the_box_and_never_overwrite_each_other(
    red_cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = red_square(tmp_path / "one" / "face.png")
    second = red_square(tmp_path / "two" / "face.png")
    drawn = tmp_path / "drawn"
    assert main([str(first), str(second), "--weights", str(red_cells), "--draw", str(drawn)]) == 0
    assert sorted(path.name for path in drawn.iterdir()) == ["face-2.jpg", "face.jpg"]
    before = np.asarray(Image.open(first)).astype(int)
    after = np.asarray(Image.open(drawn / "face.jpg")).astype(int)
    assert before.shape == after.shape
    changed = np.abs(before - after).max(axis=2) > 60
    assert changed.any()
    assert not changed[:32].any()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["{tmp}/nowhere"], "does not exist"),
        (["{tmp}/empty"], "no images in"),
        (["{tmp}", "--weights", "{tmp}/none.onnx"], "none.onnx"),
        (["{tmp}", "--jsonl", "{tmp}/a.png"], "one of the files to look at"),
    ],
)
def test_what_can_not_start_is_one_line_and_exit_status_2(
    red_cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    (tmp_path / "empty").mkdir()
    photo = red_square(tmp_path / "a.png").read_bytes()
    assert main(["--weights", str(red_cells), *(text.format(tmp=tmp_path) for text in arguments)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error
    assert (tmp_path / "a.png").read_bytes() == photo


def test_json_is_one_list_of_all_images_and_short_forms_of_options_are_refused(
    red_cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [str(red_square(tmp_path / name)) for name in ("a.png", "b.png")]
    assert main(["--weights", str(red_cells), "--json", *images]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(line["file"], len(line["boxes"])) for line in found] == [(image, 1) for image in images]
    with pytest.raises(SystemExit):
        main(["--weights", str(red_cells), "--js", *images])


def test_the_module_runs_as_a_command_and_a_wrong_score_is_refused() -> None:
    command = [sys.executable, "-m", "ml.predict"]
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "--jsonl" in helped.stdout
    refused = subprocess.run(
        [*command, "x.png", "--min-score", "2"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "between 0 and 1" in refused.stderr


def test_a_drawing_never_takes_the_place_of_a_photograph(tmp_path, red_cells):
    photo = tmp_path / "a.jpg"
    Image.new("RGB", (64, 64), "white").save(photo)
    before = photo.read_bytes()
    arguments = [str(tmp_path), "--draw", str(tmp_path), "--weights", str(red_cells)]
    assert main([*arguments, "--jsonl", str(tmp_path / "out.jsonl")]) == 0
    assert photo.read_bytes() == before
    assert (tmp_path / "a-2.jpg").exists()
