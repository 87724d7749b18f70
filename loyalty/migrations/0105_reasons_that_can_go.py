"""A movement is final but for a reason that names somebody who was erased."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0098_promotion_draft_roles'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='movement',
            name='movement_is_final',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='movement',
            trigger=pgtrigger.compiler.Trigger(name='movement_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF TG_OP = 'UPDATE' AND OLD.reason <> '' AND NEW.reason = ''\n   AND to_jsonb(NEW) - 'reason' = to_jsonb(OLD) - 'reason'\nTHEN RETURN NEW;\nEND IF;\nRAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;\n", hash='e6fa1d4b79a132a3bf6888094cef5e0bb520ebaf', operation='UPDATE OR DELETE', pgid='pgtrigger_movement_is_final_ffffe', table='loyalty_movement', when='BEFORE')),
        ),
    ]
