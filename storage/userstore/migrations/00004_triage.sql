-- What people say of what was found: verdicts and notes, and findings with their
-- evidence. Nothing here is overwritten by an import.

-- +goose Up
CREATE TABLE annotations (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,                        -- the batch and what it is on
  batch TEXT NOT NULL,                     -- of all that one mutation made
  attack_no BIGINT,                        -- on an attack; otherwise null
  conversation_no BIGINT,                  -- on a conversation, or on a message of it
  sequence BIGINT,                         -- on a message; otherwise null
  piece BIGINT,
  verdict TEXT,
  note TEXT,
  reason TEXT,
  author TEXT NOT NULL,                    -- username
  created_at TIMESTAMP NOT NULL,
  retracted_at TIMESTAMP,
  retracted_by TEXT,
  retraction_reason TEXT,
  source_outcome TEXT,                     -- of a verdict on an attack: what it overrules
  source_outcome_reason TEXT,
  source_outcome_source TEXT,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE findings (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT,
  severity TEXT NOT NULL,
  status TEXT NOT NULL,
  assignee TEXT,
  ticket_url TEXT,
  author TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE finding_attacks (
  owner_id TEXT NOT NULL,
  finding_id TEXT NOT NULL,
  attack_no BIGINT NOT NULL,
  PRIMARY KEY (owner_id, finding_id, attack_no)
);

CREATE TABLE finding_messages (
  owner_id TEXT NOT NULL,
  finding_id TEXT NOT NULL,
  conversation_no BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  piece BIGINT NOT NULL,
  PRIMARY KEY (owner_id, finding_id, conversation_no, sequence, piece)
);

-- +goose Down
DROP TABLE finding_messages;
DROP TABLE finding_attacks;
DROP TABLE findings;
DROP TABLE annotations;
