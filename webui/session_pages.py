"""The pages of kept live sessions: all of them with their ribbons, one of them with its card."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import ListView, TemplateView, View

from detector.conf import config
from detector.models import LiveSession
from detector.names import MAX_NAME
from detector.selectors.live_sessions import listed_live_sessions_of, live_sessions_of
from detector.services.live_sessions import delete_session, rename_session
from detector.session_record import RIBBON_CELLS, BadSession, read_name
from ml.config import EMOTIONS
from webui.words import listed, percent, scored, title, word


class SessionPages(LoginRequiredMixin):
    """What the pages have in common: they see the sessions of who is signed in, and no others."""

    extra_context = {"place": "sessions"}

    def own_session(self) -> LiveSession:
        """The session of the address. Raises Http404 when it is not there or somebody else's."""
        return get_object_or_404(live_sessions_of(owner=self.request.user), pk=self.kwargs["pk"])


class SessionListPage(SessionPages, ListView):
    """The sessions that one has kept."""

    template_name = "webui/sessions/list.html"
    paginate_by = 20

    def get_queryset(self) -> QuerySet[LiveSession]:
        return listed_live_sessions_of(owner=self.request.user)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context = super().get_context_data(max_kept=config.live_session_max_kept, **context)
        context["cards"] = [Card(session) for session in context["page_obj"]]
        return context


class SessionPage(SessionPages, TemplateView):
    """One session: its card, its ribbon, its chart."""

    template_name = "webui/sessions/session.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        session = self.own_session()
        drawn = {
            "name": session.name,
            "started_at": session.started_at.isoformat(),
            "duration_ms": session.duration_ms,
            "frames": {"sent": session.frames_sent, "answered": session.frames_answered},
            "moments": session.moments,
            "samples": session.samples,
        }
        return super().get_context_data(
            session=session, card=Card(session), drawn=drawn, max_name=MAX_NAME, **context
        )


class SessionRenamePage(SessionPages, View):
    """Calls it something else."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponseRedirect:
        session = self.own_session()
        try:
            rename_session(session=session, name=read_name(request.POST.get("name", "")))
            messages.success(request, _("The name is saved."))
        except BadSession as error:
            messages.error(request, error.message)
        return redirect("webui:session", pk=pk)


class SessionDeletePage(SessionPages, TemplateView):
    """Asks before a session goes."""

    template_name = "webui/sessions/delete.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(card=Card(self.own_session()), **context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        delete_session(session=self.own_session())
        messages.success(request, _("The session is deleted."))
        return redirect("webui:sessions")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a small ribbon for SVG: where it begins and how long it is, in percent."""

    emotion: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a session showed what."""

    emotion: str
    name: str
    percent: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One of the best moments."""

    emotion: str
    says: str
    picture: str


class Card:
    """A session in words."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session

    @property
    def title(self) -> str:
        return self.session.name or _("A session with Biscuit")

    @property
    def length(self) -> str:
        """12 seconds; 1 minute 5 seconds; 2 hours 3 minutes."""
        return _length(self.session.duration_ms)

    @property
    def shares(self) -> list[Share]:
        """What was seen, the most first."""
        return [Share(name, word(name), percent(share)) for name, share in self._seen()]

    @property
    def says(self) -> str:
        """What was seen, in one line."""
        seen = [scored(word(name), share) for name, share in self._seen()]
        words = listed(*seen) if seen else ""
        return f"{words[:1].upper()}{words[1:]}"

    @property
    def stretches(self) -> list[Stretch]:
        """The ribbon: neighbours that showed the same are one; where no face was there is none."""
        found, at = [], 0
        for sign, cells in groupby(self.session.ribbon):
            length = len(list(cells))
            if sign.isdigit():
                x, width = (f"{part / RIBBON_CELLS:.3%}" for part in (at, length))
                found.append(Stretch(EMOTIONS[int(sign)], x, width))
            at += length
        return found

    @property
    def moments(self) -> list[Moment]:
        """The best ones with still pictures of Biscuit."""
        return [
            Moment(
                moment["label"],
                _("{expression} {percent} at {time}").format(
                    expression=title(moment["label"]),
                    percent=percent(moment["score"]),
                    time=_clock(moment["t"]),
                ),
                f"webui/hamster/stills/{moment['label']}.svg",
            )
            for moment in self.session.moments
        ]

    def _seen(self) -> list[tuple[str, float]]:
        summary = sorted(self.session.summary.items(), key=lambda item: (-item[1], item[0]))
        return [(name, share) for name, share in summary if share]


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _length(milliseconds: int) -> str:
    minutes, seconds = divmod(max(1, milliseconds // 1000), 60)
    hours, minutes = divmod(minutes, 60)
    seconds = 0 if hours else seconds
    parts = (
        (hours, ngettext("{count} hour", "{count} hours", hours)),
        (minutes, ngettext("{count} minute", "{count} minutes", minutes)),
        (seconds, ngettext("{count} second", "{count} seconds", seconds)),
    )
    return " ".join(words.format(count=count) for count, words in parts if count)
