"""Staff change a ladder by a draft, give and take back tiers, and read how fair the way up is."""

from datetime import timedelta

from loyalty.tasks import run_chunk
from loyalty.tiers.models import Grant, Ladder, Standing, Tier
from loyalty.whatif.models import LadderDraft
from members.kit.models import Chunk
from tests.factories import NOW
from tests.world import formset, text_of

DRAFTS = "/admin/loyalty/ladderdraft/"


def drawn(client) -> LadderDraft:
    client.post(f"{DRAFTS}add/", {"ladder": Ladder.objects.get().pk, "name": "Pearls"})
    return LadderDraft.objects.get(name="Pearls")


def work() -> None:
    """What a worker would do."""
    for chunk in Chunk.objects.unfinished().filter(slot__contains=":").values_list("pk", flat=True):
        run_chunk(chunk)


def test_a_draft_goes_from_the_first_word_to_force(world):
    client = world.client("owner")
    draft = drawn(client)
    assert draft.tiers.count() == Tier.objects.count()
    page = f"{DRAFTS}{draft.pk}/change/"
    assert "Run the what-if" in text_of(client.get(page))
    assert "Run the what-if on the draft" in text_of(client.get(f"{DRAFTS}{draft.pk}/publish/"))
    draft.tiers.create(place=25, code="pearl", name_zh="珍珠", name_en="Pearl", threshold=2_500, multiplier=120)
    draft.tiers.filter(code="gold").update(threshold=7_000)

    client.post(f"{DRAFTS}{draft.pk}/measure/")
    assert "every 2s" in client.get(f"{DRAFTS}{draft.pk}/state/").content.decode()
    assert "0% of the members judged" in text_of(client.get(page))
    work()
    measured = text_of(client.get(f"{DRAFTS}{draft.pk}/state/"))
    assert "Would fall 2" in measured
    assert "2 100.0%" in measured
    moves = text_of(client.get(f"{DRAFTS}{draft.pk}/moves/?before=gold&after=pearl"))
    assert world.here.member.number in moves
    csv = b"".join(client.get(f"{DRAFTS}{draft.pk}/moves.csv").streaming_content).decode()
    assert csv.count("gold,pearl,6000,") == 2
    assert "Judge everybody now" in text_of(client.get(f"{DRAFTS}{draft.pk}/publish/"))
    client.post(f"{DRAFTS}{draft.pk}/publish/", {"mode": "recompute"})
    work()

    draft.refresh_from_db()
    assert (draft.status, draft.published_by) == ("published", world.people["owner"])
    assert Standing.objects.filter(tier__code="pearl").count() == 2
    assert "In force since" in text_of(client.get(page))
    assert "Pearl" in text_of(client.get(f"/admin/members/member/{world.here.member.pk}/change/"))


def test_a_draft_that_is_no_ladder_says_why_and_offers_no_what_if(world):
    client = world.client("marketer")
    draft = drawn(client)
    draft.tiers.filter(code="gold").update(threshold=1_000)

    page = text_of(client.get(f"{DRAFTS}{draft.pk}/change/"))
    assert "have the same threshold" in page
    client.post(f"{DRAFTS}{draft.pk}/measure/")

    assert not draft.what_ifs.exists()


def test_who_draws_does_not_publish(world):
    client = world.client("marketer")
    draft = drawn(client)
    client.post(f"{DRAFTS}{draft.pk}/measure/")
    work()

    assert client.post(f"{DRAFTS}{draft.pk}/publish/", {"mode": "keep"}).status_code == 403
    draft.refresh_from_db()
    assert draft.status == "open"
    assert world.client("manager").post(f"{DRAFTS}{draft.pk}/measure/").status_code == 403


