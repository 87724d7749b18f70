"""The tills' door to consents: where a member stands, in which words they are asked, a yes or a no with its proof."""

from hashlib import sha256
from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from members.consents.actions import Said
from members.consents.models import ALL_ASKED, Channel, Consent, ConsentChange, Wording
from members.consents.rules import ANY, LONGEST_PROOF
from members.kit.refusals import Refusal
from members.preferences.actions import answer, answers_of
from members.profiles.actions import find_member
from members.profiles.models import Member
from members.stores.api import KEY, answer_till, key_of, store_of, till_of

PURPOSES = [purpose.value for purpose in ALL_ASKED]
MOST_ANSWERS = 20
LANGUAGES = ["zh-hans", "en"]


class OtherWords(Refusal):
    """The words to which the member agreed are not those that count now."""

    code = "other_words"
    sentence = _("The wording for “%(purpose)s” is version %(newest)s now. Show the member that one and ask again.")


class SaidTwice(Refusal):
    """Two answers to one question."""

    code = "answered_twice"
    sentence = _("“%(purpose)s” is answered twice for the same channel.")


class AnswerSerializer(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(PURPOSES)
    channel = serializers.ChoiceField(
        Channel.choices, required=False, allow_blank=True, default=ANY, help_text="Empty for profiling."
    )
    is_given = serializers.BooleanField(help_text="true for yes, false for no.")
    wording = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=1, help_text="With a yes: the version that was shown."
    )


class SaySerializer(serializers.Serializer[Any]):
    answers = serializers.ListField(child=AnswerSerializer(), allow_empty=False, max_length=MOST_ANSWERS)
    language = serializers.ChoiceField(LANGUAGES, required=False, default="", help_text="In which it was read.")
    proof = serializers.CharField(
        max_length=LONGEST_PROOF, required=False, default="", allow_blank=True,
        help_text="With a yes: by what it can be shown, such as the number of a slip, or of the web shop's form.",
    )  # fmt: skip


class StandsSerializer(serializers.Serializer[Any]):
    purpose = serializers.CharField()
    channel = serializers.CharField(help_text="Empty for profiling.")
    is_given = serializers.BooleanField(help_text="Whether messages go out as things stand.")
    is_own = serializers.BooleanField(
        help_text="Whether the member said so in person; nobody else turns their no round."
    )
    since = serializers.DateTimeField(allow_null=True, help_text="Empty where nothing was said.")


class WordingSerializer(serializers.Serializer[Any]):
    purpose = serializers.CharField()
    version = serializers.IntegerField()
    text_zh = serializers.CharField()
    text_en = serializers.CharField()


class ConsentsSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    consents = StandsSerializer(many=True)
    wordings = WordingSerializer(many=True, help_text="What to show before a yes, by purpose.")


class SaidSerializer(ConsentsSerializer):
    changed = serializers.IntegerField(help_text="How many answers were new.")
    is_mailed = serializers.BooleanField(
        help_text="A yes to e-mail waits until its holder opens the link they were sent."
    )


class MemberConsents(APIView):
    """Where a member stands about being written to, and what they say at the till, in the web shop or mini-program."""

    @extend_schema(responses={200: ConsentsSerializer})
    def get(self, request: Request, number: str) -> Response:
        return Response(standing(find_member(kind="number", value=number)))

    @extend_schema(request=SaySerializer, responses={200: SaidSerializer}, parameters=[KEY])
    def post(self, request: Request, number: str) -> Response:
        """A member's own no cannot be turned round here, and a yes needs its wording and proof."""
        asked = SaySerializer(data=request.data)
        asked.is_valid(raise_exception=True)

        def answered() -> tuple[int, dict[str, Any]]:
            said = asked.validated_data
            member = find_member(kind="number", value=number)
            how = Said(
                source=ConsentChange.Source.TILL,
                language=said["language"] or member.language,
                store=store_of(request),
                proof=said["proof"],
            )
            key = f"till:{till_of(request).pk}:{sha256(key_of(request).encode()).hexdigest()[:40]}"
            made = answer(member=member, wanted=wanted(said["answers"]), said=how, key=key, now=timezone.now())
            return 200, {**standing(member), "changed": made.changed, "is_mailed": bool(made.link)}

        return answer_till(request, answered)


def wanted(answers: list[dict[str, Any]]) -> dict[tuple[str, str], bool]:
    """The answers by purpose and channel. Raises SaidTwice, and OtherWords for a yes to words that do not count now."""
    newest = {each.purpose: each.version for each in Wording.objects.in_force()}
    asked: dict[tuple[str, str], bool] = {}
    for each in answers:
        pair = (each["purpose"], each["channel"])
        if pair in asked:
            raise SaidTwice(purpose=each["purpose"])
        if each["is_given"] and each["wording"] != newest.get(each["purpose"]):
            raise OtherWords(purpose=each["purpose"], newest=newest.get(each["purpose"], "—"))
        asked[pair] = each["is_given"]
    return asked


def standing(member: Member) -> dict[str, Any]:
    """What tills are shown."""
    said = {(each.purpose, each.channel): each for each in Consent.objects.of(member)}
    return {
        "number": member.number,
        "consents": [
            {
                "purpose": purpose,
                "channel": channel,
                "is_given": is_given,
                "is_own": bool((found := said.get((purpose, channel))) and found.is_own),
                "since": found.since if found else None,
            }
            for (purpose, channel), is_given in answers_of(member).items()
        ],
        "wordings": [shown(each) for each in Wording.objects.in_force()],
    }


def shown(wording: Wording) -> dict[str, Any]:
    return {name: getattr(wording, name) for name in ("purpose", "version", "text_zh", "text_en")}


urlpatterns = [path("members/<str:number>/consents", MemberConsents.as_view(), name="api_member_consents")]
