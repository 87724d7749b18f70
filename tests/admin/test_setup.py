"""Tills, rules, templates, staff and roles: each written as its room wants it."""

import re

from django.contrib.auth.models import Permission
from django.test import Client

from loyalty.ledger.models import PointKind
from loyalty.rulebook.models import EarningRule, RuleVersion
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


def new_version(**says) -> dict[str, str]:
    said = {"valid_from_0": "2026-03-10", "valid_from_1": "00:00:00", "is_on": "on", "points": "2", "spent": "1.50"}
    said |= {"rounding": "down", "uses_tier_multiplier": "on", "pending_days": "7", "expires_after_months": "6"} | says
    return {f"versions-2-0-{name}": value for name, value in said.items()} | formset("versions-2", 1)


def test_a_rule_changes_by_a_new_version_through_the_verb(world):
    rule, kind = EarningRule.objects.get(code="spend"), PointKind.objects.get(code="points")
    old = list(rule.versions.values())
    names = {"name_zh": "消费", "name_en": "Spending"} | formset("versions")

    response = world.client("owner").post(
        f"/admin/loyalty/earningrule/{rule.pk}/change/", names | new_version(kind=str(kind.pk))
    )

    assert response.status_code == 302, text_of(response)
    version = rule.versions.latest("number")
    assert (version.number, version.points, version.per_amount, version.pending_days) == (3, 2, 150, 7)
    assert version.created_by == world.people["owner"]
    assert list(rule.versions.exclude(pk=version.pk).values()) == old


def test_a_version_before_the_last_one_is_refused_in_the_form(world):
    rule, kind = EarningRule.objects.get(code="spend"), PointKind.objects.get(code="points")
    names = {"name_zh": "消费", "name_en": "Spending"} | formset("versions")
    early = new_version(kind=str(kind.pk), valid_from_0="2001-01-01")

    response = world.client("owner").post(f"/admin/loyalty/earningrule/{rule.pk}/change/", names | early)

    assert "A new version begins after the one before it" in text_of(response)
    assert RuleVersion.objects.filter(rule=rule).count() == 2


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
        "clerk": {"add_correction"},
        "service": {"add_correction"},
        "marketer": {"see_figures", "add_ladderdraft", "change_ladderdraft"}
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
        },
    }
    assert "view_movement" in of("clerk")
    assert "view_earningrule" not in of("clerk")
    assert len(of("admin")) == Permission.objects.filter(content_type__app_label="loyalty").count()
