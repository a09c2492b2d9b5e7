"""The tables of federated training hold at least the columns that were asked for; names are part of what others build on."""

import pytest

from app.engine.store.schema import metadata

ASKED = {
    "federated_training_sessions": (
        "session_name model_architecture privacy_config participating_nodes current_round convergence_metric status started_at"
    ),
    "federated_updates": "session_id round_number node_id model_update metrics privacy_spent submitted_at",
}


@pytest.mark.parametrize("table", ASKED)
def test_a_table_of_training_has_every_column_asked_for(table):
    assert set(ASKED[table].split()) - set(metadata.tables[table].c.keys()) == set()
