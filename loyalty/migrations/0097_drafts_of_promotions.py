# Drafts of promotions, and backtests of them.

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0096_budget_hold_roles'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='backtest',
            name='draft',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='backtests', to='loyalty.ruledraft', verbose_name='draft'),
        ),
        migrations.CreateModel(
            name='PromotionDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('says', models.JSONField()),
                ('digest', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='drawn at')),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('promotion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='drafts', to='loyalty.promotion', verbose_name='promotion')),
            ],
            options={
                'verbose_name': 'draft of a promotion',
                'verbose_name_plural': 'drafts of promotions',
            },
        ),
        migrations.AddField(
            model_name='backtest',
            name='promotion_draft',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='backtests', to='loyalty.promotiondraft', verbose_name='draft of a promotion'),
        ),
        migrations.AddConstraint(
            model_name='backtest',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'running')), fields=('promotion_draft',), name='backtest_runs_once_a_promotion'),
        ),
        migrations.AddConstraint(
            model_name='backtest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('draft', None), ('promotion_draft__isnull', False)), models.Q(('draft__isnull', False), ('promotion_draft', None)), _connector='OR'), name='backtest_of_one_draft'),
        ),
        migrations.AddConstraint(
            model_name='promotiondraft',
            constraint=models.UniqueConstraint(fields=('promotion', 'digest'), name='promotion_draft_once'),
        ),
    ]
