"""People, stores and tills for tests, each with a name. Members are enrolled as the shop enrols them."""

import io
from datetime import UTC, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory
from PIL import Image

from members.profiles.actions import enrol
from members.profiles.models import Member
from members.stores.actions import open_till
from members.stores.models import Store, StoreStaff, Till, User

NOW = datetime(2026, 3, 9, 4, 0, tzinfo=UTC)  # noon on a Monday in Shanghai
SOURCE = Member.Source.TILL


class UserFactory(DjangoModelFactory[User]):
    """Staff; `stores` are those where they work, `role` the group they are in."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"staff{n}")
    first_name = "Anna"
    is_staff = True

    @factory.post_generation
    def stores(self, create: bool, stores: list[Store] | None, **_: Any) -> None:
        for store in stores or []:
            StoreStaff.objects.create(user=self, store=store)

    @factory.post_generation
    def role(self, create: bool, role: str | None, **_: Any) -> None:
        if role:
            from django.contrib.auth.models import Group

            self.groups.add(Group.objects.get(name=role))


class StoreFactory(DjangoModelFactory[Store]):
    class Meta:
        model = Store

    code = factory.Sequence(lambda n: f"store-{n}")
    name_zh = "静安店"
    name_en = "Jing'an"
    city = "上海"


class TillFactory(DjangoModelFactory[Till]):
    """A till; its key, which only the one who opened it knows, is in `key`."""

    class Meta:
        model = Till

    store = factory.SubFactory(StoreFactory)
    name = factory.Sequence(lambda n: f"till {n}")

    @classmethod
    def _create(cls, model_class: type[Till], *args: Any, **kwargs: Any) -> Till:
        till, till.key = open_till(**kwargs)
        return till


class MemberFactory(DjangoModelFactory[Member]):
    """A member enrolled through the verb: `phone`, `email`, `card`, `wechat` become identities."""

    class Meta:
        model = Member

    name = "王芳"
    phone = factory.Sequence(lambda n: f"147{n:08d}")  # no test writes such a number itself
    home_store = factory.SubFactory(StoreFactory)
    source = SOURCE
    now = NOW

    @classmethod
    def _create(cls, model_class: type[Member], *args: Any, **kwargs: Any) -> Member:
        kinds = ("phone", "email", "card", "wechat")
        identities = {kind: kwargs.pop(kind) for kind in kinds if kwargs.get(kind)}
        for kind in kinds:
            kwargs.pop(kind, None)
        return enrol(identities=identities, store=kwargs.pop("home_store"), **kwargs)


def a_picture(size: tuple[int, int] = (40, 30), form: str = "JPEG", **more: Any) -> io.BytesIO:
    """A picture as a camera or a browser hands it in."""
    out = io.BytesIO()
    Image.new("RGB", size, "#C2410C").save(out, form, **more)
    out.seek(0)
    return out
