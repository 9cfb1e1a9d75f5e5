"""Pictures of a batch, for its owner alone: small, large, or as they were handed in.

What is shown is drawn anew as a JPEG, so nothing that a file may hide reaches a page; the file itself is only
handed out as a download.
"""

from functools import partial

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.generic import View

from detector.models import BatchItem
from detector.picture_answers import SHOWN_ONLY, jpeg_answer
from detector.selectors.batches import batches_of
from detector.thumbnails import LARGE, SMALL, thumbnail
from ml.images import ImageError


class ItemPicture(LoginRequiredMixin, View):
    """Finds the item's file."""

    def own_item(self, pk: int, number: int) -> BatchItem:
        """The item of the address. Raises Http404 when it is not there, somebody else's, or has no file."""
        batch = get_object_or_404(batches_of(owner=self.request.user), pk=pk)
        return get_object_or_404(batch.items.exclude(file=""), number=number)


class ShownPicture(ItemPicture):
    """Upright, as a JPEG of at most `side` pixels."""

    side = LARGE

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        item = self.own_item(pk, number)
        identity = f"batch item {item.pk} {self.side}".encode()
        return jpeg_answer(request, partial(self._draw, item), identity=identity)

    def _draw(self, item: BatchItem) -> bytes:
        try:
            with default_storage.open(item.file.name) as file:
                return thumbnail(file.read(), side=self.side)
        except (OSError, ImageError) as error:
            raise Http404("This picture can't be shown.") from error


class SmallPicture(ShownPicture):
    """For the gallery."""

    side = SMALL


class OriginalPicture(ItemPicture):
    """The very file, to keep."""

    def get(self, request: HttpRequest, pk: int, number: int) -> FileResponse:
        item = self.own_item(pk, number)
        try:
            file = default_storage.open(item.file.name)
        except OSError as error:
            raise Http404("This picture is not here any more.") from error
        name = item.name.replace("\\", "/").rpartition("/")[2]
        kind = "application/octet-stream"
        return FileResponse(file, as_attachment=True, filename=name, content_type=kind, headers=SHOWN_ONLY)
