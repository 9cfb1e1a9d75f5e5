"""Archives of data sets: what is unpacked, and every way to do harm with one."""

import stat
import zipfile
from collections.abc import Callable

import pytest

from detector.services import dataset_intake
from detector.services.dataset_files import uploads_root
from detector.services.dataset_intake import (
    ArchiveTooLarge,
    BadArchive,
    DiskFull,
    EmptyArchive,
    NestedArchive,
    NotYolo,
    UnsafeArchive,
    unpack,
)
from tests.detector.datasets import drawn, files_of, zip_file

PICTURE = ("train/images/a.jpg", b"\xff\xd8\xff" + b"picture" * 20)
ROOM = 10**9


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def unpacked(tmp_path) -> Callable[..., dict[str, bytes]]:
    """Unpacks an archive of these entries and returns what is there then."""

    def run(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> dict[str, bytes]:
        folder = uploads_root() / "new"
        unpack(archive=zip_file(tmp_path / "set.zip", list(entries), method), folder=folder, room=ROOM)
        return dict(files_of(folder))

    return run


@pytest.fixture(autouse=True)
def _nothing_outside(tmp_path):
    yield
    assert {path.name for path in tmp_path.iterdir()} <= {"var", "set", "set.zip"}


def link_named(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_a_whole_set_comes_out_as_it_was(unpacked, tmp_path):
    entries = files_of(drawn(tmp_path / "set"))
    assert unpacked(*entries) == dict(entries)


def test_one_folder_around_everything_is_taken_away(unpacked, tmp_path):
    root = drawn(tmp_path / "set")
    assert unpacked(*files_of(root, "My set v2/")) == dict(files_of(root))


def test_backslashes_and_what_systems_add_do_not_matter(unpacked):
    files = unpacked(
        (r"top\train\images\a.jpg", PICTURE[1]),
        ("__MACOSX/top/train/images/._a.jpg", b"x"),
        ("top/.DS_Store", b"x"),
    )
    assert files == dict([PICTURE])


def test_only_what_belongs_to_the_layout_is_kept(unpacked):
    files = unpacked(
        PICTURE,
        *[
            ("README.md", b"x"),
            ("train/notes.txt", b"x"),
            ("train/images/evil.php", b"x"),
            ("setup.py", b"x"),
        ],
        *[("val/labels/a.txt", b""), ("train/images/deeper/b.jpg", b"x"), ("test/labels/c.jpg", b"x")],
    )
    assert set(files) == {"train/images/a.jpg", "val/labels/a.txt"}


def test_files_come_out_without_the_right_to_be_run(unpacked, tmp_path):
    entry = zipfile.ZipInfo(PICTURE[0])
    entry.external_attr = (stat.S_IFREG | 0o4777) << 16
    unpacked((entry, PICTURE[1]))
    assert not (uploads_root() / "new" / PICTURE[0]).stat().st_mode & 0o6111


@pytest.mark.parametrize(
    "name", ["../evil.jpg", "train/images/../../../evil.jpg", "/etc/evil", r"..\evil", r"C:\evil", "a\nb.jpg"]
)
def test_names_that_lead_elsewhere_refuse_the_whole_archive(unpacked, name):
    with pytest.raises(UnsafeArchive):
        unpacked(PICTURE, (name, b"x"))
    assert list(uploads_root().glob("*")) == []


def test_links_and_devices_are_refused(unpacked):
    with pytest.raises(UnsafeArchive, match="link"):
        unpacked(PICTURE, (link_named("train/images/b.jpg"), b"/etc/passwd"))
    with pytest.raises(UnsafeArchive, match="link"):
        unpacked((link_named("train"), b"/tmp"), PICTURE)


@pytest.mark.parametrize(
    "entry", [("more.zip", b"x"), ("train/images/b.jpg", b"PK\x03\x04" + b"x" * 30), ("a.tar.gz", b"")]
)
def test_archives_inside_are_refused(unpacked, entry):
    with pytest.raises(NestedArchive):
        unpacked(PICTURE, entry)
    assert list(uploads_root().glob("*")) == []


def test_a_bomb_is_refused_before_it_is_unpacked(unpacked):
    with pytest.raises(UnsafeArchive, match="suspiciously"):
        unpacked(PICTURE, ("train/labels/a.txt", bytes(3_000_000)))


def test_other_packings_are_refused(unpacked):
    with pytest.raises(UnsafeArchive, match="packed"):
        unpacked(PICTURE, method=zipfile.ZIP_LZMA)


def test_two_files_of_one_name_are_refused(unpacked):
    with pytest.raises(UnsafeArchive, match="twice"):
        unpacked(PICTURE, ("train/images/A.jpg", b"other"))


def test_more_bytes_or_files_than_allowed_are_refused(unpacked, hamster):
    hamster(dataset_max_bytes=1024)
    with pytest.raises(ArchiveTooLarge):
        unpacked(PICTURE, ("train/images/b.jpg", bytes(1024)))
    hamster(dataset_max_files=2)
    with pytest.raises(ArchiveTooLarge):
        unpacked(PICTURE, ("1.txt", b""), ("2.txt", b""))


def test_a_table_of_contents_beyond_all_bounds_is_not_read(unpacked, hamster, monkeypatch):
    hamster(dataset_max_files=2)
    monkeypatch.setattr(dataset_intake, "PIECE", 1)
    with pytest.raises(ArchiveTooLarge):
        unpacked(*[(f"{number:0200}.txt", b"") for number in range(20)])


def test_what_is_no_archive_is_refused(tmp_path):
    for content in (b"", b"not a zip at all" * 100, b"PK\x03\x04" + bytes(200)):
        (tmp_path / "set.zip").write_bytes(content)
        with pytest.raises(BadArchive):
            unpack(archive=tmp_path / "set.zip", folder=uploads_root() / "new", room=ROOM)
    assert list(uploads_root().glob("*")) == []


def test_an_empty_archive_and_one_without_training_pictures_are_told(unpacked):
    with pytest.raises(EmptyArchive):
        unpacked()
    for entries in (
        [("holiday/a.jpg", b"x")],
        [("valid/images/a.jpg", b"x")],
        [("train/images/a.txt", b"x")],
    ):
        with pytest.raises(NotYolo):
            unpacked(*entries)
    with pytest.raises(NotYolo):  # two folders at the top: which of them?
        unpacked(("one/train/images/a.jpg", b"x"), ("two/train/images/a.jpg", b"x"))


def test_a_damaged_archive_leaves_nothing(tmp_path):
    path = zip_file(tmp_path / "set.zip", files_of(drawn(tmp_path / "set")), zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(BadArchive):
        unpack(archive=path, folder=uploads_root() / "new", room=ROOM)
    path.write_bytes(bytes(content[: len(content) // 2]))
    with pytest.raises(BadArchive):
        unpack(archive=path, folder=uploads_root() / "new", room=ROOM)
    assert list(uploads_root().glob("*")) == []


def test_a_full_disk_is_said(unpacked, hamster):
    hamster(dataset_free_bytes=10**18)
    with pytest.raises(DiskFull):
        unpacked(PICTURE)
    assert list(uploads_root().glob("*")) == []


def test_an_entry_without_a_name_is_passed_over(unpacked):
    assert unpacked(("", b"x"), PICTURE) == dict([PICTURE])


def test_an_archive_of_nothing_but_an_entry_without_a_name_is_empty(unpacked):
    with pytest.raises(EmptyArchive):
        unpacked(("", b"x"))


def test_an_entry_that_is_shorter_than_the_table_of_contents_says_is_a_damage(unpacked, tmp_path):
    archive = zip_file(tmp_path / "set.zip", [PICTURE], zipfile.ZIP_DEFLATED)
    data = bytearray(archive.read_bytes())
    at = data.index(b"PK\x01\x02") + 24  # the size of the file, in the table
    data[at : at + 4] = (1000).to_bytes(4, "little")
    archive.write_bytes(data)
    with pytest.raises(BadArchive):
        unpack(archive=archive, folder=uploads_root() / "new", room=ROOM)
    assert not (uploads_root() / "new").exists()
