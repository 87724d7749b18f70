"""Who may look after a member."""

from django.utils.translation import gettext_lazy as _

from members.kit.refusals import Refusal


class NotAnAdviser(Refusal):
    """An adviser works where the member is at home."""

    code = "not_an_adviser"
    sentence = _("An adviser is somebody of the staff who works in the member's store.")
