"""What the demo shop knows of its members beyond a name: addresses, advisers, faces, tags, its own fields, origins."""

import io
import random
from datetime import datetime, timedelta

from PIL import Image, ImageDraw

from members.addresses.actions import settle_at
from members.advisers.actions import entrust
from members.completeness.actions import compute_range
from members.completeness.models import FullnessRule
from members.kit.hands import Hand, held
from members.origins.models import JoinCode, Origin
from members.people.actions import describe
from members.photos.actions import keep_photo
from members.profiles.actions import update_profile
from members.profiles.models import CustomField, Member
from members.stores.models import Store, User
from members.tags.actions import put_on, put_on_many
from members.tags.models import Tag

KNOWN = 120  # members of whom more is known
STREETS = ("南京西路 {n} 号", "愚园路 {n} 弄 3 号", "平江路 {n} 号", "北山街 {n} 号")
CITIES = (("上海市", "上海市", "静安区"), ("浙江省", "杭州市", "西湖区"), ("江苏省", "苏州市", "姑苏区"))
TAGS = (  # code, Chinese and English name, colour, days, for managers only
    ("nuts", "坚果过敏", "Allergic to nuts", "red", None, False),
    ("tasting", "品鉴会常客", "Comes to tastings", "green", 365, False),
    ("press", "媒体", "Press", "violet", None, True),
)
COLOURS = ("#C2410C", "#2C6A3B", "#1D4ED8", "#7E22CE", "#875300")


def tell_of_profiles(*, stores: list[Store], now: datetime) -> None:
    """Most of it about those who came first, so that the demo's own member has all of it."""
    chance = random.Random(31)  # noqa: S311 a believable shop, not a secret
    make_fields()
    members = list(Member.objects.current().select_related("home_store").order_by("pk")[:KNOWN])
    clerk = User.objects.get(username="clerk")
    with held(lambda: Hand("staff", clerk.pk)):
        for place, member in enumerate(members):
            fill_in(member, place, chance, now)
    tag(members, clerk, now)
    for member in [each for each in members if each.home_store in clerk.stores.all()][:30]:
        entrust(member=member, adviser=clerk, now=now - timedelta(days=60))
    for place, member in enumerate(members[:6]):
        face = a_face(COLOURS[place % len(COLOURS)])
        keep_photo(member=member, raw=face, size=face.getbuffer().nbytes, now=now - timedelta(days=20))
    come_by(stores, now)
    FullnessRule.objects.update(is_on=True)
    newest = Member.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    compute_range(first=0, last=newest, now=now)


def make_fields() -> None:
    """A field that members fill in, one that they see, one for the owner."""
    CustomField.objects.create(
        code="brew", kind="choice", name_zh="常喝的茶", name_en="Favourite tea", is_shown=True, is_asked=True,
        choices=["绿茶", "乌龙", "普洱", "花茶"], help_zh="方便我们为您推荐。",
        help_en="So that we can recommend some.",
    )  # fmt: skip
    CustomField.objects.create(
        code="cup", kind="text", name_zh="存杯号", name_en="Number of the kept cup", is_shown=True, position=1
    )
    CustomField.objects.create(
        code="credit", kind="yes_no", name_zh="可以挂账", name_en="May pay later", seen_by="owner", position=2
    )


def fill_in(member: Member, place: int, chance: random.Random, now: datetime) -> None:
    """An address, a gender, a tea; the member of the demo said all of it."""
    if place and chance.random() < 0.3:
        return
    province, city, district = CITIES[place % len(CITIES)]
    street = STREETS[place % len(STREETS)].format(n=chance.randrange(1, 900))
    settle_at(
        member=member, now=now, country="CN", province=province, city=city, district=district, street=street,
        postcode=("200040", "310007", "215005")[place % len(CITIES)],
    )  # fmt: skip
    describe(member=member, now=now, gender=chance.choice(["female", "male", ""]))
    update_profile(member=member, now=now, custom={"brew": chance.choice(["绿茶", "乌龙", "普洱"]), "cup": f"B{place}"})


def tag(members: list[Member], clerk: User, now: datetime) -> None:
    """A few tags, one of which has lapsed for some."""
    made = {}
    for place, (code, name_zh, name_en, colour, days, is_guarded) in enumerate(TAGS):
        made[code] = Tag.objects.create(
            code=code, name_zh=name_zh, name_en=name_en, colour=colour, days=days, is_guarded=is_guarded, position=place
        )
    put_on(member=members[0], tag=made["tasting"], by=clerk, why="春茶品鉴会", now=now - timedelta(days=30))
    put_on(member=members[3], tag=made["nuts"], by=clerk, why="点单时告知", now=now - timedelta(days=200))
    some = [member.pk for member in members[5:40:3]]
    put_on_many(members=some, tag=made["tasting"], by=clerk, why="去年的品鉴会", now=now - timedelta(days=400))


def come_by(stores: list[Store], now: datetime) -> None:
    """A poster in the first store, and a campaign that is over."""
    poster = JoinCode.objects.create(
        code="lane-door", name_zh="弄堂店门口海报", name_en="Poster at the lane", store=stores[0]
    )
    JoinCode.objects.create(code="spring-2026", name_zh="春茶节", name_en="Spring tea festival", is_on=False)
    for member in Member.objects.current().filter(home_store=stores[0]).order_by("-pk")[:25]:
        Origin.objects.create(member=member, code=poster, came_at=member.enrolled_at)


def a_face(colour: str) -> io.BytesIO:
    """Nobody's: a drawing, so that the demo shows no real person."""
    picture = Image.new("RGB", (480, 480), "#F3EDE3")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((150, 90, 330, 270), fill=colour)
    draw.pieslice((70, 290, 410, 630), 180, 360, fill=colour)
    out = io.BytesIO()
    picture.save(out, "JPEG")
    out.seek(0)
    return out
