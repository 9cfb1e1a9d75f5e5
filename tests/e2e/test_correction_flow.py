"""That's wrong: from the camera page with consent to the review, a data set, and out of it again."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.camera_page import start_camera, wait_for_face
from tests.e2e.site_process import SiteProcess
from tests.e2e.test_account_pages import sign_up

PASSWORD = "long enough for a test"
KEEPER = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("keeper", password={PASSWORD!r}, is_staff=True)
"""
REMEMBERED = """Object.keys(localStorage).filter((key) => key !== "hamster-settings").sort()"""
CHOOSE = """() => {
  localStorage["hamster-review-keys"] = "off";
  localStorage["hamster-keep-0"] = "{}"; // another account's
}"""
REMEMBER = """one => {
  const kept = JSON.parse(localStorage["hamster-corrections"]);
  localStorage["hamster-corrections"] = JSON.stringify([...kept, one]);
}"""
PICTURES = "from detector.models import Correction; print(Correction.objects.exclude(crop='').count())"
CODE = re.compile(r"^([2-9A-Z]{4}-){5}[2-9A-Z]{4}$")
PHONE = {"width": 390, "height": 844}
FILM_GOES_ON = "document.querySelector('#video').srcObject.getVideoTracks()[0].enabled = {}"
FORGOTTEN = 3000
"""ms without a face, after which the server takes one for another person's."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    """A site of its own, whose queue holds nothing but what is sent here."""
    site = SiteProcess(tmp_path_factory.mktemp("corrections"))
    site.start()
    site.manage("shell", "-c", KEEPER)
    yield site
    site.stop()


@pytest.fixture
def live_page(open_page: Callable[..., Page], browser: Browser) -> Page:
    page = open_page(browser)
    start_camera(page)
    wait_for_face(page)
    return page


def sign_in(page: Page, site: SiteProcess, address: str) -> None:
    page.goto(f"{site.url}{address}")
    page.get_by_label("Name").fill("keeper")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def crops(site: SiteProcess) -> list[Path]:
    return sorted(Path(site.environment["VAR_DIR"]).glob("media/corrections/*.jpg"))


def copies(site: SiteProcess) -> list[Path]:
    return sorted(Path(site.environment["VAR_DIR"]).glob("datasets/*/*/*/*"))


def send_as_stranger(page: Page) -> None:
    start_camera(page)
    wait_for_face(page)
    page.get_by_role("button", name="That’s wrong").click()
    dialog = page.get_by_role("dialog", name="What does it look like?")
    dialog.get_by_role("button", name="sad").click()
    dialog.get_by_role("button", name="I agree, send it").click()
    expect(dialog.get_by_text(CODE)).to_be_visible()
    dialog.get_by_role("button", name="Close").click()


def no_request_of(page: Page) -> list[str]:
    """What the page asks of the API from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    return asked


def expect_remembered(page: Page, *names: str) -> None:
    """Wait until the script of the page has forgotten the others."""
    page.wait_for_function(f"names => String({REMEMBERED}) === String(names)", arg=list(names))


def test_without_consent_nothing_leaves_the_browser(live_page: Page, site: SiteProcess) -> None:
    asked = no_request_of(live_page)
    live_page.get_by_role("button", name="That’s wrong").click()
    dialog = live_page.get_by_role("dialog", name="What does it look like?")
    expect(dialog).to_contain_text("It was shown as happy, ")
    expect(dialog.get_by_role("switch")).not_to_be_checked()
    expect(dialog.get_by_role("button", name="happy")).to_be_disabled()
    dialog.get_by_role("button", name="sad").click()
    expect(dialog.get_by_role("status")).to_contain_text("Thanks. Without your consent nothing was sent.")
    expect(dialog.get_by_role("button", name="I agree, send it")).to_be_visible()
    live_page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(live_page.get_by_role("button", name="That’s wrong")).to_be_focused()
    assert asked == []
    assert crops(site) == []


