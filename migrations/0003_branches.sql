-- Versions of messages: edited prompts, and answers that were asked for again.
--
-- A conversation whose messages all follow each other, which is most of them, has no leaf and no branch, and
-- costs nothing more than before. ChatCore/Domain/Branching.swift explains.

ALTER TABLE conversation ADD COLUMN leaf INTEGER;  -- the position of the last message that is shown; NULL: the newest

CREATE TABLE branch (
    conversation INTEGER NOT NULL REFERENCES conversation (number) ON DELETE CASCADE,
    first        INTEGER NOT NULL,               -- the position it begins with
    parent       INTEGER NOT NULL,               -- the position of the message that its first one follows
    version      INTEGER NOT NULL,               -- the conversation's, when another choice was last shown here
    PRIMARY KEY (conversation, first)
) STRICT, WITHOUT ROWID;
