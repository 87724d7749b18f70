"""Tills and their keys, staff and their scope, roles and what they may."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from members.stores.actions import open_till, revoke_till, stores_of, till_with_key
from members.stores.models import StoreStaff, Till
from tests.factories import NOW, StoreFactory, TillFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_till_is_found_by_its_key_and_the_key_is_nowhere_in_the_database():
    till, key = open_till(store=StoreFactory.create(), name="front")

    found = till_with_key(key=key, now=NOW)

    assert found == till
    stored = Till.objects.values_list("key_prefix", "key_hash").get()
    assert key not in stored
    assert len(key) > 40


def test_a_revoked_key_and_an_unknown_one_find_nothing():
    till, key = open_till(store=StoreFactory.create(), name="front")
    revoke_till(till=till, now=NOW)
    revoke_till(till=till, now=NOW + timedelta(days=1))

    assert till_with_key(key=key, now=NOW) is None
    assert till_with_key(key="rk_guess", now=NOW) is None
    assert Till.objects.get().revoked_at == NOW


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(django_assert_num_queries):
    _till, key = open_till(store=StoreFactory.create(), name="front")
    till_with_key(key=key, now=NOW)

    with django_assert_num_queries(1):
        till_with_key(key=key, now=NOW + timedelta(seconds=59))
    till_with_key(key=key, now=NOW + timedelta(seconds=61))

    assert Till.objects.get().last_used_at == NOW + timedelta(seconds=61)


def test_a_till_name_is_free_again_once_its_till_is_revoked():
    till = TillFactory.create(name="front")
    with pytest.raises(IntegrityError), transaction.atomic():
        open_till(store=till.store, name="front")

    revoke_till(till=till, now=NOW)
    open_till(store=till.store, name="front")

    assert Till.objects.count() == 2


def test_staff_see_the_stores_where_they_work_and_some_see_all():
    jingan, xuhui = StoreFactory.create(), StoreFactory.create()

    assert list(stores_of(UserFactory.create(stores=[jingan]))) == [jingan]
    assert set(stores_of(UserFactory.create(sees_all_stores=True))) == {jingan, xuhui}
    assert set(stores_of(UserFactory.create(is_superuser=True))) == {jingan, xuhui}
    assert not stores_of(UserFactory.create()).exists()


def test_nobody_has_two_posts_in_one_store():
    anna, store = UserFactory.create(), StoreFactory.create()
    StoreStaff.objects.create(user=anna, store=store)

    with pytest.raises(IntegrityError):
        StoreStaff.objects.create(user=anna, store=store)


def test_the_roles_stand_after_migrating():
    assert set(Group.objects.values_list("name", flat=True)) == {
        "admin", "analyst", "clerk", "manager", "marketer", "service",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("clerk", "view_member", "change_member"),
        ("manager", "change_member", "delete_member"),
        ("service", "change_identity", "view_till"),
        ("marketer", "change_template", "view_identity"),
        ("analyst", "view_sale", "change_template"),
        ("admin", "add_till", None),
    ],
)
def test_a_role_may_what_its_work_needs(role, may, may_not):
    anna = UserFactory.create(role=role)

    assert anna.has_perm(f"members.{may}")
    assert may_not is None or not anna.has_perm(f"members.{may_not}")


@pytest.mark.parametrize(
    ("role", "sees"),
    [("clerk", False), ("marketer", False), ("analyst", False), ("manager", True), ("service", True), ("admin", True)],
)
def test_only_those_who_call_members_see_contacts_in_full(role, sees):
    assert UserFactory.create(role=role).has_perm("members.see_full_contacts") is sees
