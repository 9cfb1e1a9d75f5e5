"""Accounts as a browser without JavaScript uses them."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import resolve
from django.urls.exceptions import Resolver404
from django.utils import timezone

from detector.services.tokens import make_token

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough one"
GOOD = {"username": "mia", "email": "mia@example.com", "password1": PASSWORD, "password2": PASSWORD}
LINK = re.compile(r"http://testserver(\S+)")


@pytest.fixture(autouse=True)
def _nobody_has_tried_anything() -> None:
    cache.clear()


@pytest.fixture
def mia():
    return get_user_model().objects.create_user("mia", "mia@example.com", PASSWORD)


def page_of(answer) -> str:
    return answer.content.decode()


def sign_up(client: Client, **changes: str):
    return client.post("/accounts/signup/", GOOD | changes)


def sign_in(client: Client, password: str = PASSWORD, name: str = "mia", **headers: str):
    return client.post("/accounts/login/", {"username": name, "password": password}, headers=headers)


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_who_signs_up_is_signed_in_and_goes_on_to_where_they_wanted(client):
    assert sign_up(client, next="/batches/").headers["Location"] == "/batches/"
    assert is_signed_in(client)
    assert mail.outbox == []  # nothing needs to be confirmed where no mails can be sent


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(client, mia, where):
    for answer in (sign_up(Client(), username="ben", next=where), sign_in(client)):
        assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"username": "Mia"}, "That name is taken"),
        ({"username": "m" * 300}, "at most 150 characters"),
        ({"username": "<script>alert(1)</script>"}, "Enter a valid username"),
        ({"username": "mia\u202eaim"}, "Enter a valid username"),
        ({"username": "mi\0a"}, "Null characters"),
        ({"username": ""}, "This field is required"),
        ({"email": "no address"}, "Enter a valid email"),
        ({"email": f"{'m' * 250}@example.com"}, "at most 254 characters"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"username": "hamsterfriend", "password1": "hamsterfriend"}, "too similar"),
        ({"password2": "a different one"}, "same password each time"),
    ],
)
def test_what_cant_be_an_account_is_said_beside_its_field(client, mia, changes, complaint):
    answer = sign_up(client, **{"username": "ben"} | changes)
    assert answer.status_code == 200
    assert complaint in page_of(answer)
    assert "<script>alert" not in page_of(answer)
    assert get_user_model().objects.count() == 1


def test_a_name_in_any_script_keeps_to_itself(client):
    sign_up(client, username="אוגר")
    assert '<bdi class="account-name">אוגר</bdi>' in page_of(client.get("/"))


def test_signing_up_tells_nobody_whose_address_it_is(mia):
    taken, free = (
        sign_up(Client(), username=name, email=address)
        for name, address in (
            ("ben", "mia@example.com"),
            ("eva", "eva@example.com"),
        )
    )
    assert (taken.status_code, taken.headers["Location"]) == (free.status_code, free.headers["Location"])


def test_with_confirmation_nobody_is_let_in_before_and_the_link_of_the_mail_opens(client, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    assert sign_up(client).headers["Location"] == "/accounts/confirm-email/"
    assert not is_signed_in(client)
    link = LINK.search(mail.outbox[0].body)[1]
    assert "Yes, confirm it" in page_of(client.get(link))
    client.post(link)
    sign_in(client)
    assert is_signed_in(client)
    assert "does not work any more" in page_of(Client().get(link))


def test_sign_up_can_be_closed(client, settings):
    settings.ACCOUNT_SIGNUP_ENABLED = False
    assert "Sign-up is closed" in page_of(client.get("/accounts/signup/"))
    assert "Sign-up is closed" in page_of(sign_up(client))
    assert not get_user_model().objects.exists()
    assert "/accounts/signup/" not in page_of(client.get("/")) + page_of(client.get("/accounts/login/"))


def test_one_signs_in_by_address_too(client, mia):
    sign_in(client, name="MIA@example.com")
    assert is_signed_in(client)


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/change/"])
def test_fields_are_described_by_what_the_page_holds(client, mia, path):
    if "change" in path:
        client.force_login(mia)
    page = page_of(client.get(path))
    described = {name for names in re.findall(r'aria-describedby="([^"]*)"', page) for name in names.split()}
    assert described <= set(re.findall(r'\bid="([^"]+)"', page))
    assert ("id_password1_helptext" in described) == ("login" not in path)


def test_the_browser_fills_in_the_name_that_it_knows(client):
    (field,) = re.findall(r'<input[^>]*name="username"[^>]*>', page_of(client.get("/accounts/login/")))
    assert 'autocomplete="username"' in field


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(mia):
    wrong, unknown = sign_in(Client(), "wrong"), sign_in(Client(), "wrong", "bob")
    assert "go together" in page_of(wrong)
    assert page_of(wrong).count("form-error") == page_of(unknown).count("form-error") == 1


def test_an_account_that_is_closed_gets_in_nowhere(client, mia):
    mia.is_active = False
    mia.save()
    assert sign_in(client).headers["Location"] == "/accounts/inactive/"
    assert not is_signed_in(client)


def test_passwords_of_one_account_can_only_be_guessed_a_few_times(mia):
    for _ in range(5):
        assert "go together" in page_of(sign_in(Client(), "wrong"))
    assert "Too many attempts" in page_of(sign_in(Client()))


def wrong_from(address: str) -> list[str]:
    """The pages that five wrong passwords of mia's get, and the right one after them."""
    forwarded = {"X-Forwarded-For": address}
    return [page_of(sign_in(Client(), password, **forwarded)) for password in [*["wrong"] * 5, PASSWORD]]


