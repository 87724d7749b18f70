"""Consents with their proofs, preferences, contact rules; members who are restricted or erased."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0042_household_messages'),
    ]

    operations = [
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('service', 'service'), ('care', 'care'), ('marketing', 'marketing'), ('survey', 'survey'), ('profiling', 'profiling')], max_length=10, verbose_name='purpose')),
                ('channel', models.CharField(blank=True, choices=[('inbox', 'inbox'), ('email', 'e-mail'), ('sms', 'SMS')], db_default='', max_length=8, verbose_name='channel')),
                ('is_given', models.BooleanField(verbose_name='said yes')),
                ('is_own', models.BooleanField(verbose_name='said in person')),
                ('since', models.DateTimeField(verbose_name='since')),
            ],
            options={
                'verbose_name': 'consent',
                'verbose_name_plural': 'consents',
            },
        ),
        migrations.CreateModel(
            name='ConsentChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('service', 'service'), ('care', 'care'), ('marketing', 'marketing'), ('survey', 'survey'), ('profiling', 'profiling')], max_length=10, verbose_name='purpose')),
                ('channel', models.CharField(blank=True, choices=[('inbox', 'inbox'), ('email', 'e-mail'), ('sms', 'SMS')], db_default='', max_length=8, verbose_name='channel')),
                ('is_given', models.BooleanField(verbose_name='said yes')),
                ('source', models.CharField(choices=[('portal', 'the member, in the portal'), ('mail', 'the member, by the link in a mail'), ('link', 'the member, by an unsubscribe link'), ('staff', 'staff, at the counter'), ('merge', 'two members became one')], max_length=8, verbose_name='from where')),
                ('language', models.CharField(blank=True, db_default='', max_length=10, verbose_name='language')),
                ('proof', models.CharField(blank=True, db_default='', max_length=200, verbose_name='shown by')),
                ('trace', models.CharField(blank=True, db_default='', max_length=60, verbose_name='address on the net')),
                ('guardian', models.CharField(blank=True, db_default='', max_length=100, verbose_name='guardian')),
                ('key', models.CharField(max_length=120)),
                ('happened_at', models.DateTimeField(verbose_name='happened at')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name': 'change of consent',
                'verbose_name_plural': 'changes of consents',
            },
        ),
        migrations.CreateModel(
            name='ContactRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('care', 'care'), ('marketing', 'marketing'), ('survey', 'survey')], editable=False, max_length=10, unique=True, verbose_name='purpose')),
                ('inbox_unasked', models.BooleanField(help_text="A message in the member's own pages disturbs nobody; a no counts there as everywhere.", verbose_name='to the inbox of those who were never asked')),
                ('most_a_day', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='at most in a day')),
                ('most_a_week', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='at most in 7 days')),
                ('most_a_month', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='at most in 30 days')),
                ('quiet_from', models.TimeField(blank=True, null=True, verbose_name='quiet from')),
                ('quiet_until', models.TimeField(blank=True, null=True, verbose_name='quiet until')),
            ],
            options={
                'verbose_name': 'contact rule',
                'verbose_name_plural': 'contact rules',
            },
        ),
        migrations.CreateModel(
            name='ErasedIdentity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('phone', 'phone'), ('email', 'e-mail'), ('card', 'card'), ('wechat', 'WeChat')], max_length=8)),
                ('digest', models.CharField(max_length=64)),
                ('erased_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Guardian',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='guardian')),
                ('proof', models.CharField(max_length=200, verbose_name='shown by')),
                ('recorded_at', models.DateTimeField(verbose_name='written at')),
            ],
            options={
                'verbose_name': 'guardian',
                'verbose_name_plural': 'guardians',
            },
        ),
        migrations.CreateModel(
            name='OptIn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('purposes', models.JSONField()),
                ('source', models.CharField(choices=[('portal', 'the member, in the portal'), ('mail', 'the member, by the link in a mail'), ('link', 'the member, by an unsubscribe link'), ('staff', 'staff, at the counter'), ('merge', 'two members became one')], max_length=8, verbose_name='from where')),
                ('language', models.CharField(max_length=10, verbose_name='language')),
                ('proof', models.CharField(blank=True, db_default='', max_length=200, verbose_name='shown by')),
                ('asked_at', models.DateTimeField(verbose_name='asked at')),
                ('expires_at', models.DateTimeField(verbose_name='good until')),
                ('used_at', models.DateTimeField(null=True, verbose_name='used at')),
            ],
            options={
                'verbose_name': 'opt-in by e-mail',
                'verbose_name_plural': 'opt-ins by e-mail',
            },
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('most_a_month', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='at most a month')),
                ('paused_until', models.DateField(blank=True, null=True, verbose_name='paused until')),
                ('unwanted', models.JSONField(default=list)),
                ('time_zone', models.CharField(blank=True, db_default='', max_length=40, verbose_name='time zone')),
                ('changed_at', models.DateTimeField(verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'preferences of a member',
                'verbose_name_plural': 'preferences of members',
            },
        ),
        migrations.CreateModel(
            name='Topic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=30, unique=True, verbose_name='code')),
                ('name_zh', models.CharField(max_length=40, verbose_name='name in Chinese')),
                ('name_en', models.CharField(max_length=40, verbose_name='name in English')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='position')),
                ('is_on', models.BooleanField(default=True, verbose_name='in use')),
            ],
            options={
                'verbose_name': 'topic of messages',
                'verbose_name_plural': 'topics of messages',
            },
        ),
        migrations.CreateModel(
            name='Wording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('care', 'care'), ('marketing', 'marketing'), ('survey', 'survey'), ('profiling', 'profiling')], max_length=10, verbose_name='purpose')),
                ('version', models.PositiveIntegerField(editable=False, verbose_name='version')),
                ('text_zh', models.TextField(max_length=1000, verbose_name='words in Chinese')),
                ('text_en', models.TextField(max_length=1000, verbose_name='words in English')),
                ('written_at', models.DateTimeField(editable=False, verbose_name='written at')),
            ],
            options={
                'verbose_name': 'wording of a consent',
                'verbose_name_plural': 'wordings of consents',
            },
        ),
        migrations.AddField(
            model_name='member',
            name='erased_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='erased at'),
        ),
        migrations.AddField(
            model_name='member',
            name='restricted_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='restricted at'),
        ),
        migrations.AddField(
            model_name='message',
            name='topic',
            field=models.CharField(blank=True, db_default='', max_length=30, verbose_name='topic'),
        ),
        migrations.AlterField(
            model_name='message',
            name='purpose',
            field=models.CharField(choices=[('service', 'service'), ('care', 'care'), ('marketing', 'marketing'), ('survey', 'survey'), ('profiling', 'profiling')], max_length=10, verbose_name='purpose'),
        ),
        migrations.AddIndex(
            model_name='member',
            index=models.Index(condition=models.Q(('restricted_at__isnull', False)), fields=['restricted_at'], name='member_restricted'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.CheckConstraint(condition=models.Q(('erased_at', None), models.Q(('birth_on', None), ('custom', {}), ('name', ''), ('user', None)), _connector='OR'), name='member_erased_is_nobody'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('purpose', 'profiling'), _negated=True), name='message_is_for_somebody'),
        ),
        migrations.AddField(
            model_name='consent',
            name='member',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='members.member'),
        ),
        migrations.AddField(
            model_name='consentchange',
            name='member',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='consent_changes', to='members.member'),
        ),
        migrations.AddField(
            model_name='consentchange',
            name='recorded_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by'),
        ),
        migrations.AddField(
            model_name='consentchange',
            name='store',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.store', verbose_name='store'),
        ),
        migrations.AddField(
            model_name='consent',
            name='change',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.consentchange', verbose_name='shown by'),
        ),
        migrations.AddConstraint(
            model_name='contactrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('quiet_from', None), ('quiet_until', None)), models.Q(('quiet_from__isnull', False), ('quiet_until__isnull', False), models.Q(('quiet_from', models.F('quiet_until')), _negated=True)), _connector='OR'), name='quiet_hours_begin_and_end'),
        ),
        migrations.AddConstraint(
            model_name='erasedidentity',
            constraint=models.UniqueConstraint(fields=('kind', 'digest'), name='erased_identity_once'),
        ),
        migrations.AddField(
            model_name='guardian',
            name='member',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='guardian', to='members.member'),
        ),
        migrations.AddField(
            model_name='guardian',
            name='recorded_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by'),
        ),
        migrations.AddField(
            model_name='optin',
            name='identity',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='members.identity'),
        ),
        migrations.AddField(
            model_name='optin',
            name='member',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opt_ins', to='members.member'),
        ),
        migrations.AddField(
            model_name='optin',
            name='recorded_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by'),
        ),
        migrations.AddField(
            model_name='optin',
            name='store',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.store', verbose_name='store'),
        ),
        migrations.AddField(
            model_name='preference',
            name='member',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='preference', to='members.member'),
        ),
        migrations.AddField(
            model_name='wording',
            name='written_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='consentchange',
            name='wording',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.wording', verbose_name='wording'),
        ),
        migrations.AddIndex(
            model_name='consent',
            index=models.Index(fields=['purpose', 'channel', 'is_given', 'member'], name='consent_counted'),
        ),
        migrations.AddConstraint(
            model_name='consent',
            constraint=models.UniqueConstraint(fields=('member', 'purpose', 'channel'), name='consent_stands_once'),
        ),
        migrations.AddConstraint(
            model_name='guardian',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), models.Q(('proof', ''), _negated=True)), name='guardian_is_shown'),
        ),
        migrations.AddConstraint(
            model_name='optin',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('asked_at'))), name='opt_in_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='wording',
            constraint=models.UniqueConstraint(fields=('purpose', 'version'), name='wording_version_once'),
        ),
        migrations.AddConstraint(
            model_name='wording',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('text_zh', ''), _negated=True), models.Q(('text_en', ''), _negated=True)), name='wording_has_words'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='wording',
            trigger=pgtrigger.compiler.Trigger(name='wording_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e51dafd31e3ee7320c023525aa710eb95788157b', operation='UPDATE OR DELETE', pgid='pgtrigger_wording_is_final_bbdda', table='members_wording', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='consentchange',
            index=models.Index(fields=['member', '-happened_at'], name='consent_change_by_member'),
        ),
        migrations.AddConstraint(
            model_name='consentchange',
            constraint=models.UniqueConstraint(fields=('member', 'key'), name='consent_change_once_per_key'),
        ),
        migrations.AddConstraint(
            model_name='consentchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('channel', ''), ('purpose', 'profiling')), models.Q(('purpose__in', ['care', 'marketing', 'survey']), models.Q(('channel', ''), _negated=True)), _connector='OR'), name='consent_change_is_about_something'),
        ),
        migrations.AddConstraint(
            model_name='consentchange',
            constraint=models.CheckConstraint(condition=models.Q(('is_given', False), ('wording__isnull', False), _connector='OR'), name='consent_yes_has_wording'),
        ),
        migrations.AddConstraint(
            model_name='consentchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('source', 'staff'), _negated=True), ('is_given', False), models.Q(models.Q(('proof', ''), _negated=True), ('recorded_by__isnull', False)), _connector='OR'), name='consent_of_staff_has_proof'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentchange',
            trigger=pgtrigger.compiler.Trigger(name='consent_proof_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE'\n   AND to_jsonb(NEW) - ARRAY['proof', 'trace', 'guardian'] = to_jsonb(OLD) - ARRAY['proof', 'trace', 'guardian']\n   AND NEW.proof IN (OLD.proof, 'erased') AND NEW.trace IN (OLD.trace, 'erased')\n   AND NEW.guardian IN (OLD.guardian, 'erased')\nTHEN RETURN NEW;\nEND IF;\nRAISE EXCEPTION 'proofs of consent are never changed or deleted';\n", hash='7153667af2cfa299fd5f96d33f7b98e8d8248a31', operation='UPDATE OR DELETE', pgid='pgtrigger_consent_proof_is_final_b0e07', table='members_consentchange', when='BEFORE')),
        ),
    ]
