import json
import zipfile

from ml import fetch_dataset
from tests.ml.drawn_faces import make_dataset


def test_a_zip_with_the_original_layout_is_unpacked_checked_and_ready_to_train(tmp_path, capsys):
    """Kaggle's zip has one folder around train, valid and test, and capitals in its class names."""
    drawn = make_dataset(tmp_path / "made", train=9, valid=9, size=64)
    names = ["Angry", "Contempt", "Disgust", "Fear", "Happy", "Natural", "Sad", "Sleepy", "Surprised"]
    (drawn / "data.yaml").write_text(f"train: ../train/images\nval: ../valid/images\nnc: 9\nnames: {names}\n")
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as content:
        for path in drawn.rglob("*"):
            content.write(path, f"9 Facial Expressions/{path.relative_to(drawn)}")
    out = tmp_path / "out"
    assert fetch_dataset.main(["--from", str(archive), "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["root"] == str(out / "9 Facial Expressions")
    assert report["train"]["images"] == 9
    assert report["train"]["per_class"]["sleepy"] == 1
    assert report["valid"]["problems"] == 0


def test_a_faulty_label_is_reported_with_file_and_line(tmp_path, capsys):
    drawn = make_dataset(tmp_path / "made", train=9, valid=9, size=64)
    label = sorted((drawn / "train/labels").iterdir())[0]
    label.write_text(label.read_text() + "0 0.5 0.5 7 0.5\n")
    assert fetch_dataset.main(["--from", str(drawn)]) == 0
    assert f"{label}:2: a box outside the image" in capsys.readouterr().out


def test_a_zip_that_leads_outside_its_folder_is_refused(tmp_path, capsys):
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("../evil.txt", "x")
    assert fetch_dataset.main(["--from", str(archive), "--out", str(tmp_path / "out")]) == 2
    assert "outside its own folder" in capsys.readouterr().err
    assert not (tmp_path / "evil.txt").exists()


def test_what_is_no_data_set_is_one_clear_line(tmp_path, capsys):
    (tmp_path / "text.zip").write_text("no zip")
    for source, message in (
        ("text.zip", "no zip file"),
        ("none", "does not exist"),
        (".", "no folder train/images"),
    ):
        assert fetch_dataset.main(["--from", str(tmp_path / source), "--out", str(tmp_path / "out")]) == 2
        assert message in capsys.readouterr().err
