import pytest
from django.core.checks import run_checks

from hamster_site.environment import FileAwareEnv
from hamster_site.mail import PrintedMail


def found(settings, **values: object) -> set[str]:
    for name, value in ({"EMAIL_URL": "", "DEBUG": False, "HTTPS": False} | values).items():
        setattr(settings, name, value)
    return {message.id for message in run_checks(tags=["hamster"])}


def test_confirmation_takes_a_mail_server(settings):
    assert "hamster.E021" in found(settings, ACCOUNT_EMAIL_VERIFICATION="mandatory")
    assert "hamster.E021" not in found(
        settings, ACCOUNT_EMAIL_VERIFICATION="mandatory", EMAIL_URL="smtp://mail.example.com"
    )


def test_a_public_site_is_warned_that_mails_go_into_its_log(settings):
    assert "hamster.W020" in found(settings, HTTPS=True)
    assert "hamster.W020" not in found(settings)


@pytest.mark.parametrize("url", ["consolemail://", "dummymail://", "filemail:///tmp/mails"])
def test_mails_that_reach_nobody_are_as_good_as_none(settings, url):
    backend = FileAwareEnv.email_url_config(url)["EMAIL_BACKEND"]
    assert "hamster.W020" in found(settings, HTTPS=True, EMAIL_URL=url, EMAIL_BACKEND=backend)


def test_without_a_mail_server_mails_are_printed_beside_the_log(capsys):
    from django.core.mail import EmailMessage

    PrintedMail().send_messages([EmailMessage("Hello", "hamster", to=["mia@example.com"])])
    assert "Subject: Hello" in capsys.readouterr().err
