"""What is taken out of what people hand in, and what is refused."""

import io
import zipfile

import pytest

from detector.services.batch_intake import NAME_LENGTH, Incoming, candidates, tidy_name
from tests.detector.batches import FACE, NO_FACE, incoming, zipped
from tests.detector.pictures import ODD_PICTURES, encoded, scene

LINK = 0o120777 << 16


@pytest.fixture
def taken(tmp_path):
    """(name, refusal's code or None, content) of everything in one file called `name`."""

    def take(name: str, content: bytes) -> list[tuple[str, str | None, bytes]]:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return [
            (
                found.name,
                found.refusal and found.refusal.code,
                b"" if found.content is None else found.content.read(),
            )
            for found in candidates([Incoming(name, path)])
        ]

    return take


def codes(found) -> dict[str, str | None]:
    return {name: code for name, code, _ in found}


def test_pictures_come_in_order_whatever_they_are_called(tmp_path):
    files = incoming(tmp_path, b_jpg=FACE, a_txt=NO_FACE)
    assert [found.name for found in candidates(files)] == ["b.jpg", "a.txt"]
    assert all(found.refusal is None for found in candidates(files))


def test_every_kind_of_picture_that_is_looked_at_is_let_in(taken):
    for odd in ODD_PICTURES:
        if odd.code is None:
            assert codes(taken("x", odd.data)) == {"x": None}, odd.name
    for kind in ("BMP", "TIFF", "GIF", "WEBP"):
        assert codes(taken("x", encoded(scene(), kind))) == {"x": None}, kind


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7 ...", b"\x7fELF" * 9])
def test_junk_is_refused_and_nothing_of_it_is_kept(taken, content):
    assert taken("notes.jpg", content) == [("notes.jpg", "bad_image", b"")]


def test_a_picture_over_the_limit_of_bytes_is_refused(taken, hamster):
    hamster(batch_max_file_bytes=len(FACE) - 1)
    assert codes(taken("a.jpg", FACE[:-1])) == {"a.jpg": None}
    assert codes(taken("a.jpg", FACE)) == {"a.jpg": "image_too_large"}
    assert codes(taken("z.zip", zipped([("a.jpg", FACE)]))) == {"z.zip/a.jpg": "image_too_large"}


def test_an_archives_pictures_are_items_under_its_name(taken):
    found = taken("holiday.zip", zipped([("a.jpg", FACE), ("sub/b.jpg", NO_FACE)]))
    assert found == [("holiday.zip/a.jpg", None, FACE), ("holiday.zip/sub/b.jpg", None, NO_FACE)]


def test_what_systems_add_to_archives_is_passed_over(taken):
    entries = ["__MACOSX/._a.jpg", ".DS_Store", "sub/.hidden.jpg", "sub/", ".git/x.jpg"]
    assert codes(taken("z.zip", zipped([("a.jpg", FACE), *((name, FACE) for name in entries)]))) == {
        "z.zip/a.jpg": None
    }


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/a.jpg", "x/../../a.jpg", "..\\a.jpg", "C:\\a.jpg", "\\a.jpg"]
)
def test_names_that_point_out_of_the_archive_are_refused_and_the_others_taken(taken, name):
    found = taken("z.zip", zipped([(name, FACE), ("good.jpg", FACE)]))
    assert [code for _, code, _ in found] == ["unsafe_path", None]


def test_links_are_refused(taken):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("a.jpg")
        link.external_attr = LINK
        archive.writestr(link, "/etc/passwd")
    assert codes(taken("z.zip", buffer.getvalue())) == {"z.zip/a.jpg": "unsafe_path"}


def test_an_archive_in_an_archive_is_not_opened(taken):
    inner = zipped([("a.jpg", FACE)])
    found = taken("z.zip", zipped([("inner.zip", inner), ("picture.jpg", inner), ("a.jpg", FACE)]))
    assert [code for _, code, _ in found] == ["nested_archive", "nested_archive", None]


def test_a_file_that_unpacks_to_suspiciously_much_is_refused_and_the_others_taken(taken):
    bomb = b"BM" + bytes(5_000_000)
    found = taken("z.zip", zipped([("bomb.bmp", bomb), ("a.jpg", FACE)]))
    assert [code for _, code, _ in found] == ["suspicious_compression", None]


def test_an_archive_that_unpacks_to_too_much_in_all_is_one_refused_item(taken, hamster):
    hamster(batch_max_bytes=3 * len(FACE) - 1, batch_max_file_bytes=len(FACE))
    found = taken("z.zip", zipped([(f"{number}.jpg", FACE) for number in range(3)]))
    assert codes(found) == {"z.zip": "archive_too_large"}


def test_an_archive_of_too_many_files_is_one_refused_item(taken, hamster):
    hamster(batch_max_items=2)
    assert codes(taken("z.zip", zipped([(f"{number}.jpg", FACE) for number in range(3)]))) == {
        "z.zip": "archive_too_large"
    }


def test_a_huge_table_of_contents_is_not_even_read(taken, hamster, monkeypatch):
    hamster(batch_max_items=2)
    archive = zipped([(f"{number:01000}", b"") for number in range(1200)], zipfile.ZIP_STORED)
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda _: pytest.fail("the table was read"))
    assert codes(taken("z.zip", archive)) == {"z.zip": "archive_too_large"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_cannot_be_unpacked_bit_by_bit_are_refused(taken, method):
    assert codes(taken("z.zip", zipped([("a.jpg", FACE)], method))) == {
        "z.zip/a.jpg": "unsupported_compression"
    }


def test_a_file_with_a_password_is_refused(taken):
    archive = bytearray(zipped([("a.jpg", FACE)], zipfile.ZIP_STORED))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(mark) + flags] |= 1
    assert codes(taken("z.zip", bytes(archive))) == {"z.zip/a.jpg": "encrypted"}


def test_a_damaged_entry_is_refused_and_the_others_taken(taken):
    archive = bytearray(zipped([("a.jpg", FACE), ("b.jpg", NO_FACE)], zipfile.ZIP_STORED))
    archive[archive.index(FACE) + 500] ^= 255
    found = taken("z.zip", bytes(archive))
    assert [code for _, code, _ in found] == ["bad_entry", None]


def test_an_entry_that_is_shorter_than_the_table_of_contents_says_is_refused(taken):
    archive = bytearray(zipped([("a.jpg", FACE)]))
    at = archive.index(b"PK\x01\x02") + 24  # the size of the file, in the table
    archive[at : at + 4] = (len(FACE) + 1).to_bytes(4, "little")
    assert [code for _, code, _ in taken("z.zip", bytes(archive))] == ["bad_entry"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04 and then nothing", "bad_archive"),
        (b"no zip at all", "bad_archive"),
        (zipped([("a.jpg", FACE)])[:-30], "bad_archive"),
        (zipped([]), "empty_archive"),
        (zipped([(".DS_Store", b"x")]), "empty_archive"),
        (zipped([("", FACE)]), "empty_archive"),
    ],
)
def test_an_archive_without_usable_contents_is_one_refused_item(taken, content, code):
    assert codes(taken("z.zip", content)) == {"z.zip": code}


def test_names_become_one_line_and_keep_their_end():
    assert tidy_name("a\nb\x1b[0m.jpg") == "a?b?[0m.jpg"
    assert tidy_name("x" * 400 + ".jpg").endswith("x.jpg")
    assert len(tidy_name("x" * 400 + ".jpg")) == NAME_LENGTH
