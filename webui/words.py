"""Words for what the code calls by a key: the nine expressions and the states of things.

The keys are what API and protocol say, in English always; these are what people read on pages. The scripts
have the same expressions in js/emotions.js.
"""

from functools import reduce

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

EXPRESSIONS = {
    "angry": _("angry"),
    "contempt": _("contempt"),
    "disgust": _("disgust"),
    "fear": _("fear"),
    "happy": _("happy"),
    "natural": _("natural"),
    "sad": _("sad"),
    "sleepy": _("sleepy"),
    "surprised": _("surprised"),
    "unknown": _("no face"),
    "not_a_face": _("not a face"),
    "missed": _("missed"),
}
LOOKS = {
    "angry": _("Looks angry"),
    "contempt": _("Looks contemptuous"),
    "disgust": _("Looks disgusted"),
    "fear": _("Looks afraid"),
    "happy": _("Looks happy"),
    "natural": _("Looks natural"),
    "sad": _("Looks sad"),
    "sleepy": _("Looks sleepy"),
    "surprised": _("Looks surprised"),
    "unknown": _("No face found"),
}
STATES = {
    "active": _("active"),
    "candidate": _("candidate"),
    "retired": _("retired"),
    "expired": _("expired"),
    "revoked": _("revoked"),
    "waiting": _("waiting"),
    "accepted": _("accepted"),
    "relabelled": _("relabelled"),
    "rejected": _("rejected"),
    "withdrawn": _("withdrawn"),
    "queued": _("queued"),
    "running": _("running"),
    "succeeded": _("succeeded"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
}
PROBLEMS = {
    "class_names": _("class names"),
    "missing_image": _("labels without a picture"),
    "broken_image": _("broken pictures"),
    "bad_line": _("bad lines"),
    "unknown_class": _("classes that the detector does not have"),
    "box_outside": _("boxes outside of the picture"),
    "bad_file": _("unreadable label files"),
    "outside_file": _("links that lead out of the folder"),
    "no_split": _("missing splits"),
}
VERDICTS = {"better": _("better"), "worse": _("worse")}
ACTS = {
    "register": _("registered"),
    "promote": _("promoted"),
    "roll back": _("rolled back to"),
    "start shadow": _("started as a shadow"),
    "stop shadow": _("stopped as a shadow"),
}
WORDS = EXPRESSIONS | STATES | VERDICTS | ACTS
LABELS = EXPRESSIONS | {"unknown": _("unknown")}  # of faces in data sets


def word(key: str) -> str:
    """The word for a key; a key that has none is read as it stands, without its underscores."""
    return str(WORDS.get(key) or key.replace("_", " "))


def label(key: str) -> str:
    """The word for the label of a face in a data set, whose expression may be unknown."""
    return str(LABELS.get(key) or key)


def title(key: str) -> str:
    """The same where it stands alone: "Happy", "No face"."""
    words = word(key)
    return words[:1].upper() + words[1:]


def percent(share: float) -> str:
    """93 %, for 0.93; 93% where it is written so."""
    # xgettext:no-python-format
    return gettext("{number} %").format(number=round(100 * share))


def scored(name: str, share: float) -> str:
    """Happy 93 %."""
    return gettext("{expression} {percent}").format(expression=name, percent=percent(share))


def listed(*parts: str) -> str:
    """One, two, three."""
    return reduce(lambda first, then: gettext("{first}, {next}").format(first=first, next=then), parts)


def titled(name: str, text: object) -> str:
    """Bad lines: 3."""
    return gettext("{title}: {text}").format(title=name, text=text)


def stopped(words: str) -> str:
    """The same with a full stop."""
    return gettext("{words}.").format(words=words)
