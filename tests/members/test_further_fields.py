"""Further fields: checked by their kind, asked where the shop wants them, seen by whom they are for, archived."""

import csv
import io

import pytest
from django.utils.translation import override

from members.extracts.actions import rows_for
from members.history.models import Change
from members.kit.tables import write_rows
from members.profiles.actions import update_profile
from members.profiles.forms import CustomFieldForm
from members.profiles.models import CustomField, Member
from members.profiles.rules import BadField, FieldRequired
from members.roster.panels import meanings
from members.timeline.actions import page_of
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

KINDS = {"pets": "number", "since": "date", "vegan": "yes_no", "note": "text"}


@pytest.fixture
def store(db):
    return StoreFactory.create()


@pytest.fixture
def fields(db):
    made = {
        code: CustomField.objects.create(code=code, kind=kind, name_zh=code, name_en=code.title(), position=place)
        for place, (code, kind) in enumerate(KINDS.items())
    }
    made["tea"] = CustomField.objects.create(
        code="tea", kind="choice", name_zh="茶", name_en="Tea", choices=["green", "black"], position=9
    )
    return made


@pytest.fixture
def wang(store, fields):
    member = MemberFactory.create(name="王芳", home_store=store, custom={"pets": 2, "tea": "green", "note": "shy one"})
    member.user = UserFactory.create(username="w", is_staff=False)
    member.save(update_fields=["user"])
    return member


@pytest.fixture
def people(store):
    made = {role: UserFactory.create(username=role, role=role, stores=[store]) for role in ("service", "manager")}
    return made | {"owner": UserFactory.create(username="owner", is_superuser=True, sees_all_stores=True)}


def change(field, **said):
    CustomField.objects.filter(pk=field.pk).update(**said)


@pytest.mark.parametrize(
    ("code", "value", "words"),
    [
        ("pets", "two", "a number is expected"),
        ("since", "2026-02-30", "a day such as 2026-03-09 is expected"),
        ("vegan", "perhaps", "yes or no is expected"),
        ("note", "x" * 501, "a text of at most 500 characters is expected"),
        ("tea", "white", "one of green, black is expected"),
        ("gone", "x", "there is no such field"),
    ],
)
def test_what_cannot_stand_in_a_field_is_refused_with_what_can(wang, code, value, words):
    with override("en"), pytest.raises(BadField, match=words):
        update_profile(member=wang, now=NOW, name="李强", custom={code: value})

    wang.refresh_from_db()
    assert wang.name == "王芳"


def test_a_required_field_cannot_be_emptied_and_an_archived_one_not_filled(wang, fields):
    change(fields["pets"], is_required=True)
    change(fields["note"], is_archived=True)

    with pytest.raises(FieldRequired):
        update_profile(member=wang, now=NOW, custom={"pets": ""})
    with pytest.raises(BadField):
        update_profile(member=wang, now=NOW, custom={"note": "new"})
    update_profile(member=wang, now=NOW, custom={"tea": "black"})

    wang.refresh_from_db()
    assert wang.custom == {"pets": 2, "tea": "black", "note": "shy one"}


def test_each_sees_the_fields_that_are_for_them(client, wang, fields, people):
    change(fields["pets"], seen_by="managers")
    change(fields["tea"], seen_by="owner", help_zh="泡法", help_en="How it is brewed")
    page = f"/admin/members/member/{wang.pk}/change/"

    seen = {}
    for who, user in people.items():
        client.force_login(user)
        text = client.get(page).content.decode()
        seen[who] = {code for code in ("pets", "tea", "note") if f"further_{code}" in text}
        assert ("泡法" in text) == (who == "owner")

    assert seen == {"service": {"note"}, "manager": {"note", "pets"}, "owner": {"note", "pets", "tea"}}
    assert "custom.tea" not in meanings(people["manager"])
    for who, columns in (("service", ["since", "vegan", "note"]), ("owner", ["pets", "since", "vegan", "note", "茶"])):
        head, row = csv.reader(io.StringIO("".join(write_rows(rows_for([wang.pk], people[who])))))
        assert [each for each in head if each in {*KINDS, "茶"}] == columns
        assert ("green" in row) == (who == "owner")


