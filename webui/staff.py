"""Pages for staff: strangers are asked to sign in, others are told that the page is not for them."""

from django.contrib.auth.mixins import UserPassesTestMixin


class StaffOnly(UserPassesTestMixin):
    """Mixin of a view; the part of the site that it belongs to is its `extra_context`."""

    def test_func(self) -> bool:
        return self.request.user.is_active and self.request.user.is_staff
