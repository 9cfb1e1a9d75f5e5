"""Why a correction is not taken."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError
from detector.models import RIGHT_LABELS


class NoConsent(HamsterError):
    """Sent without a word on whether the picture may be kept."""

    code = "no_consent"
    message = _(
        "Without consent nothing is kept. Send the version of the text that was agreed to as `consent`."
    )


class ConsentChanged(HamsterError):
    """The text that was agreed to is not the one in force."""

    code = "consent_changed"
    status = 409
    message = _("What is asked has changed since this page was loaded. Load it again and look at it.")


class BadBox(HamsterError):
    """No box of a face inside the crop."""

    code = "bad_box"
    message = _(
        "The box has to lie inside the picture, as fractions of it, and to take a twentieth of each side."
    )


class BadLabel(HamsterError):
    """No expression."""

    code = "bad_label"

    def __init__(self) -> None:
        super().__init__(gettext("Choose one of {labels}.").format(labels=", ".join(RIGHT_LABELS)))


class NothingToCorrect(HamsterError):
    """The right label is the one that was shown."""

    code = "nothing_to_correct"
    message = _("That is what was shown. Choose what it looks like instead.")


class CorrectionsFull(HamsterError):
    """All crops together take as much room as they may."""

    code = "corrections_full"
    status = 507
    message = _("There is no room for more corrections at the moment. Nothing was kept.")


class CorrectionShareFull(HamsterError):
    """The crops of one account or address that wait take as much room as they may."""

    code = "correction_share_full"
    status = 409

    def __init__(self) -> None:
        limit = config.correction_share_bytes
        message = gettext(
            "Corrections of yours, or from your network address, that nobody has looked at yet take all the "
            "room that one person may have ({limit} bytes). Nothing was kept. Withdraw some, or wait until "
            "they have been looked at."
        )
        super().__init__(message.format(limit=limit), details={"max_bytes": limit})
