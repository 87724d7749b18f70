"""What lists of members that are taken away say of addresses. Imported when the floor is ready."""

from django.utils.translation import gettext_lazy as _

from members.addresses.actions import cities_of, lines_of
from members.extracts.actions import MORE, Column

MORE.append(Column(_("city"), cities_of))
MORE.append(Column(_("address"), lines_of, is_contact=True))
