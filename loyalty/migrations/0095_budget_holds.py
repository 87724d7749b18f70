
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0083_watch_returns'),
        ('members', '0042_household_messages'),
    ]

    operations = [
        migrations.CreateModel(
            name='BudgetHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('open', 'open'), ('used', 'used by a sale'), ('released', 'set free'), ('lapsed', 'time is up')], db_default='open', max_length=8, verbose_name='status')),
                ('key', models.CharField(max_length=240)),
                ('digest', models.CharField(max_length=64)),
                ('placed_at', models.DateTimeField(verbose_name='placed at')),
                ('expires_at', models.DateTimeField(verbose_name='held until')),
                ('closed_at', models.DateTimeField(null=True, verbose_name='over since')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='budget_holds', to='members.member', verbose_name='member')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.store', verbose_name='store')),
                ('till', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.till', verbose_name='till')),
            ],
            options={
                'verbose_name': 'hold of budgets',
                'verbose_name_plural': 'holds of budgets',
            },
        ),
        migrations.CreateModel(
            name='HeldPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.BigIntegerField(verbose_name='held')),
                ('budget', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.budget')),
                ('hold', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='loyalty.budgethold')),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.member')),
            ],
        ),
        migrations.AddIndex(
            model_name='budgethold',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['expires_at'], name='budget_hold_open'),
        ),
        migrations.AddConstraint(
            model_name='budgethold',
            constraint=models.UniqueConstraint(fields=('member', 'key'), name='budget_hold_once_per_key'),
        ),
        migrations.AddConstraint(
            model_name='budgethold',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('placed_at'))), name='budget_hold_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='budgethold',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('status', 'open')), models.Q(models.Q(('status', 'open'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='budget_hold_is_over_once'),
        ),
        migrations.AddConstraint(
            model_name='heldpart',
            constraint=models.UniqueConstraint(fields=('hold', 'budget', 'member'), name='held_part_once_per_budget'),
        ),
        migrations.AddConstraint(
            model_name='heldpart',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 1)), name='held_part_is_something'),
        ),
    ]
