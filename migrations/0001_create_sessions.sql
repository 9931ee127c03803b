-- One shard: sessions with all they own. Applied in one transaction together with its row in
-- schema_migration.
--
-- Every turn must touch the same number of pages, the thousandth like the first. Hence: counters instead of
-- COUNT(*), long texts in the last column or in a table of their own, a running answer's text as appended
-- parts, and messages clustered by conversation and position through their rowid.

-- "Stoa", so that `file` and the backup tools know the file.
PRAGMA application_id = 0x53746f61;

CREATE TABLE session (
    number             INTEGER PRIMARY KEY,
    id                 BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),  -- SHA-256 of the key
    created_ms         INTEGER NOT NULL,
    conversation_count INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE conversation (
    number        INTEGER PRIMARY KEY,
    session       INTEGER NOT NULL REFERENCES session (number) ON DELETE CASCADE,
    id            TEXT    NOT NULL,
    is_pinned     INTEGER NOT NULL DEFAULT 0,
    version       INTEGER NOT NULL,
    reset_version INTEGER NOT NULL DEFAULT 0,
    next_position INTEGER NOT NULL DEFAULT 1,
    message_count INTEGER NOT NULL DEFAULT 0,
    running       INTEGER,                       -- the number of the running answer
    created_ms    INTEGER NOT NULL,
    updated_ms    INTEGER NOT NULL,
    model         TEXT,
    title         TEXT    NOT NULL,
    UNIQUE (session, id)
) STRICT;

-- The list: pinned first, then the most recently updated, then by id; read backwards.
CREATE INDEX conversation_list ON conversation (session, is_pinned, updated_ms, id);

-- Up to 32 KiB, which must not be rewritten with every change of its conversation's version.
CREATE TABLE system_prompt (
    conversation INTEGER PRIMARY KEY REFERENCES conversation (number) ON DELETE CASCADE,
    text         TEXT    NOT NULL
) STRICT;

CREATE TABLE message (
    -- conversation * 2^24 + position: neighbours in a conversation are neighbours in the file, without
    -- another index.
    number         INTEGER PRIMARY KEY,
    conversation   INTEGER NOT NULL REFERENCES conversation (number) ON DELETE CASCADE,
    id             TEXT    NOT NULL,
    role           TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    answer         INTEGER,                      -- of a prompt: the number of the newest answer to it
    prompt_id      TEXT,                         -- of an answer: the prompt's id
    model          TEXT,
    owner_task     TEXT,
    owner_host     TEXT,
    owner_epoch    INTEGER,
    stop_requested INTEGER NOT NULL DEFAULT 0,
    stop_reason    TEXT,
    error_code     TEXT,
    error_message  TEXT,
    input_tokens   INTEGER,
    output_tokens  INTEGER,
    text_bytes     INTEGER NOT NULL,             -- bytes of UTF-8 of `text`
    text           TEXT    NOT NULL,             -- empty while the answer runs: see part
    CHECK (number >> 24 = conversation),
    UNIQUE (conversation, id)
) STRICT;

-- What changed since a version.
CREATE INDEX message_changes ON message (conversation, version);

-- The text of a running answer, appended and never rewritten; its end folds the parts into message.text.
CREATE TABLE part (
    message    INTEGER NOT NULL REFERENCES message (number) ON DELETE CASCADE,
    offset     INTEGER NOT NULL,                 -- bytes of UTF-8 before it
    text_bytes INTEGER NOT NULL,
    text       TEXT    NOT NULL,
    PRIMARY KEY (message, offset)
) STRICT, WITHOUT ROWID;
