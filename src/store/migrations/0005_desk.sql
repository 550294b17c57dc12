-- Inboxes, conversations and their messages. States and kinds are the numbers of desk/conversation.h and desk/message.h.
CREATE TABLE inbox (
    id {id},
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    color TEXT NOT NULL,
    greeting_zh TEXT NOT NULL,
    greeting_en TEXT NOT NULL,
    origin_lines TEXT NOT NULL,
    bot BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    secret {bytes},
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX inbox_by_key ON inbox (key);

CREATE TABLE conversation (
    id {id},
    inbox BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    state BIGINT NOT NULL,            -- 0 bot, 1 queued, 2 open, 3 pending, 4 resolved
    assignee BIGINT,
    last_seq BIGINT NOT NULL,
    visitor_read BIGINT NOT NULL,
    agent_read BIGINT NOT NULL,
    unread BIGINT NOT NULL,           -- the visitor's messages since an agent last read
    queue_first BIGINT NOT NULL,      -- 0: came back from an agent who left, goes before those with 1
    queued_at BIGINT,
    waiting_since BIGINT,             -- the visitor's first message that no agent has answered
    opened_at BIGINT,
    resolved_at BIGINT,
    language BIGINT NOT NULL,
    page_url TEXT NOT NULL,
    page_title TEXT NOT NULL,
    misses BIGINT NOT NULL,           -- of the bot, in a row
    bot_seq BIGINT NOT NULL,          -- the last message that the bot has dealt with
    rating BIGINT,
    rating_comment TEXT NOT NULL,
    rated_at BIGINT,
    wrap_code TEXT NOT NULL,
    wrap_note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX conversation_running ON conversation (contact, inbox) WHERE state <> 4;
CREATE INDEX conversation_by_contact ON conversation (contact, inbox, id);
CREATE INDEX conversation_by_updated_at ON conversation (updated_at, id);
CREATE INDEX conversation_by_assignee ON conversation (assignee, state);
CREATE INDEX conversation_queue ON conversation (state, queue_first, queued_at, id);
CREATE INDEX conversation_load ON conversation (assignee) WHERE state = 2;
CREATE INDEX conversation_by_resolved_at ON conversation (resolved_at);

-- The row's id is the event number.
CREATE TABLE message (
    id {id},
    conversation BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    cid TEXT,
    kind BIGINT NOT NULL,             -- 0 text, 1 image, 2 file, 3 activity, 4 note
    author_kind BIGINT NOT NULL,      -- 0 visitor, 1 agent, 2 bot, 3 system
    author BIGINT NOT NULL,
    at BIGINT NOT NULL,
    text TEXT NOT NULL,
    data TEXT NOT NULL,               -- further members as they stand on the wire
    staff TEXT,                       -- the same for staff where it differs
    choice BIGINT,                    -- the FAQ that the visitor chose
    trace BIGINT NOT NULL,
    {xid}
);
CREATE UNIQUE INDEX message_by_seq ON message (conversation, seq);
CREATE UNIQUE INDEX message_by_cid ON message (conversation, cid);

CREATE TABLE bot_trace (
    conversation BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    trace TEXT NOT NULL,
    PRIMARY KEY (conversation, seq)
);

CREATE TABLE attachment (
    id {id},
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    size BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    owner_kind BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    conversation BIGINT,              -- where it was sent; NULL: not yet
    created_at BIGINT NOT NULL
);
CREATE INDEX attachment_by_hash ON attachment (hash);
CREATE INDEX attachment_unsent ON attachment (created_at) WHERE conversation IS NULL;

-- What a user chose; whether they are here is known from their sockets.
CREATE TABLE presence (
    user_id BIGINT PRIMARY KEY,
    state BIGINT NOT NULL,            -- 0 offline, 1 away, 2 online
    changed_at BIGINT NOT NULL
);

-- One row: whoever assigns from the queue takes it first.
CREATE TABLE queue_turn (
    id BIGINT PRIMARY KEY,
    turn BIGINT NOT NULL
);
INSERT INTO queue_turn (id, turn) VALUES (1, 0);

CREATE TABLE wrap_up_code (
    id {id},
    code TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX wrap_up_code_by_code ON wrap_up_code (code);
CREATE INDEX wrap_up_code_by_position ON wrap_up_code (position, id);