def test_a_correction_goes_from_the_camera_to_a_data_set_and_out_of_it_when_it_is_withdrawn(
    live_page: Page, site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    live_page.get_by_role("button", name="That’s wrong").click()
    dialog = live_page.get_by_role("dialog", name="What does it look like?")
    cut = dialog.get_by_role("img", name="The face as it was seen").evaluate("c => [c.width, c.height]")
    assert 100 <= max(cut) <= 320
    dialog.get_by_role("switch", name=re.compile("^Send this small picture")).check()
    dialog.get_by_role("button", name="sad").click()
    code = dialog.get_by_text(CODE)
    expect(code).to_be_visible()
    secret = code.inner_text()
    (crop,) = crops(site)

    dialog.get_by_role("button", name="Close").click()
    live_page.get_by_role("button", name="That’s wrong").click()
    expect(dialog.get_by_role("switch")).to_be_checked()  # in this session it need not be said again
    expect(dialog.get_by_role("status")).to_contain_text("what you choose is sent at once")
    live_page.keyboard.press("Escape")

    staff = open_page(browser)
    sign_in(staff, site, "/corrections/review/")
    expect(staff.get_by_role("link", name=re.compile("^Corrections 1 waiting"))).to_be_visible()
    expect(staff.get_by_role("definition").filter(has_text="sad")).to_be_visible()
    expect(staff.get_by_alt_text("The face that was sent")).to_have_js_property("naturalWidth", cut[0])
    expect(staff.get_by_role("button", name="Make a data set")).to_be_disabled()
    staff.keyboard.press("r")
    expect(staff.get_by_role("status")).to_have_text(re.compile("is rejected"))
    staff.keyboard.press("u")
    expect(staff.get_by_role("status")).to_have_text(re.compile("is taken back"))
    staff.keyboard.press("a")
    expect(staff.get_by_role("status")).to_have_text(re.compile("is accepted as sad"))
    expect(staff.get_by_text("Nothing waits.")).to_be_visible()

    staff.get_by_label("Name", exact=True).fill("From people")
    staff.get_by_role("button", name="Make a data set").click()
    expect(staff.get_by_role("heading", name="From people", level=1)).to_be_visible()
    expect(staff.get_by_role("row", name="sad 1")).to_be_visible()  # checked by a real worker
    expect(staff.get_by_role("link", name="Train on it")).to_be_visible()
    picture, labels = copies(site)
    assert picture.read_bytes() == crop.read_bytes()
    assert labels.read_text().split()[0] == "6"

    live_page.goto(f"{site.url}/corrections/")
    kept = live_page.get_by_role("region", name="Sent from this browser without an account")
    expect(kept.get_by_text(secret)).to_be_visible()
    expect(kept.get_by_text("accepted", exact=True)).to_be_visible()
    kept.get_by_role("button", name="Withdraw").click()
    expect(kept.get_by_text("withdrawn", exact=True)).to_be_visible()
    assert crops(site) == []
    assert copies(site) == []

    staff.goto(f"{site.url}/corrections/review/")
    expect(staff.get_by_role("heading", name="Accepted so far: 0")).to_be_visible()


def test_consent_ends_with_the_camera_session(live_page: Page) -> None:
    wrong = live_page.get_by_role("button", name="That’s wrong")
    dialog = live_page.get_by_role("dialog", name="What does it look like?")
    wrong.click()
    dialog.get_by_role("switch").check()
    live_page.keyboard.press("Escape")
    live_page.get_by_role("button", name="Stop", exact=True).click()
    live_page.keyboard.press("Escape")  # the card of the session
    start_camera(live_page)
    wait_for_face(live_page)
    wrong.click()
    expect(dialog.get_by_role("switch")).not_to_be_checked()
    expect(dialog.get_by_role("status")).to_be_hidden()
    dialog.get_by_role("switch").check()
    live_page.reload()
    start_camera(live_page)
    wait_for_face(live_page)
    wrong.click()
    expect(dialog.get_by_role("switch")).not_to_be_checked()


def test_consent_is_not_that_of_the_next_person(live_page: Page) -> None:
    wrong = live_page.get_by_role("button", name="That’s wrong")
    consent = live_page.get_by_role("dialog", name="What does it look like?").get_by_role("switch")
    wrong.click()
    consent.check()
    live_page.keyboard.press("Escape")
    wrong.click()
    expect(consent).to_be_checked()
    live_page.keyboard.press("Escape")
    live_page.evaluate(FILM_GOES_ON.format("false"))
    live_page.wait_for_selector('#stage[data-faces="0"]')
    live_page.wait_for_timeout(FORGOTTEN)
    live_page.evaluate(FILM_GOES_ON.format("true"))
    wait_for_face(live_page)
    wrong.click()
    expect(consent).not_to_be_checked()


def test_an_answer_that_was_lost_comes_once_more_with_its_code_and_nothing_is_kept_twice(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, expect_errors=True)
    start_camera(page)
    wait_for_face(page)

    def lose_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/corrections/", lose_answer, times=1)
    page.get_by_role("button", name="That’s wrong").click()
    dialog = page.get_by_role("dialog", name="What does it look like?")
    dialog.get_by_role("button", name="fear").click()
    dialog.get_by_role("button", name="I agree, send it").click()
    expect(dialog.get_by_role("status")).to_contain_text("it is never kept twice")
    (crop,) = crops(site)
    dialog.get_by_role("button", name="I agree, send it").click()
    expect(dialog.get_by_text(CODE)).to_be_visible()
    assert crops(site) == [crop]
    page.goto(f"{site.url}/corrections/")
    kept = page.get_by_role("region", name="Sent from this browser without an account")
    kept.get_by_role("button", name="Withdraw").click()
    expect(kept.get_by_text("withdrawn", exact=True)).to_be_visible()
    assert crops(site) == []


def test_somebody_signed_in_corrects_a_picture_on_a_phone_and_withdraws_it(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser, viewport=PHONE)
    sign_in(page, site, "/accounts/login/")
    page.get_by_role("button", name="Try a sample").click()
    page.wait_for_selector('#stage[data-faces="1"]')
    page.get_by_role("button", name="That’s wrong").click()
    dialog = page.get_by_role("dialog", name="What does it look like?")
    dialog.get_by_role("button", name="not a face").click()
    dialog.get_by_role("button", name="I agree, send it").click()
    expect(dialog.get_by_role("status")).to_contain_text("It is among your corrections")
    dialog.get_by_role("link", name="Your corrections").click()
    own = page.get_by_role("region", name="Sent with your account")
    expect(own).to_contain_text("You said: not a face.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    own.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("is withdrawn and its picture is erased"))
    expect(own).to_contain_text("None yet.")
    assert crops(site) == []


def test_who_deletes_everything_deletes_what_was_sent_before_signing_up_too(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    send_as_stranger(page)
    assert len(crops(site)) == 1
    page.evaluate(REMEMBER, {"id": 10**6, "code": "2222-2222-2222-2222-2222-2222"})
    sign_up(page, "zoe")
    page.get_by_role("link", name="My data").click()
    remembered = page.get_by_role("listitem").filter(has_text="Corrections without an account")
    expect(remembered).to_contain_text("Corrections without an account 2")
    page.get_by_role("link", name="Delete everything but the account").click()
    expect(page.get_by_role("switch", name=re.compile("^Also withdraw the 2 corrections"))).to_be_checked()
    page.evaluate(CHOOSE)
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("status").first).to_contain_text("Everything is deleted")
    expect_remembered(page, "hamster-keep-0")
    expect(remembered).to_be_hidden()
    assert crops(site) == []
    assert site.manage("shell", "--no-imports", "-c", PICTURES).strip() == "0"
    page.get_by_role("link", name="Delete everything but the account").click()
    expect(page.get_by_text("Corrections that were sent without an account")).to_be_visible()
    expect(page.get_by_role("switch")).to_be_hidden()


def test_a_wrong_password_withdraws_nothing_and_what_was_sent_before_can_be_left_on_purpose(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    send_as_stranger(page)
    sign_up(page, "yan")
    page.goto(f"{site.url}/account/delete/")
    withdraw = page.get_by_role("switch", name=re.compile("^Also withdraw the correction"))
    password = page.get_by_label("Your password")
    delete = page.get_by_role("button", name="Delete the account")
    password.fill("a wrong one")
    delete.click()
    expect(page.get_by_text("not your password")).to_be_visible()
    expect(withdraw).to_be_checked()
    assert len(crops(site)) == 1
    withdraw.uncheck()
    password.fill("another wrong one")
    delete.click()
    expect(page.get_by_text("not your password")).to_be_visible()
    expect(withdraw).not_to_be_checked()
    page.evaluate(CHOOSE)
    password.fill("long enough for a test")
    delete.click()
    expect(page.get_by_role("status").first).to_contain_text("Goodbye")
    expect_remembered(page, "hamster-corrections", "hamster-keep-0")
    assert len(crops(site)) == 1

    page.goto(f"{site.url}/corrections/")
    page.get_by_role("button", name="Withdraw Correction").click()
    expect(page.get_by_text("withdrawn", exact=True)).to_be_visible()
    assert crops(site) == []


def test_with_the_account_goes_what_was_sent_before_it_and_the_browser_forgets_it(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    send_as_stranger(page)
    sign_up(page, "ula")
    page.goto(f"{site.url}/account/delete/")
    page.get_by_label("Your password").fill("long enough for a test")
    page.get_by_role("button", name="Delete the account").click()
    expect(page.get_by_role("status").first).to_contain_text("is withdrawn")
    expect(page.get_by_role("status").first).to_contain_text("Goodbye")
    expect_remembered(page)
    assert crops(site) == []


def test_whether_results_are_kept_is_remembered_only_once_it_is_changed(
    site: SiteProcess, open_page: Callable[..., Page], browser: Browser
) -> None:
    page = open_page(browser)
    sign_up(page, "vic")
    page.goto(f"{site.url}/pictures/")
    keep = page.get_by_role("switch", name="Keep my results")
    expect(keep).to_be_visible()
    assert page.evaluate(REMEMBERED) == []
    keep.check()
    (key,) = page.evaluate(REMEMBERED)
    assert key.startswith("hamster-keep-")


def test_single_keys_can_be_switched_off(
    site: SiteProcess, live_page: Page, open_page: Callable[..., Page], browser: Browser
) -> None:
    live_page.get_by_role("button", name="That’s wrong").click()
    dialog = live_page.get_by_role("dialog")
    dialog.get_by_role("switch").check()
    dialog.get_by_role("button", name="angry").click()
    expect(dialog.get_by_text(CODE)).to_be_visible()
    staff = open_page(browser)
    sign_in(staff, site, "/corrections/review/")
    one_key = staff.get_by_role("switch", name="Decide with one key")
    expect(one_key).to_be_visible()
    staff.wait_for_function("() => document.readyState === 'complete'")  # nobody is quicker than the script
    one_key.uncheck()
    staff.get_by_role("heading", name="Corrections", level=1).click()
    staff.keyboard.press("a")
    staff.reload()
    expect(one_key).not_to_be_checked()
    expect(staff.get_by_role("button", name="Accept: angry")).to_be_visible()
    staff.get_by_role("button", name="disgust").click()
    expect(staff.get_by_role("status")).to_have_text(re.compile("is accepted as disgust"))
