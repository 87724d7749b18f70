"""What people at a browser do on every walk: sign in, and look whether anything is wider than the screen."""

from tests.factories import UserFactory

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1440, "height": 900}
PASSWORD = "a-long-word-9"
SEND = {"zh-CN": "发送验证码", "en-GB": "Send the code"}


def sign_in(page, address, locale):
    """A member, by a code."""
    page.goto("/")
    page.get_by_role("textbox").fill(address)
    page.get_by_role("button", name=SEND[locale]).click()
    page.locator("input[name=code]").fill(page.locator("[data-demo-code]").inner_text())
    page.locator("main button.first").click()


def hire(who, **says):
    """Somebody of the staff who can enter."""
    user = UserFactory.create(username=who, **says)
    user.set_password(PASSWORD)
    user.save()


def enter_admin(page, who):
    """Somebody of the staff who was hired."""
    page.goto("/admin/")
    page.locator("input[name=username]").fill(who)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit], form input[type=submit]").first.click()


def overflow(page):
    """By how many pixels the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
