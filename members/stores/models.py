"""Nouns: people who sign in, stores, who may see which, tills."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """Somebody who signs in: staff into the admin, members into the portal."""

    sees_all_stores = models.BooleanField(_("sees all stores"), default=False)
    stores: "models.ManyToManyField[Store, StoreStaff]" = models.ManyToManyField(
        "Store", through="StoreStaff", related_name="staff"
    )

    def __str__(self) -> str:
        return f"#{self.pk} {self.username}"


class Store(models.Model):
    """A shop, or a web shop, where sales happen."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=100)
    name_en = models.CharField(_("name in English"), max_length=100)
    city = models.CharField(_("city"), max_length=60, blank=True)
    is_open = models.BooleanField(_("is open"), default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")

    def __str__(self) -> str:
        return f"#{self.pk} {self.code}"


class StoreStaff(models.Model):
    """That a person works in a store, and so sees its members and sales."""

    user = models.ForeignKey(User, models.CASCADE, related_name="posts")
    store = models.ForeignKey(Store, models.PROTECT, related_name="posts", verbose_name=_("store"))

    class Meta:
        constraints = [models.UniqueConstraint(name="staff_once_per_store", fields=["user", "store"])]
        verbose_name = _("staff post")
        verbose_name_plural = _("staff posts")

    def __str__(self) -> str:
        return f"#{self.pk} {self.user_id}@{self.store_id}"


class Till(models.Model):
    """A cash register or web shop that calls the API with its own key."""

    store = models.ForeignKey(Store, models.PROTECT, related_name="tills", verbose_name=_("store"))
    name = models.CharField(_("name"), max_length=60)
    key_prefix = models.CharField(_("key begins with"), max_length=12)  # enough for people to tell keys apart
    key_hash = models.CharField(max_length=64)  # SHA-256 of 256 random bits; the key itself is shown once
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("till")
        verbose_name_plural = _("tills")
        constraints = [
            models.UniqueConstraint(name="till_key_is_its_own", fields=["key_hash"]),
            models.UniqueConstraint(
                name="till_name_once_per_store", fields=["store", "name"], condition=Q(revoked_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"
