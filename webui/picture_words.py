"""Why the pictures page did not look at a picture, where the server writes it."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a picture was not looked at, and what to do."""

    title: str | Promise
    advice: str | Promise


TROUBLES = {
    "invalid": Trouble(_("No picture came"), _("Choose one, then press the button.")),
    "parse_error": Trouble(_("No picture came"), _("Choose one, then press the button.")),
    "bad_image": Trouble(
        _("That is not a picture"),
        _("The file is damaged or of another kind. JPEG, PNG, WebP, GIF, BMP and TIFF are understood."),
    ),
    "image_too_large": Trouble(_("That picture is too big"), _("Make it smaller, then try again.")),
    "server_busy": Trouble(
        _("Too many pictures at once"), _("The server has its paws full. Wait a moment, then try again.")
    ),
}


def trouble_of(error: dict[str, Any]) -> Trouble:
    """An error of the API, `{"code", "message", "details"}`, in words."""
    if error["code"] == "throttled":
        advice = gettext("You can send the next one in {seconds} s.")
        seconds = error["details"]["retry_after"]
        return Trouble(_("Too many pictures in a short time"), advice.format(seconds=seconds))
    return TROUBLES.get(error["code"]) or Trouble(_("That did not work"), error["message"])
