import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.dataset import DatasetError, data_hash, load_split, parse_labels, read_class_names, read_votes
from ml.training_data import read_data

IDENTITY = {index: index for index in range(9)}


def write(root: Path, name: str, labels: str | None, *, split: str = "train") -> None:
    for folder in ("images", "labels"):
        (root / split / folder).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), "white").save(root / split / "images" / f"{name}.png")
    if labels is not None:
        (root / split / "labels" / f"{name}.txt").write_text(labels)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("4 0.5 0.5 0.2", "4 values"),
        ("4 0.5 0.5 0.2 nan", "not finite"),
        ("4 0.5 0.5 0.2 inf", "not finite"),
        ("9 0.5 0.5 0.2 0.2", "unknown class 9"),
        ("1.5 0.5 0.5 0.2 0.2", "unknown class 1.5"),
        ("4 0.5 0.5 0 0.2", "without area"),
        ("4 0.5 0.5 -0.2 0.2", "without area"),
        ("4 0.95 0.5 0.4 0.2", "outside"),
        ("happy 0.5 0.5 0.2 0.2", "could not convert"),
        ("٤ 0.5 0.5 0.2 0.2", "could not convert"),
        ("0_4 0.5 0.5 0.2 0.2", "could not convert"),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_left_out(line, reason):
    boxes, labels, problems = parse_labels(f"5 0.5 0.5 0.5 0.5\n{line}\n", IDENTITY)
    assert labels == [5]
    assert boxes == [[0.25, 0.25, 0.75, 0.75]]
    assert [number for number, _ in problems] == [2]
    assert reason in problems[0][1]


def test_one_long_word_is_not_repeated_whole():
    for line in ("a" * 10**6, "9" * 10**5 + " 0.5 0.5 0.2 0.2", "x" * 10**6 + " 0.5 0.5 0.2 0.2"):
        (problem,) = parse_labels(line, IDENTITY)[2]
        assert len(problem[1]) < 100


def test_a_box_that_sticks_out_a_little_is_cut_at_the_border():
    boxes, _, problems = parse_labels("0 0.5 0.5 1.02 1.0", IDENTITY)
    assert not problems
    assert boxes == [[0.0, 0.0, 1.0, 1.0]]


def test_unknown_expressions_faceless_images_and_missing_labels_are_read(tmp_path):
    write(tmp_path, "a", "-1 0.5 0.5 0.2 0.2\n4 0.2 0.2 0.1 0.1\n")
    write(tmp_path, "b", "")
    write(tmp_path, "c", None)
    split = load_split(tmp_path, "train")
    assert [sample.labels.tolist() for sample in split.samples] == [[-1, 4], [], []]
    statistics = split.statistics()
    assert statistics["without_face"] == 2
    assert statistics["per_class"]["unknown"] == 1