def test_what_a_form_does_not_show_it_does_not_empty(client, wang, fields, people):
    change(fields["tea"], seen_by="owner")
    client.force_login(people["service"])
    said = {"name": "王小芳", "language": "en", "birth_on": "", "further_pets": "3", "further_note": "shy one"}
    said |= {"identities-TOTAL_FORMS": "0", "identities-INITIAL_FORMS": "0"}

    answer = client.post(f"/admin/members/member/{wang.pk}/change/", said)
    assert answer.status_code == 302, answer.context["adminform"].form.errors

    wang.refresh_from_db()
    assert (wang.name, wang.custom) == ("王小芳", {"pets": 3, "tea": "green", "note": "shy one"})


def test_the_history_of_a_guarded_field_is_not_for_everybody(wang, fields, people):
    change(fields["tea"], seen_by="owner")

    update_profile(member=wang, now=NOW, custom={"tea": "black", "pets": 5})

    assert Change.objects.count() == 2
    lines = page_of(member=wang, user=people["manager"], wanted=["change"]).lines
    assert [line.shown.words for line in lines if "5" in line.shown.words]
    assert not [line for line in lines if "black" in line.shown.words]


def test_members_see_and_fill_in_what_the_shop_asks_of_them(client, wang, fields):
    change(fields["pets"], is_shown=True, is_asked=True, is_required=True, help_zh="有几只？")
    change(fields["tea"], is_shown=True)
    client.force_login(wang.user)

    text = client.get("/me/").content.decode()
    assert "有几只？" in text
    assert "green" in text
    assert "shy one" not in text
    said = {"name": "王芳", "birth_on": "", "further_tea": "black", "further_note": "loud"}
    assert client.post("/me/", said | {"further_pets": ""}).context["form"].errors.keys() == {"further_pets"}
    assert client.post("/me/", said | {"further_pets": "many"}).context["form"].errors.keys() == {"further_pets"}
    too_many = client.post("/me/", said | {"further_pets": "1" + "0" * 20})
    assert too_many.context["form"].errors.keys() == {"further_pets"}
    assert client.post("/me/", said | {"further_pets": "4"}).status_code == 302

    wang.refresh_from_db()
    assert wang.custom == {"pets": 4, "tea": "green", "note": "shy one"}


def form_of(field, **said):
    kept = {
        "name_zh": field.name_zh, "name_en": field.name_en, "code": field.code, "kind": field.kind,
        "choices": "\n".join(field.choices), "seen_by": field.seen_by, "position": field.position,
    }  # fmt: skip
    return CustomFieldForm(kept | said, instance=field)


@pytest.mark.parametrize(
    ("code", "said", "wrong"),
    [
        ("tea", {"choices": " \n"}, {"choices"}),
        ("tea", {"choices": "black"}, {"choices"}),
        ("tea", {"choices": "green\nx" + "y" * 500}, {"choices"}),
        ("pets", {"is_asked": "on"}, {"is_asked"}),
        ("tea", {"choices": "green\n\nwhite\nwhite "}, set()),
    ],
)
def test_staff_set_up_fields_line_by_line(wang, fields, code, said, wrong):
    form = form_of(fields[code], **said)

    assert set(form.errors) == wrong
    if not wrong:
        assert form.cleaned_data["choices"] == ["green", "white"]


def test_a_field_is_archived_in_the_admin_and_its_values_stay(client, wang, fields, people):
    client.force_login(people["owner"])
    said = {
        "name_zh": "茶", "name_en": "Tea", "choices": "green\nblack", "help_zh": "", "help_en": "", "seen_by": "staff",
        "position": 9, "is_archived": "on",
    }  # fmt: skip

    assert client.post(f"/admin/members/customfield/{fields['tea'].pk}/change/", said).status_code == 302

    assert CustomField.objects.get(code="tea").is_archived
    assert Member.objects.get(pk=wang.pk).custom["tea"] == "green"
    assert "further_tea" not in client.get(f"/admin/members/member/{wang.pk}/change/").content.decode()
