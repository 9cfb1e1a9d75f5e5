"""By which names the site answers, and what it does by any."""

import pytest

INSIDE = "hamster-web-1:8000"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health", "/health/ready", "/metrics"])
def test_health_and_figures_are_told_whoever_asks_by_whatever_name(client, settings, path):
    settings.METRICS_TOKEN = "secret"
    answer = client.get(path, headers={"host": INSIDE, "authorization": "Bearer secret"})
    assert answer.status_code in (200, 503)
    assert answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/accounts/password/reset/", "/healthy", "/metrics/", "/api/predict"])
def test_all_else_is_told_by_the_sites_own_names_only(client, path):
    assert client.get(path, headers={"host": INSIDE}).status_code == 400
    assert client.get(path).status_code != 400
