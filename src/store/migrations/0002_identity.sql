-- Company, users, roles, sessions, tokens, second factor, throttling, audit chain, stored answers.

CREATE TABLE installation (
    id BIGINT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE company (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    locale TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- key is NULL for the company's own roles; permissions: names with spaces between (a built-in role's stand in the program)
CREATE TABLE role (
    id {id},
    key TEXT UNIQUE,
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- "user" is a word of SQL, hence the plural. email is in lower case; password is NULL until one is set.
CREATE TABLE users (
    id {id},
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    password TEXT,
    locale TEXT NOT NULL,
    theme TEXT NOT NULL,
    state TEXT NOT NULL,
    capacity BIGINT NOT NULL,
    last_seen_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX users_by_name ON users (name, id);

CREATE TABLE user_role (
    user_id BIGINT NOT NULL REFERENCES users (id),
    role_id BIGINT NOT NULL REFERENCES role (id),
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_role_by_role ON user_role (role_id, user_id);

CREATE TABLE session (
    id {id},
    user_id BIGINT NOT NULL REFERENCES users (id),
    token_hash TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_by_user ON session (user_id, id);
CREATE INDEX session_by_expiry ON session (expires_at);

CREATE TABLE api_token (
    id {id},
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX api_token_by_user ON api_token (user_id, id);

-- last_step: the newest time step that a code was taken for, so that none serves twice
CREATE TABLE user_totp (
    user_id BIGINT PRIMARY KEY REFERENCES users (id),
    secret {bytes} NOT NULL,
    last_step BIGINT NOT NULL,
    confirmed_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE TABLE recovery_code (
    user_id BIGINT NOT NULL REFERENCES users (id),
    code_hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

-- subject: keyed hash of an account's or an address' name
CREATE TABLE login_failure (
    subject TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    wait_until BIGINT NOT NULL
);
CREATE INDEX login_failure_by_time ON login_failure (failed_at);

CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    device TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_object ON audit (object, id);
CREATE INDEX audit_by_actor ON audit (actor_id, id);
CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY,
    entries BIGINT NOT NULL,
    hash TEXT NOT NULL
);

-- Answers by Idempotency-Key; status 0: the change runs, or its process ended before it could say how it went.
CREATE TABLE idempotency (
    actor TEXT NOT NULL,
    route TEXT NOT NULL,
    name TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    status BIGINT NOT NULL,
    answer {bytes},
    created_at BIGINT NOT NULL,
    PRIMARY KEY (actor, route, name)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);
