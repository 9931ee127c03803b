-- What a model thought aloud before it answered: kept apart from the answer's text, and read only for messages
-- that have any.
ALTER TABLE part ADD COLUMN is_reasoning INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN reasoning_bytes INTEGER NOT NULL DEFAULT 0;  -- of one that ended; of UTF-8

CREATE TABLE reasoning (
    message INTEGER PRIMARY KEY REFERENCES message (number) ON DELETE CASCADE,
    text    TEXT    NOT NULL
) STRICT;
