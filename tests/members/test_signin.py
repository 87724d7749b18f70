"""The way in: a code proves an address once, soon, after few tries, and tells nobody who is a member."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connections
from django.test import Client

from members.kit.rates import counters
from members.profiles.actions import add_identity
from members.profiles.models import Identity, Member
from members.signin import actions
from members.signin.actions import Address, DeadCode, WrongCode, send_code, use_code
from tests.factories import MemberFactory, StoreFactory, UserFactory

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LOGIN = "/accounts/login/"
CODE = "/accounts/login/code/"
JOIN = "/accounts/join/"
WANG = Address("phone", "+8613812345678")
NOBODY = Address("phone", "+8613900001111")


@pytest.fixture(autouse=True)
def nobody_has_tried_yet(settings):
    settings.DEMO = False
    cache.clear()
    counters().flushdb()


@pytest.fixture
def wang(db):
    return MemberFactory.create(name="王小明", phone=WANG.value)


@pytest.fixture
def demo(settings):
    """The page shows the code, so that tests read what a member reads on the phone."""
    settings.DEMO = True


def ask(client, address, **more):
    return client.post(LOGIN, {"address": address, **more})


def give(client, digits, **more):
    return client.post(CODE, {"code": digits, **more})


def shown(client):
    return re.search(r"data-demo-code>(\d{6})<", client.get(CODE).content.decode()).group(1)


def other_than(digits):
    return f"{(int(digits) + 1) % 10**6:06}"


def user_of(client):
    return client.session.get("_auth_user_id")


@pytest.mark.parametrize(
    "typed", ["13812345678", "138 1234 5678", "+86 138-1234-5678", "008613812345678", "１３８１２３４５６７８"]
)
def test_a_member_signs_in_however_the_phone_is_written(client, wang, demo, typed):
    ask(client, typed)

    response = give(client, shown(client))

    assert response.status_code == 302
    assert response["Location"] == "/"
    wang.refresh_from_db()
    assert user_of(client) == str(wang.user_id)
    assert wang.user.username == f"member-{wang.number}"
    assert not wang.user.has_usable_password()
    assert wang.identities.get(kind="phone").verified_at is not None


def test_the_account_is_made_once_and_only_when_the_code_was_right(client, wang, demo):
    ask(client, "13812345678")
    assert Member.objects.get().user is None
    give(client, shown(client))
    client.post("/accounts/logout/")

    ask(client, "13812345678")
    give(client, shown(client))

    assert Member.objects.get().user is not None
    assert user_of(client) == str(Member.objects.get().user_id)


def test_a_code_works_once(wang):
    handle, digits = send_code(address=WANG, now=NOW)
    use_code(address=WANG, handle=handle, digits=digits)

    with pytest.raises(DeadCode):
        use_code(address=WANG, handle=handle, digits=digits)


def test_a_code_dies_after_ten_minutes(wang, monkeypatch):
    assert actions.CODE_LIVES == 600
    monkeypatch.setattr(actions, "CODE_LIVES", 1)  # Redis keeps its own clock, so this one really waits
    handle, digits = send_code(address=WANG, now=NOW)
    time.sleep(1.1)

    with pytest.raises(DeadCode):
        use_code(address=WANG, handle=handle, digits=digits)


def test_five_wrong_tries_kill_the_code(wang):
    handle, digits = send_code(address=WANG, now=NOW)
    for _try in range(4):
        with pytest.raises(WrongCode):
            use_code(address=WANG, handle=handle, digits=other_than(digits))
    with pytest.raises(DeadCode):
        use_code(address=WANG, handle=handle, digits=other_than(digits))

    with pytest.raises(DeadCode):
        use_code(address=WANG, handle=handle, digits=digits)


def test_a_hundred_tries_at_once_compare_at_most_five(wang, monkeypatch):
    handle, digits = send_code(address=WANG, now=NOW)
    compared = []
    honest = actions.constant_time_compare
    monkeypatch.setattr(actions, "constant_time_compare", lambda *pair: compared.append(1) or honest(*pair))

    def attempt(number):
        try:
            use_code(address=WANG, handle=handle, digits=f"{(int(digits) + 1 + number) % 10**6:06}")
        except (WrongCode, DeadCode) as refusal:
            return type(refusal)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(attempt, range(100)))

    assert len(compared) <= 5
    assert outcomes.count(WrongCode) <= 4
    assert None not in outcomes
    with pytest.raises(DeadCode):
        use_code(address=WANG, handle=handle, digits=digits)


def test_the_right_code_twenty_times_at_once_opens_once(wang):
    handle, digits = send_code(address=WANG, now=NOW)

    def attempt(_number):
        try:
            use_code(address=WANG, handle=handle, digits=digits)
        except DeadCode:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(attempt, range(20))) == 1


def test_a_new_code_kills_the_old_one_also_in_another_browser(wang, demo):
    phone, desk = Client(), Client()
    ask(phone, "13812345678")
    old = shown(phone)
    ask(desk, "13812345678")
    new = shown(desk)

    give(phone, old)
    assert user_of(phone) is None
    give(phone, new)
    assert user_of(phone) is None
    give(desk, new)

    assert user_of(desk) is not None


def test_a_code_for_one_address_does_not_open_another(wang, demo):
    MemberFactory.create(name="Anna", phone="13911112222")
    mine, hers = Client(), Client()
    ask(mine, "13812345678")
    ask(hers, "13911112222")

    give(hers, shown(mine))

    assert user_of(hers) is None


def test_known_and_unknown_addresses_look_the_same(wang):
    pages = []
    for address in ("13812345678", "13900005678"):  # masked, they read the same
        client = Client()
        asked = ask(client, address)
        page = client.get(CODE)
        wrong = give(client, "000000")
        pages.append(
            (
                asked.status_code,
                asked["Location"],
                page.status_code,
                without_secrets(page),
                wrong.status_code,
                without_secrets(wrong),
            )
        )

    assert pages[0] == pages[1]


def without_secrets(response):
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return re.sub(r"13[89]\*{4}5678|\+8613[89]\d{8}", "", page)


def test_known_and_unknown_addresses_send_the_same_work_to_the_database(wang, django_assert_num_queries, monkeypatch):
    sent = []
    monkeypatch.setattr(actions, "send_sign_in_code", lambda **told: sent.append(told["address"]))
    with django_assert_num_queries(1):
        send_code(address=WANG, now=NOW)
    with django_assert_num_queries(1):
        send_code(address=NOBODY, now=NOW)

    assert sent == [WANG.value, NOBODY.value]


@pytest.mark.usefixtures("demo")
def test_a_number_gets_at_most_five_codes_an_hour(wang):
    for _round in range(5):
        assert ask(Client(), "13812345678").status_code == 302

    response = ask(Client(), "138 1234 5678")

    assert response.status_code == 429
    assert response["Retry-After"]


@pytest.mark.django_db
def test_one_ip_gets_at_most_ten_codes_a_minute():
    answers = [ask(Client(), f"1390000{number:04}").status_code for number in range(12)]

    assert answers == [302] * 10 + [429] * 2


@pytest.mark.django_db
def test_everybody_together_gets_so_many_codes_an_hour(settings):
    settings.SIGN_IN_CODES_AN_HOUR = 2
    for number in range(2):
        ask(Client(), f"1390000{number:04}")

    response = ask(Client(), "13900009999")

    assert response.status_code == 200
    assert response.context["form"].non_field_errors()


def test_one_ip_tries_at_most_thirty_codes_in_ten_minutes(wang):
    client = Client()
    answers = []
    for number in range(7):
        ask(client, f"1390000{number:04}")
        answers += [give(client, "000000").status_code for _try in range(5)]

    assert answers == [200] * 30 + [429] * 5


def test_staff_do_not_come_in_by_a_code(wang, demo):
    wang.user = UserFactory.create(username="clerk", is_staff=True)
    wang.save()
    client = Client()
    ask(client, "13812345678")

    response = give(client, shown(client))

    assert response["Location"] == LOGIN
    assert user_of(client) is None


def test_the_code_stands_on_the_page_only_in_the_demo(client, wang, settings):
    settings.DEMO = False
    ask(client, "13812345678")

    page = client.get(CODE).content.decode()

    assert "data-demo-code" not in page
    assert not re.search(r">\d{6}<", page)
    assert "demo" not in client.session["sign_in_asked"]


def test_the_code_is_nowhere_to_be_read_on_the_server(wang, client, settings, caplog):
    settings.DEMO = False
    caplog.set_level("DEBUG")
    _handle, digits = send_code(address=WANG, now=NOW)

    stored = cache.get(WANG.slot)

    assert digits not in str(stored)
    assert digits not in caplog.text
    assert WANG.value not in WANG.slot


def test_a_newcomer_proves_the_address_first_and_then_becomes_a_member(client, demo, db):
    store = StoreFactory.create()
    assert client.get(JOIN)["Location"] == LOGIN
    ask(client, "New.Person@Example.com")
    assert not Member.objects.exists()

    proved = give(client, shown(client))
    assert proved["Location"] == JOIN
    assert not Member.objects.exists()
    joined = client.post(JOIN, {"name": "  李  雷 ", "store": store.pk})

    assert joined["Location"] == "/"
    member = Member.objects.get()
    assert member.name == "李 雷"
    assert member.home_store == store
    assert member.source == Member.Source.PORTAL
    identity = Identity.objects.get(member=member)
    assert (identity.kind, identity.value) == ("email", "new.person@example.com")
    assert identity.verified_at is not None
    assert user_of(client) == str(member.user_id)


def test_a_proof_of_an_address_is_good_for_half_an_hour(client, demo, db):
    store = StoreFactory.create()
    with time_machine.travel(NOW, tick=True) as clock:
        ask(client, "new@example.com")
        give(client, shown(client))
        clock.shift(timedelta(minutes=31))

        response = client.post(JOIN, {"name": "Late", "store": store.pk})

    assert response["Location"] == LOGIN
    assert not Member.objects.exists()


def test_a_closed_store_takes_no_newcomers(client, demo, db):
    closed = StoreFactory.create(is_open=False)
    ask(client, "new@example.com")
    give(client, shown(client))

    response = client.post(JOIN, {"name": "Anna", "store": closed.pk})

    assert response.status_code == 200
    assert not Member.objects.exists()


def test_after_the_code_the_reader_goes_on_where_they_wanted_but_never_to_another_site(client, wang, demo):
    ask(client, "13812345678", next="/messages/")
    assert give(client, shown(client), next="/messages/")["Location"] == "/messages/"
    client.post("/accounts/logout/")

    ask(client, "13812345678", next="https://evil.example/")

    assert give(client, shown(client), next="https://evil.example/")["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["", "abc", "123", "@", "王小明", "1" * 300, "\x00"])
def test_what_is_no_address_is_refused_kindly(client, typed):
    response = ask(client, typed)

    assert response.status_code == 200
    assert response.context["form"].errors["address"]


@pytest.mark.parametrize("digits", ["", "12345", "abcdef", "1234567", "１２３４５６７"])
def test_what_is_no_code_costs_no_try(client, wang, demo, digits):
    ask(client, "13812345678")
    right = shown(client)
    for _try in range(6):
        assert give(client, digits).status_code == 200

    give(client, right)

    assert user_of(client) is not None


def test_signing_out_needs_a_post(client, wang, demo):
    ask(client, "13812345678")
    give(client, shown(client))

    client.get("/accounts/logout/")
    assert user_of(client) is not None
    client.post("/accounts/logout/")

    assert user_of(client) is None


def test_the_session_changes_its_key_on_signing_in(client, wang, demo):
    ask(client, "13812345678")
    before = client.session.session_key

    give(client, shown(client))

    assert client.session.session_key != before


def test_an_identity_that_moved_to_another_member_opens_that_member(client, wang, demo):
    ask(client, "13812345678")
    digits = shown(client)
    anna = MemberFactory.create(name="Anna")
    wang.identities.filter(kind="phone").delete()
    add_identity(member=anna, kind="phone", text=WANG.value)

    give(client, digits)

    anna.refresh_from_db()
    assert user_of(client) == str(anna.user_id)
