"""Files of members: what names somebody in them goes when they are erased, and what names others stays."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from members.extracts.actions import rows_for
from members.extracts.models import Extract
from members.privacy.actions import erase
from members.privacy.models import Look
from members.roster.models import RosterImport, RosterRow
from tests.factories import NOW, MemberFactory, StoreFactory, UserFactory

pytestmark = pytest.mark.django_db
ROWS = {  # by line: the cells of the row, what it would change, and whether it names the member
    2: (["司马青衫", "x", "上海"], {}, True),
    3: (["?", "138 1234-5678", ""], {}, True),
    4: (["?", "１３８１２３４５６７８", ""], {}, True),
    5: ([], {"email": ["", "sima@example.com"]}, True),
    6: ([], {"name": ["An", "An"]}, True),
    7: (["Anna Green", "139 0000 0000", ""], {}, False),
    8: ([], {"name": ["Ann", "Anna"]}, False),
}


@pytest.fixture
def anna(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return UserFactory.create(username="anna", is_superuser=True)


def upload(model, by, **says):
    """A row with a file that names somebody."""
    made = model.objects.create(created_by=by, **says)
    made.file.save("members.csv", ContentFile("姓名,手机\n司马青衫,13812345678\n".encode()))
    return made


def test_an_erasure_empties_the_rows_that_name_the_member_and_lets_files_go(anna):
    sima = MemberFactory.create(name="司马青衫", phone="13812345678", email="sima@example.com")
    an = MemberFactory.create(name="An", phone="13700001111", home_store=sima.home_store)
    over = upload(RosterImport, anna, name="a.csv", store=sima.home_store, status="done", finished_at=NOW)
    taken = upload(Extract, anna, name="all", format="csv", language="en", total=1, status="done", finished_at=NOW)
    names = [over.file.name, taken.file.name]
    for line, (cells, changes, _names) in ROWS.items():
        RosterRow.objects.create(roster_import=over, line=line, outcome="bad", cells=cells, changes=changes)

    for member in (sima, an):
        erase(member=member, by=anna, reason="asked for it", now=NOW)

    kept = {row.line for row in over.rows.all() if row.cells or row.changes}
    assert kept == {line for line, (_cells, _changes, is_named) in ROWS.items() if not is_named}
    assert not [name for name in names if default_storage.exists(name)]
    for done in (over, taken):
        done.refresh_from_db()
        assert (done.file.name, done.status) == ("", "done")


def test_a_file_on_its_way_in_is_kept_until_it_is_done(anna):
    sima = MemberFactory.create(name="司马青衫", phone="13812345678", home_store=StoreFactory.create())
    coming = upload(RosterImport, anna, name="a.csv", store=sima.home_store, status="running")

    erase(member=sima, by=anna, reason="asked for it", now=NOW)

    coming.refresh_from_db()
    assert default_storage.exists(coming.file.name)


def test_whose_contacts_somebody_takes_along_can_read_it_and_masked_ones_leave_no_look(anna):
    sima = MemberFactory.create(name="司马青衫", phone="13812345678")
    MemberFactory.create(name="An", phone="13700001111", home_store=sima.home_store)
    mark = UserFactory.create(username="mark", role="marketer", sees_all_stores=True)

    masked = list(rows_for([sima.pk], mark))
    assert not Look.objects.exists()
    whole = list(rows_for([sima.pk], anna))

    assert "+8613812345678" in whole[1]
    assert "+8613812345678" not in masked[1]
    assert list(Look.objects.values_list("member", "user")) == [(sima.pk, anna.pk)]
    assert Look.objects.get().why
