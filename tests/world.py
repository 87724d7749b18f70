"""A small shop with everybody in it: three stores, a person for each role, one of every thing in two of the stores."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.test import Client

from loyalty.backtest.actions import ask_backtest
from loyalty.backtest.models import Backtest
from loyalty.backtest.rules import Whom
from loyalty.benefits.models import Benefit
from loyalty.checkout.actions import sell
from loyalty.checkout.rules import Asked
from loyalty.corrections.models import Correction, CorrectionLimit, CorrectionReason
from loyalty.drafting.actions import keep_draft
from loyalty.duplicates.models import Likeness
from loyalty.earning.models import Event
from loyalty.gifts.models import Gift, GiftRule
from loyalty.grants.actions import sell_tier
from loyalty.holds.actions import keep_budgets, place_hold, release_budgets, release_hold
from loyalty.holds.models import BudgetHold, Hold
from loyalty.households.actions import start_household
from loyalty.households.models import Draw, HouseholdRule, Seat
from loyalty.imports.models import BadRow, SaleImport
from loyalty.ledger.models import Account, Difference, Movement, PointKind, Programme
from loyalty.liability.models import LiabilityDay
from loyalty.limits.actions import open_budget
from loyalty.merging.models import Merge
from loyalty.programme.actions import hand_in
from loyalty.promotions.actions import change_promotion, keep_promotion, set_pay_terms
from loyalty.promotions.models import Promotion
from loyalty.returns.actions import Counter, record_return
from loyalty.returns.rules import LineAsked, ReturnAsked
from loyalty.rulebook.actions import change_rule
from loyalty.rulebook.models import EarningRule
from loyalty.tasks import run_chunk
from loyalty.tiers.models import Grant, Ladder, Tier, TierChange
from loyalty.treats.models import Treat
from loyalty.watch.models import Watch
from loyalty.whatif.actions import ask_what_if, draw
from loyalty.whatif.models import LadderDraft
from members.addresses.actions import settle_at
from members.completeness.models import FullnessRule, ProfilePart
from members.consents.actions import Said, say
from members.consents.models import ConsentChange, Wording
from members.contact.models import ContactRule, Topic
from members.extracts.models import Extract
from members.goals.actions import keep_goal
from members.goals.models import Goal
from members.kit.models import Chunk
from members.kit.windows import start_of_day
from members.messaging.models import Message, Template
from members.notes.models import Note
from members.origins.models import JoinCode
from members.photos.actions import keep_photo
from members.privacy.models import Erasure, Look, PrivacyRule, RetentionRule
from members.profiles.models import CustomField, Member
from members.purchases.actions import Bought
from members.purchases.models import Product, Return, Sale
from members.purchases.rules import Line, Receipt
from members.roster.models import RosterImport, RosterRow
from members.scores.actions import score_everybody
from members.scores.models import MemberScore, RfmScheme
from members.segments.actions import change_segment, freeze, make_list, refresh
from members.segments.models import Segment
from members.signin.actions import Address, open_account
from members.stores.models import Store, User
from members.tags.actions import put_on
from members.tags.models import Tag
from members.webhooks.actions import keep_endpoint
from members.webhooks.models import Delivery, Endpoint, Occurrence
from tests.factories import NOW, MemberFactory, StoreFactory, TillFactory, UserFactory, a_picture

STAFF = ("clerk", "manager", "service", "marketer", "analyst", "owner")
PEOPLE = (*STAFF, "member", "stranger")
SEES_ALL = {"marketer", "analyst", "owner"}
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass
class Corner:
    """A store with one member and all that belongs to them."""

    store: Store
    member: Member
    phone: str
    email: str
    objects: dict[str, Any] = field(default_factory=dict)  # by the name of their desk

    @property
    def secrets(self) -> list[str]:
        """What nobody from another store may ever read."""
        return [self.member.number, self.member.name, self.phone, self.email, self.phone[-8:]]


@dataclass
class World:
    here: Corner
    there: Corner
    shared: dict[str, Any]
    people: dict[str, User]

    def client(self, who: str, language: str = "en") -> Client:
        """A browser in which this person is signed in."""
        client = Client(headers={"accept-language": language})
        if who != "stranger":
            client.force_login(self.people[who], BACKEND)
        return client


def make_world(mark: str = "") -> World:
    """The shop. `mark` stands in every name that somebody typed."""
    stores = [
        StoreFactory.create(code=code, name_zh=f"{name}{mark}", name_en=f"{name} in English{mark}")
        for code, name in (("here", "静安店"), ("beside", "徐汇店"), ("there", "黄浦店"))
    ]
    shared = make_shared(mark)
    here = make_corner(stores[0], f"王小明{mark}", "13812345678", "wang@example.com", mark)
    there = make_corner(stores[2], f"欧阳静雯{mark}", "13987654321", "ouyang@example.net", mark)
    measure(shared["loyalty_ladderdraft"])
    shared |= make_segment(mark) | make_webhook(mark)
    shared["loyalty_backtest"] = look_back(shared["loyalty_earningrule"])
    people = hire(stores, mark)
    shared["members_extract"] = make_extract(people["owner"], here, mark)
    for corner in (here, there):
        corner.objects["members_rosterimport"] = make_roster(corner, people["owner"], mark)
    score(here, there, people["manager"], mark)
    address = Address("phone", "+8613812345678")
    people["member"] = open_account(member=here.member, address=address, now=NOW)
    shared |= {"members_user": people["clerk"], "auth_group": Group.objects.get(name="clerk")}
    return World(here, there, shared, people)


def score(here: Corner, there: Corner, owner: User, mark: str) -> None:
    """What the members are worth as a night found it, and a goal for each store."""
    score_everybody(as_of=start_of_day(NOW))
    for corner in (here, there):
        corner.objects["members_memberscore"] = MemberScore.objects.get(pk=corner.member.pk)
        goal = Goal(name=f"grow{mark}", kind="members", store=corner.store, target=9, owner=owner)
        corner.objects["members_goal"] = keep_goal(goal=goal, starts_on=NOW.date(), ends_on=NOW.date())


def hire(stores: list[Store], mark: str) -> dict[str, User]:
    """A clerk and service in the first store, a manager of two, the others see all."""
    places = {"clerk": stores[:1], "service": stores[:1], "manager": stores[:2]}
    people = {}
    for who in STAFF:
        role = None if who == "owner" else who
        people[who] = UserFactory.create(
            username=who,
            first_name=f"Anna{mark}"[:150],
            role=role,
            stores=places.get(who, []),
            sees_all_stores=who in SEES_ALL,
            is_superuser=who == "owner",
        )
    return people


def make_shared(mark: str) -> dict[str, Any]:
    """What belongs to no store."""
    rule, ladder, kind = (
        EarningRule.objects.get(code="spend"),
        Ladder.objects.get(),
        PointKind.objects.get(code="points"),
    )
    change_rule(rule=rule, now=NOW - timedelta(days=400), by=None, kind=kind, points=1, per_amount=100)
    for thing in (rule, ladder, kind, *ladder.tiers.all()):
        thing.name_zh, thing.name_en = (thing.name_zh + mark)[:40], (thing.name_en + mark)[:40]
        thing.save()
    return {
        "members_product": Product.objects.create(sku="TEA", name=f"龙井{mark}", category=f"茶叶{mark}"),
        "members_customfield": CustomField.objects.create(
            code="taste", name_zh=f"口味{mark}", name_en=f"Taste{mark}", kind="text"
        ),
        "members_profilepart": ProfilePart.objects.get(code="name"),
        "members_fullnessrule": FullnessRule.objects.get(),
        "members_joincode": JoinCode.objects.create(
            code="poster", name_zh=f"海报{mark}"[:60], name_en=f"Poster{mark}"[:60]
        ),
        "members_tag": Tag.objects.create(code="nuts", name_zh=f"坚果{mark}"[:40], name_en=f"Nuts{mark}"[:40]),
        "members_privacyrule": PrivacyRule.objects.get(),
        "members_retentionrule": RetentionRule.objects.get(code="looks"),
        "members_topic": Topic.objects.create(code="tea", name_zh=f"茶{mark}"[:40], name_en=f"Tea{mark}"[:40]),
        "members_contactrule": ContactRule.objects.get(purpose="marketing"),
        "members_wording": Wording.objects.create(
            purpose="care", version=2, text_zh=f"好{mark}", text_en=f"Good{mark}", written_at=NOW
        ),
        "members_template": Template.objects.create(
            code="hello", language="en", subject=f"Hello{mark}", body=f"Hi{mark}"
        ),
        "members_rfmscheme": RfmScheme.objects.get_or_create(pk=1)[0],
        "loyalty_earningrule": rule,
        "loyalty_ladder": ladder,
        "loyalty_pointkind": kind,
        "loyalty_tier": ladder.tiers.get(code="gold"),
        "loyalty_ladderdraft": make_draft(ladder, mark),
        "loyalty_liabilityday": LiabilityDay.objects.create(taken_on=NOW, kind=kind, open=9, is_complete=True),
        "loyalty_giftrule": GiftRule.objects.update_or_create(kind=kind, defaults={"is_on": True})[0],
        "loyalty_householdrule": HouseholdRule.objects.get_or_create(pk=1)[0],
        "loyalty_watch": Watch.objects.get(),
        "loyalty_correctionreason": CorrectionReason.objects.get(code="goodwill"),
        "loyalty_correctionlimit": CorrectionLimit.objects.get(role__name="clerk"),
        "loyalty_budget": open_budget(
            code="spring", name_zh=f"春季{mark}"[:60], name_en=f"Spring{mark}"[:60], total=1_000
        ),
        "loyalty_promotion": make_promotion(mark),
        "loyalty_promotiondraft": keep_promotion(promotion=Promotion.objects.get(), by=None, amount=200),
        "loyalty_payterms": set_pay_terms(kind=kind, now=NOW - timedelta(days=400), by=None, points=100, worth=100),
        "loyalty_programme": Programme.objects.get(),
        "loyalty_programmefile": hand_in(
            text="regulars_programme: 1\nsettings: {return_days: 3}", name=f"next{mark}", now=NOW
        ),
    }


def make_segment(mark: str) -> dict[str, Any]:
    """Everybody who ever bought, found, frozen, and put on a list."""
    segment = Segment.objects.create(code="buyers", name_zh=f"买家{mark}", name_en=f"Buyers{mark}")
    listed = make_list(name=f"guests{mark}", texts=["13812345678", "13987654321"], by=None)
    tree = {"any": [{"trait": "bought", "is": "yes"}, {"list": listed.pk}]}
    change_segment(segment=segment, tree=tree, by=None, now=NOW)
    refresh(segment=segment, now=NOW)
    kept = freeze(segment=segment, name=f"spring{mark}", key="1", by=None, now=NOW)
    return {"members_segment": segment, "members_memberlist": listed, "members_audience": kept}


def make_webhook(mark: str) -> dict[str, Any]:
    """Another system that was told of something, and answered."""
    endpoint = Endpoint(
        name=f"shop{mark}", address="https://shop.example/hook", events=["member.enrolled"], is_on=False
    )
    keep_endpoint(endpoint=endpoint)
    happened = Occurrence.objects.create(
        code="member.updated", key="1", identifier="msg_1", facts={"fields": [mark]}, happened_at=NOW, shared_at=NOW
    )
    told = Delivery.objects.create(
        endpoint=endpoint, occurrence=happened, status="delivered", due_at=NOW, finished_at=NOW, answer=f"ok{mark}"
    )
    return {"members_endpoint": endpoint, "members_delivery": told}


def make_promotion(mark: str) -> Promotion:
    """A little off every sale that asks for it."""
    made = Promotion.objects.create(
        code="welcome", name_zh=f"迎新{mark}", name_en=f"Welcome{mark}", words_zh=f"减{mark}", words_en=f"less{mark}"
    )
    change_promotion(promotion=made, now=NOW - timedelta(days=400), by=None, amount=100)
    return made


def make_draft(ladder: Ladder, mark: str) -> LadderDraft:
    """A change of the ladder that somebody drew, with benefits in words; silver is for sale."""
    ladder.tiers.filter(code="silver").update(price=100)
    for tier in ladder.tiers.all():
        Benefit.objects.create(tier=tier, kind="birthday", words_zh=f"茶{mark}", words_en=f"tea{mark}")
    return draw(ladder=ladder, name=f"Pearl{mark}", by=None)


def measure(draft: LadderDraft) -> None:
    """What the draft would do: everybody with gold would fall."""
    draft.tiers.filter(code="gold").update(threshold=7_000)
    run = ask_what_if(draft=draft, by=None, now=NOW)
    for chunk in Chunk.objects.filter(slot=run.slot):
        run_chunk(chunk.pk)


def look_back(rule: EarningRule) -> Backtest:
    """A draft that doubles what the rule gives, tried on the sales of ten days, by workers."""
    draft = keep_draft(rule=rule, by=None, kind=PointKind.objects.get(code="points"), points=2, per_amount=100)
    last = (NOW - timedelta(days=1)).date()
    made = ask_backtest(draft=draft, first=last - timedelta(days=9), last=last, whom=Whom(), by=None, now=NOW)
    for chunk in Chunk.objects.filter(slot=made.slot):
        run_chunk(chunk.pk)
    return Backtest.objects.get(pk=made.pk)


def make_corner(store: Store, name: str, phone: str, email: str, mark: str) -> Corner:
    """A store, its till, a member with a sale that earned and rose, a message, an import and a difference."""
    member = MemberFactory.create(
        name=name,
        phone=phone,
        email=email,
        home_store=store,
        now=NOW - timedelta(days=300),
        custom={"taste": f"甜{mark}"},
    )
    till = TillFactory.create(store=store, name=f"till{mark}")
    receipt = Receipt(
        receipt=f"R-{store.code}{mark}",
        happened_at=NOW - timedelta(days=1),
        currency="CNY",
        amount=600_100,
        discount=0,
        tender="cash",
        lines=[Line("TEA", f"龙井{mark}", 1, 600_100, 0)],
    )
    sale = sell(member=member, store=store, till=till, receipt=receipt, asked=Asked(True), now=NOW).recorded.sale
    return Corner(store, member, phone, email, {
        "members_store": store,
        "members_member": member,
        "members_till": till,
        "members_sale": Sale.objects.get(pk=sale),
        "members_return": bring_back(member, store, mark),
        "members_message": Message.objects.of(member).first(),
        **watch_over(member, mark),
        **write_down(member, mark),
        "loyalty_event": Event.objects.create(
            member=member, code="review", key=f"R{mark}", store=store, facts={"said": mark}, happened_at=NOW
        ),
        "loyalty_movement": Movement.objects.of(member).first(),
        "loyalty_tierchange": TierChange.objects.get(member=member),
        "loyalty_grant": give(member, mark),
        "loyalty_treat": put_aside(member, mark),
        "loyalty_hold": hold_and_release(
            member=member, kind=PointKind.objects.get(code="points"), points=1, store=store, till=till, key="1", now=NOW
        ),
        "loyalty_budgethold": keep_and_release(member=member, store=store, till=till),
        **sit_together(member, mark),
        **give_and_merge(member, mark),
        "loyalty_likeness": stand_twice(member),
        "loyalty_saleimport": make_import(store, name, phone, mark),
    })  # fmt: skip


def watch_over(member: Member, mark: str) -> dict[str, Any]:
    """Who looked at the member's contacts, what they allow, and that the night would erase them."""
    caller = UserFactory.create(username=f"caller-{member.home_store.code}")
    return {
        "members_look": Look.objects.create(member=member, user=caller, why=f"to call{mark}", looked_at=NOW),
        "members_erasure": Erasure.objects.create(
            member=member, status="proposed", reason=f"not seen{mark}", asked_at=NOW
        ),
        "members_consentchange": agree(member, mark),
    }


