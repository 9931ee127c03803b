-- Tells windows that follow a session when to look at its conversations again.
ALTER TABLE session ADD COLUMN version INTEGER NOT NULL DEFAULT 0;  -- grows with each change of a conversation
