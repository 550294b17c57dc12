-- FAQs and articles. Lists of short texts (similar questions, tags) are lines of one column: they are read and written as a whole.
-- `changed` is the number of the change that touched the row (knowledge_state.change), so that a snapshot reads only what is new.
CREATE TABLE knowledge_state (
    id BIGINT PRIMARY KEY,
    change BIGINT NOT NULL
);
INSERT INTO knowledge_state (id, change) VALUES (1, 1);

CREATE TABLE faq (
    id {id},
    language BIGINT NOT NULL,
    external_id TEXT,
    question TEXT NOT NULL,
    similar_lines TEXT NOT NULL,
    answer TEXT NOT NULL,
    category TEXT NOT NULL,
    tag_lines TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by BIGINT NOT NULL,
    updated_by_name TEXT NOT NULL
);
CREATE UNIQUE INDEX faq_by_external_id ON faq (external_id);
CREATE INDEX faq_by_question ON faq (question, language);
CREATE INDEX faq_by_updated_at ON faq (updated_at, id);
CREATE INDEX faq_by_category ON faq (category, id);
CREATE INDEX faq_by_changed ON faq (changed);

CREATE TABLE article (
    id {id},
    language BIGINT NOT NULL,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    category TEXT NOT NULL,
    tag_lines TEXT NOT NULL,
    published BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by BIGINT NOT NULL,
    updated_by_name TEXT NOT NULL
);
CREATE UNIQUE INDEX article_by_slug ON article (slug, language);
CREATE INDEX article_by_updated_at ON article (updated_at, id);
CREATE INDEX article_by_category ON article (category, id);
CREATE INDEX article_by_changed ON article (changed);

-- Entries that were deleted, so that snapshots built from changes forget them.
CREATE TABLE knowledge_gone (
    changed BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    PRIMARY KEY (changed, kind, entry)
);
