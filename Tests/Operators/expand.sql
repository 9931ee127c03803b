-- A change of the schema that the release before it can live with: what its programs read and write stays as it is.
-- min_reader: @PREVIOUS@
-- min_writer: @PREVIOUS@
ALTER TABLE conversation ADD COLUMN label TEXT;
CREATE TABLE rehearsal (conversation INTEGER PRIMARY KEY REFERENCES conversation (number) ON DELETE CASCADE) STRICT;
CREATE INDEX rehearsal_updates ON conversation (updated_ms);
