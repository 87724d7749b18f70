"""The row of a member that the night keeps, and what the night finds."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0061_segment_roles'),
    ]

    operations = [
        migrations.CreateModel(
            name='ScoreNight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True, verbose_name='night')),
                ('window_days', models.PositiveSmallIntegerField(default=365)),
                ('cuts', models.JSONField(default=dict)),
                ('usual_days', models.PositiveIntegerField(null=True)),
                ('members', models.IntegerField(default=0)),
                ('buyers', models.IntegerField(default=0)),
                ('model', models.JSONField(default=dict)),
                ('finished_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='RfmScheme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.PositiveSmallIntegerField(default=365, verbose_name='window in days')),
                ('has_own_cuts', models.BooleanField(default=False, verbose_name='own cut points')),
                ('recency', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), blank=True, default=list, size=None, verbose_name='days since the last purchase')),
                ('frequency', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), blank=True, default=list, size=None, verbose_name='purchases in the window')),
                ('spend', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None, verbose_name='spend in the window')),
            ],
            options={
                'verbose_name': 'RFM scheme',
                'verbose_name_plural': 'RFM scheme',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='rfm_scheme_is_one_row'), models.CheckConstraint(condition=models.Q(('days__gte', 30), ('days__lte', 3650)), name='rfm_window_is_a_month_or_more'), models.CheckConstraint(condition=models.Q(('has_own_cuts', False), models.Q(('frequency__len', 4), ('recency__len', 4), ('spend__len', 4)), _connector='OR'), name='own_cuts_are_four_each')],
            },
        ),
        migrations.CreateModel(
            name='CellMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(verbose_name='month')),
                ('cell', models.CharField(choices=[('champion', 'Champions'), ('loyal', 'Loyal'), ('promising', 'Becoming loyal'), ('fresh', 'Newcomers'), ('wavering', 'Need attention'), ('sleepy', 'About to sleep'), ('precious', 'Must not be lost'), ('at_risk', 'At risk'), ('asleep', 'Asleep'), ('lost', 'Lost'), ('never', 'Never bought')], max_length=10, verbose_name='RFM cell')),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='cell_months', to='members.member')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('member', 'month'), name='cell_once_a_month')],
            },
        ),
        migrations.CreateModel(
            name='MemberScore',
            fields=[
                ('member', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='score', serialize=False, to='members.member')),
                ('sales', models.IntegerField(db_default=0, verbose_name='purchases')),
                ('days_bought', models.IntegerField(db_default=0, verbose_name='days with a purchase')),
                ('items', models.IntegerField(db_default=0, verbose_name='items')),
                ('spend', models.BigIntegerField(db_default=0, verbose_name='spend')),
                ('first_spend', models.BigIntegerField(db_default=0)),
                ('first_on', models.DateField(null=True, verbose_name='first purchase')),
                ('last_on', models.DateField(null=True, verbose_name='last purchase')),
                ('interval_days', models.IntegerField(null=True, verbose_name='average interval in days')),
                ('category', models.CharField(blank=True, db_default='', max_length=60, verbose_name='top category')),
                ('categories', models.SmallIntegerField(db_default=0, verbose_name='kinds of goods')),
                ('recent_sales', models.IntegerField(db_default=0, verbose_name='purchases in the window')),
                ('recent_spend', models.BigIntegerField(db_default=0, verbose_name='spend in the window')),
                ('quarter_sales', models.IntegerField(db_default=0, verbose_name='purchases in 90 days')),
                ('before_sales', models.IntegerField(db_default=0, verbose_name='purchases in the 90 days before')),
                ('recency', models.SmallIntegerField(null=True, verbose_name='recency')),
                ('frequency', models.SmallIntegerField(null=True, verbose_name='frequency')),
                ('monetary', models.SmallIntegerField(null=True, verbose_name='spend score')),
                ('cell', models.CharField(choices=[('champion', 'Champions'), ('loyal', 'Loyal'), ('promising', 'Becoming loyal'), ('fresh', 'Newcomers'), ('wavering', 'Need attention'), ('sleepy', 'About to sleep'), ('precious', 'Must not be lost'), ('at_risk', 'At risk'), ('asleep', 'Asleep'), ('lost', 'Lost'), ('never', 'Never bought')], db_default='never', max_length=10, verbose_name='RFM cell')),
                ('cell_before', models.CharField(blank=True, choices=[('champion', 'Champions'), ('loyal', 'Loyal'), ('promising', 'Becoming loyal'), ('fresh', 'Newcomers'), ('wavering', 'Need attention'), ('sleepy', 'About to sleep'), ('precious', 'Must not be lost'), ('at_risk', 'At risk'), ('asleep', 'Asleep'), ('lost', 'Lost'), ('never', 'Never bought')], db_default='', max_length=10, verbose_name='cell a month ago')),
                ('cell_month', models.DateField(null=True)),
                ('risk', models.CharField(blank=True, choices=[('low', 'low'), ('middle', 'middle'), ('high', 'high')], db_default='', max_length=6, verbose_name='churn risk')),
                ('alive', models.SmallIntegerField(null=True, verbose_name='still a customer')),
                ('expected_sales', models.FloatField(null=True, verbose_name='expected purchases in a year')),
                ('expected_value', models.BigIntegerField(null=True, verbose_name='expected value in a year')),
                ('decile', models.SmallIntegerField(null=True, verbose_name='value decile')),
                ('engagement', models.SmallIntegerField(db_default=0, verbose_name='engagement')),
                ('next_on', models.DateField(null=True, verbose_name='next purchase expected')),
                ('store', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.store', verbose_name='preferred store')),
            ],
            options={
                'verbose_name': 'member score',
                'verbose_name_plural': 'member scores',
                'indexes': [models.Index(fields=['cell', 'member'], name='score_by_cell')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('frequency', None), ('monetary', None), ('recency', None)), models.Q(('frequency__range', (1, 5)), ('monetary__range', (1, 5)), ('recency__range', (1, 5))), _connector='OR'), name='score_is_one_to_five'), models.CheckConstraint(condition=models.Q(('alive', None), ('alive__range', (0, 100)), _connector='OR'), name='alive_is_percent'), models.CheckConstraint(condition=models.Q(('decile', None), ('decile__range', (1, 10)), _connector='OR'), name='score_decile_is_a_tenth'), models.CheckConstraint(condition=models.Q(('engagement__range', (0, 100))), name='engagement_is_percent')],
            },
        ),
        migrations.CreateModel(
            name='StoreDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('taken_on', models.DateField(verbose_name='night')),
                ('members', models.IntegerField(verbose_name='members')),
                ('buyers', models.IntegerField(verbose_name='members who bought')),
                ('repeaters', models.IntegerField(verbose_name='members who bought again')),
                ('active', models.IntegerField(verbose_name='bought in 90 days')),
                ('before', models.IntegerField(verbose_name='bought in the 90 days before')),
                ('stayed', models.IntegerField(verbose_name='bought in both')),
                ('engagement', models.BigIntegerField(verbose_name='engagement, summed up')),
                ('spend', models.BigIntegerField(verbose_name='spend in the window')),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.store')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('taken_on', 'store'), name='store_once_a_night')],
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('taken_on', models.DateField()),
                ('name', models.CharField(max_length=10)),
                ('down', models.CharField(max_length=60)),
                ('across', models.CharField(db_default='', max_length=10)),
                ('members', models.IntegerField()),
                ('amount', models.BigIntegerField(db_default=0)),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.store')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'taken_on', 'store', 'down', 'across'), name='tally_once_a_night')],
            },
        ),
        migrations.RunSQL(  # rows are rewritten in place night after night
            "ALTER TABLE members_memberscore SET (fillfactor = 80)", "ALTER TABLE members_memberscore RESET (fillfactor)"
        ),
    ]
