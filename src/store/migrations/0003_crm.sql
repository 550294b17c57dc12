-- Contacts. Personal fields are sealed (identity/crypt.h); beside them stand keyed hashes for exact look-up, NULL when the field is empty.
-- merged_into: the contact that took this one over (0: none); such a row is kept, so that its id goes on meaning somebody.
CREATE TABLE contact (
    id {id},
    name {bytes} NOT NULL,
    name_hash TEXT,
    email {bytes} NOT NULL,
    email_hash TEXT,
    phone {bytes} NOT NULL,
    phone_hash TEXT,
    note {bytes} NOT NULL,
    external_id {bytes} NOT NULL,
    external_hash TEXT,
    company TEXT NOT NULL,
    language BIGINT NOT NULL,
    verified BIGINT NOT NULL,
    merged_into BIGINT NOT NULL,
    version BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX contact_by_name ON contact (name_hash);
CREATE INDEX contact_by_email ON contact (email_hash);
CREATE INDEX contact_by_phone ON contact (phone_hash);
CREATE INDEX contact_by_external ON contact (external_hash);
CREATE INDEX contact_by_merge ON contact (merged_into, id);
CREATE INDEX contact_by_last_seen_at ON contact (last_seen_at, id);
CREATE INDEX contact_by_updated_at ON contact (updated_at, id);
CREATE INDEX contact_by_created_at ON contact (created_at, id);

-- Words of the name by their hashes, so that a first name or a surname is found alone.
CREATE TABLE contact_word (
    hash TEXT NOT NULL,
    contact BIGINT NOT NULL,
    PRIMARY KEY (hash, contact)
);
CREATE INDEX contact_word_by_contact ON contact_word (contact);

-- Accounts of an inbox's site that were proven by a signature; hash: of the customer's id there.
CREATE TABLE contact_account (
    inbox BIGINT NOT NULL,
    hash TEXT NOT NULL,
    contact BIGINT NOT NULL REFERENCES contact (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (inbox, hash)
);
CREATE INDEX contact_account_by_contact ON contact_account (contact);
