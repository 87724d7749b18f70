"""Addresses and advisers stand in the history of profiles as well."""

from django.db import migrations

ADDRESS = "'country', 'province', 'city', 'district', 'street', 'postcode'"
TRIGGERS = [
    f"""CREATE TRIGGER history AFTER INSERT OR UPDATE ON members_address
        FOR EACH ROW EXECUTE FUNCTION history_of_row({ADDRESS})""",
    """CREATE TRIGGER history AFTER INSERT OR UPDATE ON members_advising
       FOR EACH ROW EXECUTE FUNCTION history_of_row('adviser_id')""",
]
UNDO = "DROP TRIGGER history ON members_advising; DROP TRIGGER history ON members_address"


class Migration(migrations.Migration):
    dependencies = [("members", "0123_address_adviser_photo")]

    operations = [migrations.RunSQL(TRIGGERS, UNDO)]
