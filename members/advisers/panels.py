"""What lists of members that are taken away say of advisers. Imported when the floor is ready."""

from django.utils.translation import gettext_lazy as _

from members.advisers.actions import names_of
from members.extracts.actions import MORE, Column

MORE.append(Column(_("adviser"), names_of))