def agree(member: Member, mark: str) -> ConsentChange:
    """A yes to greetings by SMS, said at the counter."""
    by = UserFactory.create(username=f"asker-of-{member.home_store.code}")
    said = Said(source="staff", by=by, store=member.home_store, proof=f"slip{mark}")
    change = say(member=member, purpose="care", channel="sms", is_given=True, said=said, key="1", now=NOW)
    assert change is not None
    return change


def write_down(member: Member, mark: str) -> dict[str, Any]:
    """Where the member lives, a photo, a task about them, a correction that waits, a difference that a night found."""
    store = member.home_store
    settle_at(member=member, now=NOW, country="CN", city="上海", street=f"愚园路{mark}")
    put_on(member=member, tag=Tag.objects.get(), by=None, why=f"said so{mark}", now=NOW)
    keep_photo(member=member, raw=a_picture(), size=1, now=NOW)
    return {
        "members_note": Note.objects.create(
            member=member, words=f"window{mark}", due_on=NOW.date(), key="1", written_at=NOW,
            written_by=UserFactory.create(username=f"writer-{store.code}"),
        ),
        "loyalty_difference": Difference.objects.create(
            account=Account.objects.of(member).first(),
            member=member,
            found_at=NOW,
            proof="lots",
            stored={},
            computed={},
        ),
        "loyalty_correction": Correction.objects.create(
            member=member, kind=PointKind.objects.get(code="points"), purpose="adjust", points=9_999, note=f"why{mark}",
            reason=CorrectionReason.objects.get(code="goodwill"), needs_second=True, status="waiting", key="1",
            asked_by=UserFactory.create(username=f"asker-{store.code}"), asked_at=NOW,
            expires_at=NOW + timedelta(days=7),
        ),
    }  # fmt: skip


