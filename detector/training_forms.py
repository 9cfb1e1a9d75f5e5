"""The form of a new training run, in the admin and on the site's own page."""

from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from detector.models import Dataset, DetectorVersion, TrainingRun
from detector.selectors.checkpoints import checkpoint_of, versions_to_start_from


def default_name() -> str:
    """A name for a run of today."""
    return f"trained-{timezone.localtime():%Y%m%d-%H%M}"


class KnownDatasets(forms.ModelMultipleChoiceField):
    """Data sets by their ids, of which some may be larger than any database's."""

    default_error_messages: ClassVar = {"invalid_choice": _("There is no such data set.")}

    def _check_values(self, value: Any) -> Any:
        try:
            return super()._check_values(value)
        except OverflowError as error:
            raise forms.ValidationError(
                self.error_messages["invalid_choice"], code="invalid_choice"
            ) from error


class TrainingRunForm(forms.ModelForm):
    """What to learn from and how; the defaults are the recipe of the shipped detector."""

    datasets = KnownDatasets(
        Dataset.objects.all(),
        required=False,
        label=_("Data sets"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Their train pictures are learned from, their valid pictures measure what was learned."),
    )

    class Meta:
        model = TrainingRun
        fields = (
            *("name", "datasets", "start_from", "epochs", "image_size", "batch_size"),
            *("learning_rate", "seed", "augment", "patience", "device"),
        )
        labels = {
            "name": _("name"),
            "epochs": _("epochs"),
            "image_size": _("image size"),
            "batch_size": _("batch size"),
            "learning_rate": _("learning rate"),
            "seed": _("seed"),
            "device": _("device"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "start_from" not in self.fields:  # the admin's page of a run that exists
            return
        self.fields["name"].initial = default_name
        start_from = self.fields["start_from"]
        start_from.empty_label = _("From scratch")
        known = [version.pk for version in versions_to_start_from()]
        start_from.queryset = DetectorVersion.objects.filter(pk__in=known)

    def clean_start_from(self) -> DetectorVersion | None:
        """A version whose checkpoint is still there."""
        version = self.cleaned_data["start_from"]
        if version is not None and checkpoint_of(version) is None:
            raise forms.ValidationError(
                _("This version has no checkpoint on this server."), code="no_checkpoint"
            )
        return version
