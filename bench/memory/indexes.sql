-- The indexes that are not part of a table; made last, which is faster.

CREATE INDEX "ix_AttackResultEntries_attribution_parent_id" ON "AttackResultEntries" (attribution_parent_id);
CREATE INDEX "ix_AttackResultEntries_conversation_id" ON "AttackResultEntries" (conversation_id);
CREATE INDEX "ix_AttackResultEntries_timestamp_id" ON "AttackResultEntries" (timestamp, id);
CREATE INDEX "ix_AttackResultEntries_attribution_parent_timestamp_id" ON "AttackResultEntries" (attribution_parent_id, timestamp, id);
CREATE INDEX "ix_ScenarioResultEntries_timestamp_id" ON "ScenarioResultEntries" (timestamp, id);