@pytest.fixture
def proxied(settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}


@pytest.mark.usefixtures("proxied")
def test_wrong_passwords_from_elsewhere_do_not_keep_the_owner_out(client, mia):
    assert "Too many attempts" in wrong_from("9.9.9.9")[-1]
    assert sign_in(client, **{"X-Forwarded-For": "8.8.8.8"}).status_code == 302
    assert is_signed_in(client)


@pytest.mark.usefixtures("proxied")
def test_passwords_of_one_account_can_only_be_guessed_so_often_from_everywhere(client, mia, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed_anywhere": "10/h/key"}
    first, second = wrong_from("9.9.9.1"), wrong_from("9.9.9.2")
    assert all("go together" in page for page in first[:5] + second[:5])
    assert "from several places" in wrong_from("9.9.9.3")[0]
    assert "from several places" in page_of(sign_in(client))


@pytest.mark.usefixtures("proxied")
def test_a_new_password_by_mail_opens_the_address_again(client, mia, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed_anywhere": "5/h/key"}
    for _ in range(5):
        sign_in(Client(), "wrong", "mia@example.com", **{"X-Forwarded-For": "9.9.9.1"})
    assert "from several places" in page_of(sign_in(client, name="mia@example.com"))
    client.post("/accounts/password/reset/", {"email": "mia@example.com"})
    form = client.get(LINK.search(mail.outbox[0].body)[1], follow=True)
    new = {"password1": "a new long one", "password2": "a new long one"}
    client.post(form.request["PATH_INFO"], new)
    assert sign_in(client, "a new long one", "mia@example.com").status_code == 302
    assert is_signed_in(client)


def guess(times: int, **headers: str) -> list[bool]:
    """Whether attempts at ever another account were heard."""
    answers = [sign_in(Client(), "x", f"n{number}", **headers) for number in range(times)]
    return ["go together" in page_of(answer) for answer in answers]


def test_one_address_may_try_so_often_whatever_it_writes_into_a_header(mia):
    assert all(guess(10))
    assert guess(2, **{"X-Forwarded-For": "9.9.9.9"}) == [False, False]


def test_behind_a_proxy_the_address_that_it_saw_counts(mia, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert all(guess(10, **{"X-Forwarded-For": "1.1.1.1, 9.9.9.9"}))
    assert guess(1, **{"X-Forwarded-For": "2.2.2.2, 9.9.9.9"}) == [False]
    assert guess(1, **{"X-Forwarded-For": "9.9.9.9, 8.8.8.8"}) == [True]


def test_without_redis_nobody_signs_in_and_the_page_says_so(client, mia, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}}
    answer = sign_in(client)
    assert (answer.status_code, "Not possible just now" in page_of(answer)) == (503, True)
    assert client.get("/").status_code == 200


def test_the_admin_has_no_door_of_its_own(client, mia):
    answer = client.post("/admin/login/?next=/admin/", {"username": "mia", "password": PASSWORD})
    assert answer.headers["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    assert not is_signed_in(client)
    sign_in(client)
    assert client.get("/admin/login/").status_code == 403  # signed in, and not staff


@pytest.mark.parametrize("path", ["3rdparty/", "login/code/", "social/signup/", "2fa/", "signup/passkey/"])
def test_what_nobody_asked_for_is_not_there(path):
    with pytest.raises(Resolver404):
        resolve(f"/accounts/{path}")


def ask_for_password(client: Client, address: str = "mia@example.com"):
    return client.post("/accounts/password/reset/", {"email": address})


def test_a_forgotten_password_is_replaced_by_mail_once(client, mia):
    ask_for_password(client)
    (message,) = mail.outbox
    link = LINK.search(message.body)[1]
    form = client.get(link).headers["Location"]
    new = {"password1": "an even longer one", "password2": "an even longer one"}
    token, _ = make_token(owner=mia, name="robot")
    assert "too common" in page_of(client.post(form, dict.fromkeys(new, "password")))
    assert client.post(form, new).headers["Location"] == "/accounts/password/reset/key/done/"
    sign_in(client, "an even longer one")
    assert is_signed_in(client)
    token.refresh_from_db()
    assert token.revoked_at is not None  # whoever made it may be who the new password is to keep out
    assert "does not work any more" in page_of(Client().get(link))
    assert "does not work any more" in page_of(Client().get("/accounts/password/reset/key/1-nonsense/"))


def test_asking_for_a_password_tells_nobody_who_has_an_account(mia):
    known, unknown = ask_for_password(Client()), ask_for_password(Client(), "bob@example.com")
    assert known.headers["Location"] == unknown.headers["Location"] == "/accounts/password/reset/done/"
    assert [message.to for message in mail.outbox] == [["mia@example.com"], ["bob@example.com"]]


def test_a_mail_that_cant_be_sent_is_said(client, mia, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    ask_for_password(client)
    assert "could not be sent" in page_of(client.get("/accounts/password/reset/done/"))


def test_a_new_password_signs_out_elsewhere(client, mia):
    other = Client()
    sign_in(client), sign_in(other)
    wrong = {"oldpassword": "wrong", "password1": "an even longer one", "password2": "an even longer one"}
    assert "not your password" in page_of(client.post("/accounts/password/change/", wrong))
    client.post("/accounts/password/change/", wrong | {"oldpassword": PASSWORD})
    assert (is_signed_in(client), is_signed_in(other)) == (True, False)
    assert [message.to for message in mail.outbox] == [["mia@example.com"]]  # and its owner is told


def test_a_new_address_takes_the_password_and_a_mail_to_it(client, mia):
    sign_in(client)
    wish = {"email": "new@example.com", "action_add": "1"}
    asked = client.post("/accounts/email/", wish).headers["Location"]
    assert asked.startswith("/accounts/reauthenticate/")
    assert "not your password" in page_of(client.post(asked, {"password": "wrong"}))
    client.post(asked, {"password": PASSWORD})
    client.post(LINK.search(mail.outbox[0].body)[1])
    mia.refresh_from_db()
    assert (mail.outbox[0].to, mia.email) == (["new@example.com"], "new@example.com")


def test_one_sees_where_one_is_signed_in_and_signs_out_elsewhere(client, mia):
    other = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"})
    sign_in(client), sign_in(other)
    listed = page_of(client.get("/accounts/sessions/"))
    assert "Firefox, Linux" in listed
    client.post("/accounts/sessions/")
    assert (is_signed_in(client), is_signed_in(other)) == (True, False)


def test_where_one_was_signed_in_is_forgotten_at_its_end(client, mia):
    sign_in(client)
    client.get("/account/")
    assert UserSession.objects.count() == 1
    client.post("/accounts/logout/")
    assert UserSession.objects.count() == 0


def test_where_one_was_signed_in_is_forgotten_once_the_session_has_expired(client, mia):
    other = Client()
    sign_in(other)
    other.get("/account/")
    long_ago = timezone.now() - timedelta(days=30)
    Session.objects.update(expire_date=long_ago)
    UserSession.objects.update(last_seen_at=long_ago)
    sign_in(client)
    client.get("/account/")
    assert [seen.session_key for seen in UserSession.objects.all()] == [client.session.session_key]
    assert [kept.session_key for kept in Session.objects.all()] == [client.session.session_key]


def test_one_network_address_makes_only_so_many_accounts_and_is_told_when_the_next(settings):
    settings.ACCOUNT_RATE_LIMITS = {"new_account": "2/h/ip"}
    answers = [sign_up(Client(), username=f"mia{number}", email="") for number in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert get_user_model().objects.count() == 2
    assert 3500 < int(answers[2].headers["Retry-After"]) <= 3600
    assert "Try again in 60 minutes." in page_of(answers[2])


def test_a_mistake_in_the_form_costs_no_account(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"new_account": "1/h/ip"}
    for wrong in ({"password2": "another"}, {"username": "m i a"}, {"email": "nowhere"}):
        assert sign_up(client, **wrong).status_code == 200
    assert sign_up(client).status_code == 302


def test_a_mail_to_somebody_who_has_an_account_counts_like_a_new_one(mia, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_RATE_LIMITS = {"new_account": "1/h/ip"}
    assert [sign_up(Client(), username=f"mia{number}").status_code for number in range(2)] == [302, 429]
    assert len(mail.outbox) == 1


def test_refused_forms_can_not_come_in_a_flood():
    statuses = [sign_up(Client(), password2="another").status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


def test_a_session_that_was_there_before_the_list_comes_into_it(client, mia):
    client.force_login(mia)
    client.get("/account/")
    assert UserSession.objects.get().session_key == client.session.session_key


def test_one_changes_ones_name(client, mia):
    get_user_model().objects.create_user("ben")
    sign_in(client)
    for wrong in ("BEN", "b" * 300, "<b>", ""):
        assert "form-error" in page_of(client.post("/account/", {"username": wrong}))
    for right in ("MIA", "mia.2"):
        assert client.post("/account/", {"username": right}).status_code == 302
        mia.refresh_from_db()
        assert mia.username == right


def test_pages_of_accounts_obey_the_content_policy(client, mia):
    sign_in(client)
    paths = ("account/", "account/tokens/", "account/data/", "account/delete/", "accounts/email/")
    more = ("accounts/password/change/", "accounts/sessions/", "accounts/logout/", "accounts/reauthenticate/")
    strangers = ("accounts/login/", "accounts/signup/", "accounts/password/reset/", "accounts/inactive/")
    for who, path in [*((client, path) for path in paths + more), *((Client(), path) for path in strangers)]:
        html = page_of(who.get(f"/{path}"))
        assert "Skip to the content" in html, path  # the site's own look
        assert "style=" not in html, path
        assert html.count("<script") == html.count('<script type="module" src="/static/'), path


@pytest.fixture
def look() -> Callable[[Client], str]:
    return lambda client: page_of(client.get("/")).split("<main")[0]


def test_the_top_offers_an_account_or_its_menu(client, mia, look):
    assert "/accounts/signup/" in look(client)
    sign_in(client)
    for place in ("/account/", "/account/tokens/", "/account/data/", "/accounts/logout/"):
        assert f'"{place}"' in look(client)
    assert "/accounts/signup/" not in look(client)