def test_a_manager_gives_a_tier_to_a_member_of_their_store_and_takes_it_back(world):
    client = world.client("manager")
    diamond = Tier.objects.get(code="diamond")
    said = {"number": world.here.member.number, "tier": diamond.pk, "last_day": "2026-06-30", "reason": "补偿"}

    assert client.post("/admin/loyalty/grant/add/", said).status_code == 302
    given = Grant.objects.get(held_by="manual")
    assert given.actor == f"staff:{world.people['manager'].pk}"
    assert Standing.objects.get(member=world.here.member).tier == diamond
    member = text_of(client.get(f"/admin/members/member/{world.here.member.pk}/change/"))
    assert "given by staff" in member
    client.post(f"/admin/loyalty/grant/{given.pk}/take-back/", {"reason": "误操作"})

    assert Standing.objects.get(member=world.here.member).tier.code == "gold"


def test_what_cannot_be_given_is_said_in_the_form(world):
    client = world.client("manager")
    before = Grant.objects.count()
    said = {"tier": Tier.objects.get(code="diamond").pk, "last_day": "2026-06-30", "reason": "x"}

    theirs = client.post("/admin/loyalty/grant/add/", said | {"number": world.there.member.number})
    late = client.post(
        "/admin/loyalty/grant/add/", said | {"number": world.here.member.number, "last_day": "2026-03-01"}
    )

    assert "Nobody in your stores has this number" in text_of(theirs)
    assert "A tier is given until a day to come" in text_of(late)
    assert Grant.objects.count() == before


def test_a_manager_protects_a_member_of_their_store_only(world):
    client = world.client("manager")
    said = {"ladder": Ladder.objects.get().pk, "protect": "1", "reason": "股东"}

    client.post(f"/admin/members/member/{world.here.member.pk}/protect/", said)
    there = client.post(f"/admin/members/member/{world.there.member.pk}/protect/", said)

    assert there.status_code == 404
    assert list(Standing.objects.filter(is_protected=True).values_list("member", flat=True)) == [world.here.member.pk]
    clerk = world.client("clerk").post(f"/admin/members/member/{world.here.member.pk}/protect/", said)
    assert clerk.status_code == 403


def test_tiers_that_make_no_ladder_are_refused_in_the_form(world):
    ladder = Ladder.objects.get()
    tiers = list(ladder.tiers.order_by("threshold"))
    said = {
        "code": "main", "name_zh": "等级", "name_en": "Tiers", "position": "0", "basis": "growth", "kind": "",
        "window": "rolling", "months": "12", "validity": "", "validity_months": "12", "rounding": "",
        "grace_days": "0", "at_end": "recompute", "warn_days": "30",
    }  # fmt: skip
    said |= formset("tiers", len(tiers)) | {"tiers-INITIAL_FORMS": str(len(tiers))}
    for place, tier in enumerate(tiers):
        said |= {
            f"tiers-{place}-{name}": str(getattr(tier, name))
            for name in ("id", "code", "name_zh", "name_en", "threshold", "multiplier", "colour")
        }
        said |= {f"tiers-{place}-ladder": str(ladder.pk), f"tiers-{place}-retention": "900" if place in {1, 2} else ""}
    address = f"/admin/loyalty/ladder/{ladder.pk}/change/"
    assert world.client("owner").post(address, said).status_code == 302

    refused = world.client("owner").post(address, said | {"tiers-2-retention": "800"})

    assert "must not ask for less" in text_of(refused)
    empty = world.client("owner").post(address, said | {"months": "0"})
    assert empty.status_code == 200
    assert Tier.objects.get(code="gold").retention == 900


def test_the_report_on_the_way_up_shows_the_readers_stores(world):
    analyst = text_of(world.client("analyst").get(f"{DRAFTS}fairness/"))
    manager = text_of(world.client("manager").get(f"{DRAFTS}fairness/?by=store"))

    assert "Median days to each tier" in analyst
    assert "静安店" in manager or "静安店 in English" in manager
    assert "黄浦店" not in manager
    assert NOW - timedelta(days=1)
