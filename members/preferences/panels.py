"""What consents tell other systems: a yes or a no, with what it is about and where it was said."""

from django.utils.translation import gettext_lazy as _

from members.webhooks.rules import Happening, register

register(
    Happening(
        "consent.changed",
        _("a consent changed"),
        "members_consentchange",
        """SELECT c.member_id AS member, c.id, jsonb_build_object('change', c.id, 'purpose', c.purpose,
                  'channel', c.channel, 'is_given', c.is_given, 'source', c.source, 'wording', w.version) AS facts,
                  c.happened_at, c.created_at
             FROM members_consentchange c LEFT JOIN members_wording w ON w.id = c.wording_id
            WHERE c.id > %(first)s AND c.id <= %(last)s""",
    )
)
