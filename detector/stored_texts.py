"""Texts that were put into English before it was known who reads them, said again in the reader's language.

Workers store why something failed, threads of the engine serve everybody, and `ml` knows no languages. A text
is stored as logs, admin and command line show it; whoever shows it to a person passes it through
`translated`, which finds the words that it was made of by its form. One that is not known, such as an older
release's, is shown as it stands.
"""

import re
from functools import cache, lru_cache

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

SOURCE = "en"
VALUE = re.compile(r"\{(\w+)\}")
REASON = "error"  # a value of this name may be such a text itself

OF_PICTURES = (
    _("The image has more than {limit} pixels."),
    _("The image has {width}x{height} pixels; the limit is {limit} pixels in all."),
    _("The image has tiles of more than {limit} pixels."),
    _("The image has no pixels ({width}x{height})."),
    _("The image is empty (0 bytes)."),
    _("The {format} image is damaged or cut short."),
    _("The JPEG image has more than {count} scans."),
    _("Not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF."),
    _("Images with floating-point pixels are not supported."),
    _("The picture has {width}x{height} pixels; {least} are needed."),
    _("The data URL is not base64."),
    _("The image is not valid base64."),
    _("The picture could not be looked at. The failure has been logged."),
)
OF_THE_ENGINE = (
    _("The server is shutting down."),
    _("All places for live cameras are taken. Please try again in a moment."),
)
OF_BATCHES = (
    _("The name of this file points outside of its zip archive."),
    _("This is a link to another file, not a file."),
    _("This file is locked with a password."),
    _("This file is packed in a way that is not supported."),
    _("This file unpacks to suspiciously much."),
    _("This file is damaged inside its zip archive."),
    _("An archive inside an archive is not opened."),
    _("The zip archive is damaged or cut short."),
    _("The zip archive holds no files."),
    _("The zip archive holds more than {limit} files."),
    _("The zip archive unpacks to more than {limit} bytes."),
    _("The file has {size} bytes; at most {limit} are accepted."),
    _("The stored picture can't be read."),
    _("The worker died {count} times while it looked at this picture. Often it has run out of memory."),
)
OF_WEBHOOKS = (
    _("No answer came."),
    _("No answer came within {seconds} seconds."),
    _("No answer came: {error}."),
    _("Answered {status} instead of 2xx."),
    _("{host} has no address: {error}."),
    _("{host} is at {address}, which is not a public address."),
    # What the system says of a name or a connection, and httpcore of the other side.
    _("Name or service not known"),
    _("No address associated with hostname"),
    _("Temporary failure in name resolution"),
    _("Connection refused"),
    _("Connection reset by peer"),
    _("Network is unreachable"),
    _("No route to host"),
    _("Server disconnected without sending a response"),
)
OF_DATASETS = (
    _("The folder {folder} is not there any more."),
    _("The folder {folder} disappeared while it was looked through."),
    _("{folder} has no folder train/images."),
    _("{folder} has no folder {split}/images"),
    _("{folder} has no folder {split}/images any more."),
    _("{folder} has no usable image"),
    _("{count} problems in {folder}:\n{listed}"),
    _("There are no pictures to measure on."),
    _("There is no picture for these labels."),
    _("{file} is no file of at most {limit} bytes"),
    _("{file} can't be read: {error}"),
    _("{file} has no class names, a list or numbered, under `names`"),
    _("names {strange}; the detector knows {known}"),
    _("{file} names {strange}; the detector knows {known}"),
    _("{file} is no CSV file in UTF-8: {error}"),
    _("{file} does not exist"),
    _("{file}:1: no column `file`"),
    _("{file}:1: no column is named after an expression: {known}"),
    _("{file}:{line}: no file name"),
    _("{file}:{line}: {name} is there already, in line {number}"),
    _("Its name is not in UTF-8."),
    _("A link to a file outside of the data set."),
    _("Not a file."),
    _("The file has more than {limit} bytes."),
    _("It can't be read: {error}"),
    _("Not a text file of a few lines."),
    _("Not a text file in UTF-8."),
    _("{count} values instead of 5 (class cx cy w h)"),
    _("could not convert string to float: {value}"),
    _("a value that is not finite"),
    _("unknown class {number}"),
    _("a box without area"),
    _("a box outside the image"),
    _("The worker died {count} times while it checked this data set. Often it has run out of memory."),
    _("Something went wrong here; it is in the worker's log."),
)
OF_VERSIONS = (
    _("Can't read the detector file {file}: {error}."),
    _("The detector file {file} was altered: its SHA-256 is not the registered one."),
    _("{file} is damaged or not an ONNX file."),
    _("{file} is an ONNX file but not a Hamster Expression detector."),
    _("{file} carries no readable model card."),
    _("{file} was trained for other classes: {classes}."),
    _("{file} carries a model card that does not fit its network."),
    _("{file} fails its trial run: {error}"),
    _("It fails its trial run: {error}"),
    _("The data set was changed while the version was looking at it. Evaluate it again."),
    _("The worker died {count} times at the same place. Often it has run out of memory: see its log."),
    _("The worker died {count} times while it measured. Often it has run out of memory."),
    _("It could not be measured: {error}"),
)
OF_TRAINING = (
    _(
        "This training or its worker died, and died again the {count} times it was taken up, always before "
        "another epoch was finished. It is not tried again by itself. Often the machine has run out of "
        "memory: see the worker's log, and close other programs. To go on from the last checkpoint, press "
        "Resume on the page of the run."
    ),
    _(
        "Training needs packages that are not installed here ({packages}). Install them with: pip install -r "
        "requirements.txt"
    ),
    _("The training process cannot be started: {error}"),
    _("The trained detector cannot be registered: {error}"),
    _("Training ended with status {status}. {error}"),
    _("Training ended with status {status}."),
    _("Its detector was not made in time."),
    _("The disk is full. Make room and resume the run."),
    _("The disk is full: {file} could not be written. Make room and resume the run."),
    _("Out of memory. A smaller batch size or image size needs less, and so does closing other programs."),
    _(
        "Out of memory on the GPU. A smaller batch size or image size needs less, and so does closing other "
        "programs."
    ),
    _("{file} is no checkpoint of this project: {error}"),
    _("it holds no weights or no config"),
    _("{file} was trained for other classes: {classes}"),
    _("{file} holds nets for other than {count} classes"),
    _("{file} holds no readable card"),
    _("{file} holds weights that are not finite: {name}"),
    _("the weights in {file} do not fit its config: {error}"),
    _("the config in {file} has a stride or a size of close-ups that can't be"),
    _("{file} comes from a run that did not train its {part} net"),
    _("{file} lacks what a run needs to go on: {error}"),
    _("{file} does not exist: there is nothing to resume"),
    _("{file} belongs to a run with other settings or other data ({names}): it can't go on from it"),
    _("the traced graph lacks {values}"),
    _("ONNX Runtime differs from torch by {difference} (at most {tolerance} is allowed)"),
    _("the loss of batch {number} is not finite: {terms}"),
    _("this machine or this build of PyTorch has no device {device}: {error}"),
    _("no training image has the source {sources}"),
    _("no training image has another source than {sources}"),
    _("none of the data sets has a folder valid/images: nothing to measure the run on"),
    _("none of the training images can be decoded"),
    _("none of the training images shows a face whose expression is known"),
    _("none of the validation images can be decoded: nothing to measure the run on"),
    _("{count} images do not fit into {size} GB; allow more with --cache-gb"),
    _(
        "The pictures of {name} disappeared while the run was learning from them. What it has learned up to "
        "epoch {epoch} is kept: put them back and resume the run."
    ),
)
KNOWN = OF_PICTURES + OF_THE_ENGINE + OF_BATCHES + OF_WEBHOOKS + OF_DATASETS + OF_VERSIONS + OF_TRAINING


def translated(text: str) -> str:
    """A stored text in the language in force; as it stands if it is in none of the known forms."""
    language = get_language() or SOURCE
    return text if not text or language.startswith(SOURCE) else _translated(text, language)


@lru_cache(maxsize=4096)
def _translated(text: str, language: str) -> str:
    """The same, for `language`, the one in force: watched pages ask for the same texts every second."""
    said = gettext(text)
    if said != text:
        return said
    for form, pattern in _patterns():
        if match := pattern.fullmatch(text):
            values = match.groupdict()
            if REASON in values:
                values[REASON] = translated(values[REASON])
            return gettext(form).format(**values)
    return text


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """The forms that hold values, those with the most words of their own first: they fit the fewest texts."""
    forms = [form for form in KNOWN if VALUE.search(form)]
    forms.sort(key=lambda form: len(VALUE.sub("", form)), reverse=True)
    return [(form, _pattern(form)) for form in forms]


def _pattern(form: str) -> re.Pattern[str]:
    pieces = VALUE.split(form)  # words and names of values by turns
    return re.compile(
        "".join(
            f"(?P<{piece}>.+?)" if number % 2 else re.escape(piece) for number, piece in enumerate(pieces)
        ),
        re.DOTALL,
    )
