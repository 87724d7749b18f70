"""Looks at contacts, erasures, steps of privacy, rules of retention."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0052_consent_roles'),
    ]

    operations = [
        migrations.CreateModel(
            name='PrivacyRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('waiting_days', models.PositiveSmallIntegerField(db_default=7, validators=[django.core.validators.MaxValueValidator(30)], verbose_name='days in which an erasure can be taken back')),
            ],
            options={
                'verbose_name': 'rule of privacy',
                'verbose_name_plural': 'rules of privacy',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='privacy_rule_is_one')],
            },
        ),
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(editable=False, max_length=30, unique=True, verbose_name='code')),
                ('months', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(600)], verbose_name='months')),
                ('is_on', models.BooleanField(default=True, verbose_name='in use')),
            ],
            options={
                'verbose_name': 'rule of retention',
                'verbose_name_plural': 'rules of retention',
                'constraints': [models.CheckConstraint(condition=models.Q(('months__gte', 1)), name='retention_has_months')],
            },
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('proposed', 'proposed'), ('waiting', 'waiting'), ('withdrawn', 'taken back'), ('dismissed', 'kept'), ('done', 'erased')], max_length=9, verbose_name='status')),
                ('reason', models.CharField(blank=True, db_default='', max_length=200, verbose_name='reason')),
                ('obstacle', models.CharField(blank=True, db_default='', max_length=40, verbose_name='what stands in the way')),
                ('asked_at', models.DateTimeField(verbose_name='asked at')),
                ('due_at', models.DateTimeField(null=True, verbose_name='due at')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended at')),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='erasures', to='members.member', verbose_name='member')),
            ],
            options={
                'verbose_name': 'erasure',
                'verbose_name_plural': 'erasures',
                'permissions': [('erase_member', 'Can erase members, and restrict what is done with their data')],
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['due_at'], name='erasure_due')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['proposed', 'waiting'])), fields=('member',), name='erasure_waits_once'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'waiting'), _negated=True), models.Q(('due_at', None), _negated=True), _connector='OR'), name='erasure_that_waits_is_due'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('status__in', ['proposed', 'waiting'])), models.Q(models.Q(('status__in', ['proposed', 'waiting']), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='erasure_ends_once')],
            },
        ),
        migrations.CreateModel(
            name='Look',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.CharField(max_length=200, verbose_name='why')),
                ('looked_at', models.DateTimeField(verbose_name='when')),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='looks', to='members.member')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
            ],
            options={
                'verbose_name': 'look at contacts',
                'verbose_name_plural': 'looks at contacts',
                'indexes': [models.Index(fields=['member', '-looked_at'], name='look_by_member'), models.Index(fields=['looked_at'], name='look_by_moment')],
                'constraints': [models.CheckConstraint(condition=models.Q(('why', ''), _negated=True), name='look_has_a_reason')],
            },
        ),
        migrations.CreateModel(
            name='PrivacyStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(choices=[('downloaded', 'all data taken along'), ('restricted', 'kept and not used'), ('lifted', 'used again'), ('asked', 'erasure asked for'), ('withdrawn', 'erasure taken back'), ('erased', 'erased')], max_length=10, verbose_name='what')),
                ('happened_at', models.DateTimeField(verbose_name='happened at')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='privacy_steps', to='members.member')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
            ],
            options={
                'verbose_name': 'step of privacy',
                'verbose_name_plural': 'steps of privacy',
                'indexes': [models.Index(fields=['member', '-happened_at'], name='privacy_step_by_member')],
            },
        ),
    ]