def sit_together(member: Member, mark: str) -> dict[str, Any]:
    """A household of one, in which something was drawn before."""
    household = start_household(head=member, now=NOW)
    return {
        "loyalty_seat": Seat.objects.get(member=member),
        "loyalty_draw": Draw.objects.create(
            member=member, drawer=member.pk, household=household, kind=PointKind.objects.get(code="points"), points=1,
            key=f"1{mark}", drawn_at=NOW,
        ),
    }  # fmt: skip


def give_and_merge(member: Member, mark: str) -> dict[str, Any]:
    """A gift of the member's, and a merge into them, as they stand written down."""
    by = UserFactory.create(username=f"merger-{member.home_store.code}")
    points = PointKind.objects.get(code="points")
    return {
        "loyalty_gift": Gift.objects.create(
            member=member, receiver=0, receiver_number="999", kind=points, points=1, note=f"tea{mark}"[:60], key="1",
            given_at=NOW,
        ),
        "loyalty_merge": Merge.objects.create(
            member=member, duplicate=0, duplicate_number="999", reason=f"same{mark}", key="1", merged_at=NOW,
            undo_until=NOW + timedelta(days=30), merged_by=by,
        ),
    }  # fmt: skip


def stand_twice(member: Member) -> Likeness:
    """The same person once more, in the same store, by a name that the night found."""
    twin = MemberFactory.create(
        name=member.name, phone="", wechat=f"twin_{member.home_store.code}_wx", home_store=member.home_store, now=NOW
    )
    return Likeness.objects.create(member=member, other=twin.pk, score=65, reasons=["name_day", "store"], found_at=NOW)


