-- Finds the answers that run, so that those of dead tasks are ended though nobody reads them. Holds as many
-- entries as answers run.
CREATE INDEX conversation_running ON conversation (running) WHERE running IS NOT NULL;
