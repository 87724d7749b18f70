"""The lists: as many questions for many rows as for few, and nothing counted."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from loyalty.batches.actions import record_sales
from loyalty.imports.models import SaleImport
from loyalty.ledger.models import Difference, Movement, PointKind
from loyalty.rulebook.models import EarningRule
from members.messaging.models import Template
from members.profiles.models import CustomField, Member
from members.purchases.models import Product
from members.stores.models import Till
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory
from tests.world import World, sold

DAY = timedelta(days=1)


LISTS = [
    "members/member", "members/sale", "members/message", "members/product", "members/till", "members/store",
    "members/user", "members/template", "members/customfield", "auth/group", "loyalty/movement", "loyalty/tierchange",
    "loyalty/difference", "loyalty/saleimport", "loyalty/earningrule", "loyalty/pointkind", "loyalty/ladder",
]  # fmt: skip


def questions(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def crowd(world: World, count: int) -> None:
    """So many more of everything."""
    start = Member.objects.count()
    members = [
        MemberFactory.create(
            name="王", home_store=world.here.store, now=NOW - 9 * DAY, email=f"m{start + n}@example.com"
        )
        for n in range(count)
    ]
    record_sales(sales=[sold(each, NOW - DAY, 200_000) for each in members], now=NOW)
    UserFactory.create_batch(count, role="clerk", stores=[world.here.store])
    StoreFactory.create_batch(count)
    for n in range(start, start + count):
        Product.objects.create(sku=f"S{n}", name="x")
        Till.objects.create(store=world.here.store, name=f"t{n}", key_prefix="x", key_hash=f"{n}")
        Template.objects.create(code=f"c{n}", language="en", subject="x", body="x")
        CustomField.objects.create(code=f"f{n}", name_zh="x", name_en="x", kind="text")
        Group.objects.create(name=f"g{n}")
        SaleImport.objects.create(digest=str(n), name="x", store=world.here.store)
        PointKind.objects.create(code=f"k{n}", name_zh="x", name_en="x")
        EarningRule.objects.create(code=f"r{n}", name_zh="x", name_en="x")
    account = world.here.objects["loyalty_difference"].account
    for each in members:
        Difference.objects.create(account=account, member=each, found_at=NOW, proof="lots", stored={}, computed={})


def test_a_list_asks_the_same_number_of_questions_whether_it_is_short_or_long(world):
    client = world.client("manager")
    owner = world.client("owner")
    crowd(world, 10)
    for each in (owner, client):  # what the side bar shows is remembered for a while
        each.get("/admin/members/member/")
    few = {path: questions(owner, f"/admin/{path}/") for path in LISTS}
    few |= {f"manager {path}": questions(client, f"/admin/{path}/") for path in LISTS[:3]}

    crowd(world, 60)

    many = {path: questions(owner, f"/admin/{path}/") for path in LISTS}
    many |= {f"manager {path}": questions(client, f"/admin/{path}/") for path in LISTS[:3]}
    assert many == few


@pytest.mark.parametrize("path", ["members/member", "members/sale", "members/message", "loyalty/movement"])
@pytest.mark.parametrize("words", ["", "?q=5678", "?q=王"])
def test_long_lists_are_never_counted(world, path, words):
    with CaptureQueriesContext(connection) as asked:
        world.client("owner").get(f"/admin/{path}/{words}")

    assert not [query["sql"] for query in asked if "COUNT(" in query["sql"].upper()]


def test_a_page_and_the_next_hold_all_rows_once(world):
    crowd(world, 60)
    client = world.client("owner")

    pages = [client.get(f"/admin/members/member/?p={number}").context["cl"].result_list for number in (1, 2, 3)]

    shown = [member.pk for page in pages for member in page]
    assert len(shown) == len(set(shown)) == Member.objects.count()


def test_the_first_page_asks_the_same_number_of_questions_with_many_members(world):
    client = world.client("owner")
    client.get("/admin/?find=王")
    few = questions(client, "/admin/?find=王")

    crowd(world, 30)

    assert questions(client, "/admin/?find=王") == few


def test_the_statement_is_read_through_the_index_of_accounts(world):
    crowd(world, 5)
    with CaptureQueriesContext(connection) as asked:
        world.client("owner").get(f"/admin/loyalty/movement/?q={world.here.member.number}")

    statements = [query["sql"] for query in asked if 'FROM "loyalty_movement"' in query["sql"]]
    assert statements
    assert all('"loyalty_account"."member_id" IN' in statement for statement in statements)
    assert Movement.objects.exists()
