"""Pages of training runs, for staff: the list, the form, and a run that can be watched."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple, Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.generic import DetailView, FormView, ListView

from detector.api.training_serializers import TrainingRunDetailSerializer
from detector.errors import HamsterError
from detector.models import TrainingRun
from detector.selectors.training import queue_place, training_runs
from detector.services.training import how_to_install_training, queue_training_run, request_cancel, resume
from detector.training_forms import TrainingRunForm
from webui.staff import StaffOnly

PLACE = {"place": "training"}
ERROR_FIELDS = {"bad_data_dirs": "datasets", "no_checkpoint": "start_from"}


class TrainingListPage(StaffOnly, ListView):
    """All runs, newest first; those that go on move by themselves."""

    extra_context = PLACE
    template_name = "webui/training/list.html"
    context_object_name = "runs"
    paginate_by = 20

    def get_queryset(self) -> QuerySet[TrainingRun]:
        status = self.request.GET.get("status")
        runs = training_runs()
        return runs.filter(status=status) if status in TrainingRun.Status.values else runs

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        for run in context["runs"]:
            run.place = queue_place(run)
        status = self.request.GET.get("status", "")
        chosen = status if status in TrainingRun.Status.values else ""
        return context | {
            "statuses": TrainingRun.Status.choices,
            "chosen": chosen,
            "kept": chosen and f"status={chosen}",
        }


class NewTrainingPage(StaffOnly, FormView):
    """What to learn from and how."""

    extra_context = PLACE
    template_name = "webui/training/new.html"
    form_class = TrainingRunForm

    def get_initial(self) -> dict[str, Any]:
        """The data set that the address names, as the page of a data set links here."""
        return super().get_initial() | {"datasets": self.request.GET.getlist("dataset")}

    def get_form(self, form_class: type[Form] | None = None) -> Form:
        form = super().get_form(form_class)
        form.fields["datasets"].required = True
        form.fields["datasets"].error_messages["required"] = _("Choose at least one data set.")
        for field in form.fields.values():
            if not isinstance(field.widget, CheckboxSelectMultiple):
                field.widget.attrs.setdefault("class", "text")
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"missing": how_to_install_training()}

    def form_valid(self, form: TrainingRunForm) -> HttpResponse:
        """Queue the run and go to its page."""
        try:
            run = queue_training_run(
                run=form.save(commit=False),
                owner=self.request.user,
                datasets=form.cleaned_data["datasets"],
            )
        except HamsterError as error:
            form.add_error(ERROR_FIELDS.get(error.code), error.message)
            return self.form_invalid(form)
        return redirect("webui:training-run", pk=run.pk)


class TrainingRunPage(StaffOnly, DetailView):
    """One run: how far it is, its curves, its log."""

    extra_context = PLACE
    template_name = "webui/training/run.html"
    context_object_name = "run"

    def get_queryset(self) -> QuerySet[TrainingRun]:
        return training_runs()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job = TrainingRunDetailSerializer(self.object).data
        return super().get_context_data(**kwargs) | {"job": job}


class ActOnRun(StaffOnly, View):
    """A button of a run's page; says what came of it there."""

    done = ""

    def act(self, run: TrainingRun) -> None:
        """What the button does. Raises HamsterError."""
        raise NotImplementedError

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Act and go back to the run's page."""
        run = get_object_or_404(TrainingRun, pk=pk)
        try:
            self.act(run)
        except HamsterError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, self.done)
        return redirect(reverse("webui:training-run", args=[pk]))


class CancelTraining(ActOnRun):
    """Ends a run, keeping what it has learned."""

    done = _("The run is being cancelled. The best it has learned is kept.")

    def act(self, run: TrainingRun) -> None:
        request_cancel(run=run)


class ResumeTraining(ActOnRun):
    """Queues a stopped run again."""

    done = _("The run waits for the training worker again.")

    def act(self, run: TrainingRun) -> None:
        resume(run=run)
