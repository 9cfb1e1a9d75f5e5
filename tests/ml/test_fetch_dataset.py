import base64
import json
import zipfile
import zlib

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


def test_an_image_that_does_not_decode_is_reported_and_not_counted(tmp_path, capsys):
    drawn = make_dataset(tmp_path / "made", train=9, valid=9, size=64)
    image = sorted((drawn / "valid/images").iterdir())[0]
    image.write_bytes(image.read_bytes()[:-500])
    assert fetch_dataset.main(["--from", str(drawn)]) == 0
    report = capsys.readouterr().out
    assert "valid: 8 images, 8 faces, 1 problems" in report
    assert f"{image}: The JPEG image is damaged" in report


def test_a_zip_is_not_unpacked_over_what_is_there(tmp_path, capsys):
    drawn = make_dataset(tmp_path / "made", train=9, valid=9, size=64)
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("train/images/a.jpg", "x")
    assert fetch_dataset.main(["--from", str(archive), "--out", str(drawn)]) == 2
    assert f"{drawn} is not empty" in capsys.readouterr().err
    assert not (drawn / "train/images/a.jpg").exists()


ENCRYPTED_ZIP = (
    "UEsDBAoACQAAAK1afF2DFtyMDQAAAAEAAAASAAAAdHJhaW4vaW1hZ2VzL2EuanBnV1hlCYltI9PKSLcIJlBLBwiDFtyMDQAAAAEA"
    "AABQSwECHgMKAAkAAACtWnxdgxbcjA0AAAABAAAAEgAAAAAAAAABAAAApIEAAAAAdHJhaW4vaW1hZ2VzL2EuanBnUEsFBgAAAAAB"
    "AAEAQAAAAE0AAAAAAA=="
)
"""Of train/images/a.jpg, by `zip -P secret`."""


def test_a_zip_that_can_t_be_unpacked_is_one_clear_line(tmp_path, capsys):
    archive, out = tmp_path / "archive.zip", tmp_path / "out"
    archive.write_bytes(base64.b64decode(ENCRYPTED_ZIP))
    assert fetch_dataset.main(["--from", str(archive), "--out", str(out)]) == 2
    assert capsys.readouterr().err == (
        f"error: {archive} is encrypted: unpack it, and name its folder with --from\n"
    )
    assert not out.exists()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("a", "x" * 100)
    deflated = zlib.compress(b"x" * 100)[2:-4]
    archive.write_bytes(archive.read_bytes().replace(deflated, b"\xff" * len(deflated)))
    assert fetch_dataset.main(["--from", str(archive), "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {archive} can't be unpacked: ")


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
