"""Goals, and goods that are bought together."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0071_score_roles'),
    ]

    operations = [
        migrations.CreateModel(
            name='Goal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('kind', models.CharField(choices=[('members', 'number of members'), ('active', 'activity: percent of members who bought within 90 days'), ('repurchase', 'repurchase: percent of buyers who came back'), ('retention', 'retention: percent of the 90 days before who bought again')], max_length=10, verbose_name='what is measured')),
                ('target', models.PositiveIntegerField(verbose_name='target')),
                ('starts_on', models.DateField(verbose_name='first day')),
                ('ends_on', models.DateField(verbose_name='last day')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('store', models.ForeignKey(blank=True, help_text='Empty: all stores together.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.store', verbose_name='store')),
            ],
            options={
                'verbose_name': 'goal',
                'verbose_name_plural': 'goals',
                'constraints': [models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on'))), name='goal_ends_after_it_starts'), models.CheckConstraint(condition=models.Q(('target__gt', 0), models.Q(('kind', 'members'), ('target__lte', 100), _connector='OR')), name='goal_can_be_reached')],
            },
        ),
        migrations.CreateModel(
            name='Pair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('baskets', models.IntegerField(verbose_name='baskets')),
                ('with_product', models.IntegerField()),
                ('with_other', models.IntegerField()),
                ('together', models.IntegerField(verbose_name='baskets with both')),
                ('lift', models.FloatField(verbose_name='lift')),
                ('counted_on', models.DateField()),
                ('other', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='members.product', verbose_name='goes with')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='members.product', verbose_name='product')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('product', 'other'), name='pair_once'), models.CheckConstraint(condition=models.Q(('product', models.F('other')), _negated=True), name='pair_is_of_two'), models.CheckConstraint(condition=models.Q(('together__gt', 0), ('together__lte', models.F('with_product')), ('with_product__lte', models.F('baskets'))), name='pair_counts_baskets')],
            },
        ),
    ]