def bring_back(member: Member, store: Store, mark: str) -> Return:
    """Goods that came back before their sale: the return waits, and moves nothing."""
    asked = ReturnAsked(f"B-{store.code}{mark}", f"later{mark}", NOW, [LineAsked(1, 1)])
    made = record_return(member=member, at=Counter(store, store, actor=f"user{mark}"), asked=asked, now=NOW)
    return Return.objects.get(pk=made.goods_return)


def give(member: Member, mark: str) -> Grant:
    """A tier that waits below the one that the member earned."""
    silver = Tier.objects.get(code="silver")
    return sell_tier(member=member, tier=silver, reference=f"wx{mark}", key="k", now=NOW)


def put_aside(member: Member, mark: str) -> Treat:
    """A cake that waits for the member."""
    gold = Tier.objects.get(code="gold")
    return Treat.objects.create(
        member=member, ladder=gold.ladder, tier=gold, kind="joining", occasion="gold:2026-03-08", due_at=NOW,
        last_on=NOW.date(), words_zh=f"蛋糕{mark}", words_en=f"cake{mark}",
    )  # fmt: skip


def hold_and_release(*, now: datetime, **said: Any) -> Hold:
    """A hold that is over: it leaves the balances as they were."""
    return release_hold(hold=place_hold(now=now, **said), now=now)


