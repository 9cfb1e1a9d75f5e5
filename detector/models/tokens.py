"""Rows: tokens with which programs use the API in the name of an account."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class ApiToken(models.Model):
    """What a program shows instead of a password. Only a hash of it is kept."""

    class State(models.TextChoices):
        ACTIVE = "active"
        EXPIRED = "expired"
        REVOKED = "revoked"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, help_text="What it is for, in its owner's words.")
    prefix = models.CharField(max_length=20, help_text="How the token begins, to know it by.")
    # 256 random bits can't be guessed, so a fast hash does, and it can be looked up by it.
    digest = models.CharField("SHA-256", max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> State:
        """Whether it opens anything now; a revoked one stays that."""
        if self.revoked_at is not None:
            return self.State.REVOKED
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.State.EXPIRED if is_over else self.State.ACTIVE
