"""What lists of members that are taken away say of tags. Imported when the floor is ready."""

from django.utils.translation import gettext_lazy as _

from members.extracts.actions import MORE, Column
from members.tags.actions import names_of

MORE.append(Column(_("tags"), names_of))