def test_class_names_in_another_order_are_mapped_by_name(tmp_path):
    write(tmp_path, "a", "0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "data.yaml").write_text("nc: 2\nnames: [Happy, Angry]\n")
    assert load_split(tmp_path, "train").samples[0].labels.tolist() == [4]


def test_a_class_that_the_detector_does_not_have_is_refused_by_name(tmp_path):
    write(tmp_path, "a", "0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "data.yaml").write_text("names: {0: bored}\n")
    with pytest.raises(DatasetError, match="bored"):
        load_split(tmp_path, "train")


def test_a_faulty_file_is_left_out_or_refused_as_strict_says(tmp_path):
    write(tmp_path, "a", "4 0.5 0.5 0.2 0.2\n")
    write(tmp_path, "b", "4 0.5 0.5 0.2 0.2\n77 0.5 0.5 0.2 0.2\n")
    split = load_split(tmp_path, "train")
    assert [sample.path.name for sample in split.samples] == ["a.png"]
    assert str(split.problems[0]).endswith("b.txt:2: unknown class 77")
    with pytest.raises(DatasetError, match=r"b\.txt:2"):
        load_split(tmp_path, "train", strict=True)


def test_the_valid_folder_may_be_called_val(tmp_path):
    write(tmp_path, "a", "4 0.5 0.5 0.2 0.2\n", split="val")
    assert len(load_split(tmp_path, "valid").samples) == 1


def test_a_missing_split_names_its_folder(tmp_path):
    with pytest.raises(DatasetError, match="train/images"):
        load_split(tmp_path, "train")


def test_votes_become_a_distribution_over_the_nine_expressions(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("file,split,happy,natural,not_a_face\na.png,train,6,2,2\nb.png,train,0,0,10\n")
    votes = read_votes(path)
    assert list(votes) == ["a.png"]
    assert votes["a.png"][4] == pytest.approx(0.75)
    write(tmp_path, "a", "4 0.5 0.5 0.2 0.2\n")
    sample = load_split(tmp_path, "train", votes=votes).samples[0]
    assert np.allclose(sample.votes, votes["a.png"])


def test_votes_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("\ufefffile,happy\na.png,1\n", encoding="utf-8")
    assert list(read_votes(path)) == ["a.png"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ":1: no column `file`"),
        ("name,happy\na.png,1\n", ":1: no column `file`"),
        ("file,split,joy\na.png,train,1\n", ":1: no column is named after an expression"),
        ("file,happy\n\na.png,inf\n", ":3: inf is no number of votes"),
        ("file,happy\na.png,1e39\n", ":2: 1e39 is no number of votes"),
        ("file,happy\na.png,nan\n", ":2: nan is no number of votes"),
        ("file,happy,sad\na.png,3,-1\n", ":2: -1 is no number of votes"),
        ("file,happy\na.png,many\n", ":2: could not convert"),
        ("file,happy\n,1\n", ":2: no file name"),
        ("file,happy\na.png,1\nb.png,1\na.png,2\n", ":4: a.png is there already, in line 2"),
    ],
)
def test_faulty_votes_are_refused_with_file_and_line(tmp_path, text, reason):
    path = tmp_path / "votes.csv"
    path.write_text(text)
    with pytest.raises(DatasetError) as refused:
        read_votes(path)
    assert str(refused.value).startswith(f"{path}{reason}")
    assert "\n" not in str(refused.value)


def test_votes_for_no_training_image_are_said(tmp_path, caplog):
    write(tmp_path, "a", "4 0.5 0.5 0.2 0.2\n")
    write(tmp_path, "b", "4 0.5 0.5 0.2 0.2\n", split="valid")
    votes = tmp_path / "votes.csv"
    for name, said in (("a.png", 0), ("b.png", 1)):
        votes.write_text(f"file,happy\n{name},1\n")
        read_data([tmp_path], [], votes=votes, strict=False)
        assert caplog.text.count("no votes for any training image") == said


def test_a_file_name_that_is_not_utf_8_is_a_file_name_like_others(tmp_path):
    write(tmp_path, "a", "4 0.5 0.5 0.2 0.2\n")
    images = tmp_path / "train" / "images"
    try:
        (images / "a.png").rename(images / os.fsdecode(b"\xff\xfe.png"))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    split = load_split(tmp_path, "train")
    assert len(data_hash(split.samples)) == 64
    split.leave_out({split.samples[0].path: "damaged"})
    assert str(split.problems[0]).endswith(r"\udcff\udcfe.png: damaged")


def test_the_data_hash_of_earlier_versions_is_kept(tmp_path):
    write(tmp_path, "ä", None)
    (tmp_path / "train/images/ä.png").write_bytes(b"12345")
    expected = hashlib.sha256("ä.png 5".encode()).hexdigest()
    assert data_hash(load_split(tmp_path, "train").samples) == expected


def test_the_data_hash_changes_with_a_label(tmp_path):
    write(tmp_path, "a", "4 0.5 0.5 0.2 0.2\n")
    before = data_hash(load_split(tmp_path, "train").samples)
    assert before == data_hash(load_split(tmp_path, "train").samples)
    write(tmp_path, "a", "5 0.5 0.5 0.2 0.2\n")
    assert before != data_hash(load_split(tmp_path, "train").samples)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nnames: *b",  # a few more such lines stand for gigabytes
        "names: [[angry, sad]]",
        "names: [" + "x, " * 40_000 + "x]",
    ],
    ids=["aliases", "nested", "long"],
)
def test_class_names_that_would_take_all_memory_are_refused(tmp_path, text):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(DatasetError):
        read_class_names(tmp_path)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    for folder in ("images", "labels"):
        (tmp_path / "train" / folder).mkdir(parents=True)
    os.mkfifo(tmp_path / "train" / "images" / "a.jpg")
    os.mkfifo(tmp_path / "train" / "labels" / "b.txt")
    (tmp_path / "train" / "images" / "b.jpg").write_bytes(b"")
    assert [sample.path.name for sample in load_split(tmp_path, "train").samples] == ["b.jpg"]
