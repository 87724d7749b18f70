"""Tills, templates, staff and roles: each written as its room wants it."""

import re

from django.contrib.auth.models import Permission
from django.test import Client

from members.messaging.models import Template
from members.stores.actions import till_with_key
from members.stores.models import Till, User
from tests.factories import NOW, UserFactory
from tests.world import formset, text_of


def test_a_tills_key_is_shown_once_and_works(world):
    client = world.client("owner")

    shown = text_of(client.post("/admin/members/till/add/", {"store": world.here.store.pk, "name": "2"}, follow=True))

    key = re.search(r"rk_[\w-]{40,}", shown)[0]
    till = Till.objects.get(name="2")
    assert till_with_key(key=key, now=NOW) == till
    for address in ("", f"{till.pk}/change/", f"{till.pk}/history/"):
        assert key not in client.get(f"/admin/members/till/{address}").content.decode()

    client.post("/admin/members/till/", {"action": "revoke", "_selected_action": till.pk})
    assert till_with_key(key=key, now=NOW) is None


def test_a_second_till_of_the_same_name_is_refused_in_the_form(world):
    response = world.client("owner").post("/admin/members/till/add/", {"store": world.here.store.pk, "name": "till"})

    assert "This store has an open till of that name already" in text_of(response)
    assert Till.objects.filter(store=world.here.store).count() == 1


def test_an_edit_of_a_template_is_a_new_version(world):
    template = world.shared["members_template"]

    world.client("marketer").post(f"/admin/members/template/{template.pk}/change/", {"subject": "Hi", "body": "Ho"})

    versions = Template.objects.filter(code="hello").order_by("version").values_list("version", "subject")
    assert list(versions) == [(1, "Hello"), (2, "Hi")]


def test_who_looks_after_staff_hires_but_makes_no_owner(world):
    admin = UserFactory.create(username="admin", role="admin", stores=[world.here.store])
    client = Client(headers={"accept-language": "en"})
    client.force_login(admin, "django.contrib.auth.backends.ModelBackend")
    said = {
        "username": "newclerk",
        "password1": "a-long-word-9",
        "password2": "a-long-word-9",
        "usable_password": "true",
    }

    assert client.post("/admin/members/user/add/", said).status_code == 302
    new = User.objects.get(username="newclerk")
    assert new.is_staff
    powers = {"username": "newclerk", "is_superuser": "on", "sees_all_stores": "on", "is_active": "on"} | formset(
        "posts"
    )
    assert client.post(f"/admin/members/user/{new.pk}/change/", powers).status_code == 302
    new.refresh_from_db()
    assert not new.is_superuser
    assert not new.sees_all_stores
    owner = world.people["owner"]
    assert client.get(f"/admin/members/user/{owner.pk}/change/").status_code == 302
    assert client.get(f"/admin/members/user/{owner.pk}/password/").status_code in {302, 403, 404}
    assert client.get(f"/admin/members/user/{world.people['member'].pk}/change/").status_code == 302


def test_the_roles_have_their_permissions_of_this_floor(db):
    def of(role: str) -> set[str]:
        return set(
            Permission.objects.filter(group__name=role, content_type__app_label="loyalty").values_list(
                "codename", flat=True
            )
        )

    writes = {
        role: {code for code in of(role) if not code.startswith("view_")}
        for role in ("clerk", "service", "marketer", "analyst", "manager")
    }

    assert writes == {
        "clerk": {"add_correction", "change_treat"},
        "service": {"add_correction", "change_treat", "change_likeness"},
        "marketer": {
            "see_figures",
            "add_backtest",
            "change_backtest",
            "add_earningrule",
            "change_earningrule",
            "add_ruleversion",
            "add_budget",
            "change_budget",
            "add_pool",
            "change_pool",
            "add_promotion",
            "change_promotion",
            "add_promotionversion",
            "add_payterms",
            "add_ladderdraft",
            "change_ladderdraft",
        }
        | {f"{verb}_draft{thing}" for verb in ("add", "change", "delete") for thing in ("tier", "benefit")},
        "analyst": {"see_figures"},
        "manager": {
            "see_figures",
            "add_saleimport",
            "change_saleimport",
            "add_grant",
            "protect_standing",
            "add_correction",
            "approve_correction",
            "add_merge",
            "change_merge",
            "add_seat",
            "change_treat",
            "change_likeness",
        },
    }
    assert "view_movement" in of("clerk")
    assert "view_earningrule" not in of("clerk")
    assert len(of("admin")) == Permission.objects.filter(content_type__app_label="loyalty").count()