def keep_and_release(*, store: Store, **said: Any) -> BudgetHold:
    """A hold of budgets that is over: it leaves them as they were."""
    kept = keep_budgets(store=store, taken={}, key="1", digest="", now=NOW, **said)
    return release_budgets(reference=kept.reference, store=store, now=NOW)


def make_import(store: Store, name: str, phone: str, mark: str) -> SaleImport:
    """An import that goes on, with a bad row that names somebody."""
    made = SaleImport.objects.create(
        digest="0", name=f"sales{mark}.csv", store=store, status="running", bytes_total=9, bad_rows=1
    )
    made.file.save("sales.csv", ContentFile(f"phone,name,date,amount\n{phone},{name},never,1\n".encode()))
    BadRow.objects.create(
        sale_import=made, line=2, cells=[phone, name, "never", "1"], code="bad_moment", reason=f"never{mark}"
    )
    return made


def make_roster(corner: Corner, by: User, mark: str) -> RosterImport:
    """A file of members that was tried: a row that could not be taken, and one that would change somebody."""
    made = RosterImport.objects.create(
        name=f"members{mark}.csv", store=corner.store, columns=[f"phone{mark}", f"name{mark}"],
        meaning=["phone", "name"], header="0", status="done", finished_at=NOW, rows_total=2, rows_read=2, bad_rows=1,
        changed=1, created_by=by,
    )  # fmt: skip
    name = corner.member.name
    made.file.save("members.csv", ContentFile(f"phone{mark},name{mark}\n{corner.phone},{name}\n".encode()))
    RosterRow.objects.create(
        roster_import=made, line=2, outcome="bad", cells=[corner.phone, name], code="bad_phone", reason=f"no{mark}"
    )
    RosterRow.objects.create(roster_import=made, line=3, outcome="changed", changes={"name": [name, f"new{mark}"]})
    return made


def make_extract(by: User, corner: Corner, mark: str) -> Extract:
    """A list that the owner took away."""
    made = Extract.objects.create(
        name=f"list{mark}", format="csv", language="en", status="done", finished_at=NOW, total=1, created_by=by
    )
    made.file.save("list", ContentFile(f"{corner.member.name},{corner.phone}\n".encode()))
    return made


def text_of(response: Any) -> str:
    """The words of a page, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def sold(member: Member, at: datetime, amount: int) -> Bought:
    """A sale without lines, in the member's store."""
    receipt = Receipt(f"{at:%d%H%M}-{amount}", at, "CNY", amount, 0, "cash", [])
    return Bought(member.pk, member.home_store_id, None, receipt)


def formset(prefix: str, count: int = 0) -> dict[str, str]:
    """What a browser says about an inline of a form."""
    return {f"{prefix}-TOTAL_FORMS": str(count), f"{prefix}-INITIAL_FORMS": "0"}
