"""python -m ml.fetch_dataset: get the original data set, "9 Facial Expressions You Need", and check it.

It lies on Kaggle (aklimarimi/8-facial-expressions-for-yolo, Apache-2.0 as uploaded; 64,864 train, 1,720 valid
and 1,700 test images). kagglehub downloads it with the account of whoever runs this; a zip or folder that was
downloaded by hand is taken with --from.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

from ml.dataset import SPLITS, DatasetError, find_broken, find_split, load_split

KAGGLE_HANDLE = "aklimarimi/8-facial-expressions-for-yolo"
ENCRYPTED = 1
"""The flag of a file in a zip."""


def download() -> Path:
    """Download with kagglehub, or find its earlier download. Raises DatasetError with what to do."""
    import kagglehub  # takes a second to import; not needed for --from

    try:
        return Path(kagglehub.dataset_download(KAGGLE_HANDLE))
    except Exception as error:  # kagglehub raises its own kinds, requests' and OSError
        raise DatasetError(
            f"Kaggle did not give the data set: {error}\n"
            "Log in with `kagglehub.login()` or set KAGGLE_API_TOKEN (kaggle.com, Settings, API), "
            "or download the zip in a browser and name it with --from."
        ) from error


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip into `folder`, which is new or empty; names that would lead outside it are refused. Raises
    DatasetError and OSError."""
    if folder.exists() and any(folder.iterdir()):
        raise DatasetError(f"{folder} is not empty: remove it, or name another folder with --out")
    try:
        with zipfile.ZipFile(archive) as content:
            for file in content.infolist():
                if not (folder / file.filename).resolve().is_relative_to(folder.resolve()):
                    raise DatasetError(f"{archive} holds a file outside its own folder: {file.filename}")
                if file.flag_bits & ENCRYPTED:
                    raise DatasetError(f"{archive} is encrypted: unpack it, and name its folder with --from")
            content.extractall(folder)
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{archive} is no zip file: {error}") from error
    except (NotImplementedError, EOFError, zlib.error) as error:
        raise DatasetError(f"{archive} can't be unpacked: {error}") from error
    return folder


def find_root(folder: Path) -> Path:
    """The folder with train/images in it: `folder` itself or one below it. Raises DatasetError."""
    for candidate in (folder, *sorted(path for path in folder.rglob("*") if path.is_dir())):
        if find_split(candidate, "train"):
            return candidate
    raise DatasetError(f"{folder} has no folder train/images, at any depth")


def check(root: Path, *, progress: bool) -> dict[str, Any]:
    """Statistics and the first problems of every split that is there; every label file is read and every
    image decoded. Raises DatasetError."""
    report: dict[str, Any] = {"root": str(root)}
    for split in SPLITS:
        if find_split(root, split):
            loaded = load_split(root, split)
            loaded.leave_out(find_broken(loaded.samples, progress=progress))
            report[split] = loaded.statistics() | {"first_problems": [str(p) for p in loaded.problems[:10]]}
    return report


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.fetch_dataset", allow_abbrev=False, description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--from", dest="source", type=Path, help="zip or folder that is already here")
    parser.add_argument("--out", type=Path, default=Path("data/kaggle"), help="where a zip is unpacked")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        source = options.source or download()
        if not source.exists():
            raise DatasetError(f"{source} does not exist")
        root = find_root(unpack(source, options.out) if source.is_file() else source)
        report = check(root, progress=not options.json)
    except (DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(report))
        return 0
    for split in SPLITS:
        if split in report:
            figures = report[split]
            counts = (
                f"{figures['images']:,} images, {figures['faces']:,} faces, {figures['problems']} problems"
            )
            print(f"{split}: {counts}")
            print("   " + ", ".join(f"{name} {count:,}" for name, count in figures["per_class"].items()))
            for problem in figures["first_problems"]:
                print(f"   {problem}")
    print(f"\nTrain on it with:  python -m ml.train --data-dir {root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
