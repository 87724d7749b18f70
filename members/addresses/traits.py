"""What segments may ask of addresses: in which city or province members live."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from members.addresses.models import Address
from members.kit.measures import TEXTS
from members.kit.traits import Answer, Asking, Kind, Question, Trait, register
from members.profiles.traits import CONTACT


def of_part(name: str) -> Answer:
    """A part of the address, as a text."""

    def answer(question: Question, _asking: Asking) -> Q:
        theirs: Any = Address.objects.filter(member=OuterRef("pk"))
        if question.operator in ("known", "unknown"):
            found = Q(Exists(theirs.exclude(**{name: ""})))
            return found if question.operator == "known" else ~found
        return Q(Exists(theirs.filter(**{f"{name}__{TEXTS[question.operator]}": question.value})))

    return answer


register(
    Trait("city", CONTACT, _("city of the address"), Kind.TEXT, of_part("city")),
    Trait("province", CONTACT, _("province of the address"), Kind.TEXT, of_part("province")),
)
