"""Noun: what somebody wants a rule to say, kept while nobody has let it stand."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.rulebook.models import EarningRule


class RuleDraft(models.Model):
    """What a rule's next version might say. Never edited: whoever changes a word has another draft."""

    rule = models.ForeignKey(EarningRule, models.PROTECT, related_name="drafts", verbose_name=_("rule"))
    says = models.JSONField()  # as `change_rule` takes it; point kind and budget by id
    digest = models.CharField(max_length=64)  # of what it says
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("drawn at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("draft of a rule")
        verbose_name_plural = _("drafts of rules")
        constraints = [models.UniqueConstraint(name="rule_draft_once", fields=["rule", "digest"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.rule_id}"
