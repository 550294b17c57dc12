#include "identity/totp.h"

#include <cotp.h>
#include <qrencode.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/rand.h"
#include "identity/access.h"
#include "identity/audit.h"
#include "identity/company.h"
#include "identity/crypt.h"
#include "identity/reseal.h"
#include "schema/id.h"
#include "store/db.h"

SQL(totp_read, "SELECT secret, last_step, confirmed_at FROM user_totp WHERE user_id = ?1");
SQL(totp_write,
    "INSERT INTO user_totp (user_id, secret, last_step, confirmed_at, created_at) VALUES (?1, ?2, 0, NULL, ?3) "
    "ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0, created_at = excluded.created_at "
    "WHERE user_totp.confirmed_at IS NULL");
SQL(totp_on, "UPDATE user_totp SET confirmed_at = ?1 WHERE user_id = ?2 AND confirmed_at IS NULL");
SQL(totp_use_step, "UPDATE user_totp SET last_step = ?1 WHERE user_id = ?2 AND last_step < ?1");
SQL(totp_delete, "DELETE FROM user_totp WHERE user_id = ?1");
SQL(recovery_insert, "INSERT INTO recovery_code (user_id, code_hash) VALUES (?1, ?2)");
SQL(recovery_delete, "DELETE FROM recovery_code WHERE user_id = ?1");
SQL(recovery_use, "UPDATE recovery_code SET used_at = ?1 WHERE user_id = ?2 AND code_hash = ?3 AND used_at IS NULL");
SQL(totp_reseal_read, "SELECT user_id, secret FROM user_totp WHERE user_id > ?1 AND secret IS NOT NULL ORDER BY user_id LIMIT ?2");
SQL(totp_reseal_write, "UPDATE user_totp SET secret = ?1 WHERE user_id = ?2 AND secret = ?3");
RESEAL(totp_reseal, "user_totp.secret", &totp_reseal_read, &totp_reseal_write);

enum { PERIOD = 30, DIGITS = 6, SECRET_BYTES = 20, RECOVERY_CODES = 10, QUIET_ZONE = 4 };
#define CONTEXT "user_totp.secret"
static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char recovery_letters[] = "23456789abcdefghjkmnpqrstuvwxyz"; // none that reads like another

struct factor {
    struct str secret;
    int64_t last_step, confirmed_at;
    bool there;
};

static bool read_factor(struct ctx *c, int64_t user, struct factor *f)
{
    struct rows r;
    struct str sealed = STR("");
    *f = (struct factor){0};
    db_query(c, &r, &totp_read, "i", user);
    if (rows_next(&r)) {
        f->there = true;
        sealed = rows_bytes(&r, 0);
        f->last_step = rows_int(&r, 1);
        f->confirmed_at = rows_int(&r, 2);
    }
    return rows_done(&r) && field_open(c, CONTEXT, sealed, &f->secret);
}

bool totp_active(struct ctx *c, int64_t user, bool *active)
{
    struct factor f;
    if (!read_factor(c, user, &f))
        return false;
    *active = f.there && f.confirmed_at;
    return true;
}

// One path of unit squares: small, sharp at every size, and without any script.
static struct str qr_svg(struct ctx *c, struct str text)
{
    QRcode *qr = QRcode_encodeString8bit(str_z(c->arena, text), 0, QR_ECLEVEL_M);
    if (!qr)
        return STR("");
    int size = qr->width + 2 * QUIET_ZONE;
    struct buf b = {.arena = c->arena};
    buf_printf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">", size, size);
    buf_printf(&b, "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"", size, size);
    for (int y = 0; y < qr->width; y++)
        for (int x = 0; x < qr->width; x++)
            if (qr->data[y * qr->width + x] & 1)
                buf_printf(&b, "M%d %dh1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE);
    buf_puts(&b, "\"/></svg>");
    QRcode_free(qr);
    return buf_str(&b);
}

static bool write_secret(struct ctx *c, void *arg)
{
    const struct str *secret = arg;
    if (!db_exec(c, &totp_write, "ibi", c->actor.id, field_seal(c, CONTEXT, *secret), clock_now(c->clock)))
        return false;
    return db_changed(c) == 1 || fail(c, ERR_CONFLICT, "identity.totp_on", NULL);
}

bool totp_enrol(struct ctx *c, struct str account, struct totp_enrolment *out)
{
    uint8_t raw[SECRET_BYTES];
    char *text = arena_alloc(c->arena, SECRET_BYTES * 8 / 5 + 1);
    struct company company;
    if (!company_get(c, &company))
        return false;
    rand_bytes(raw, sizeof raw);
    for (int bit = 0; bit < SECRET_BYTES * 8; bit += 5) {
        unsigned pair = (unsigned)raw[bit / 8] << 8 | (bit / 8 + 1 < SECRET_BYTES ? raw[bit / 8 + 1] : 0);
        text[bit / 5] = base32[pair >> (11 - bit % 8) & 31];
    }
    sodium_memzero(raw, sizeof raw);
    out->secret = (struct str){text, SECRET_BYTES * 8 / 5};
    struct buf url = {.arena = c->arena};
    buf_puts(&url, "otpauth://totp/");
    buf_url(&url, company.name);
    buf_puts(&url, ":");
    buf_url(&url, account);
    buf_puts(&url, "?secret=");
    buf_str_add(&url, out->secret);
    buf_puts(&url, "&issuer=");
    buf_url(&url, company.name);
    buf_printf(&url, "&algorithm=SHA1&digits=%d&period=%d", DIGITS, PERIOD);
    out->url = buf_str(&url);
    out->qr = qr_svg(c, out->url);
    return store_write(c, write_secret, &out->secret);
}

static bool code_of(struct ctx *c, struct str secret, int64_t step, struct str code)
{
    cotp_error_t code_error = VALID;
    char *ours = get_totp_at(str_z(c->arena, secret), (long)(step * PERIOD), DIGITS, PERIOD, SHA1, &code_error);
    bool same = ours && equal_in_constant_time(str_of(ours), code);
    free(ours);
    return same;
}

// The step that the code belongs to: the present one or a neighbour, and newer than the last one used. 0: none.
static int64_t step_of(struct ctx *c, const struct factor *f, struct str code)
{
    int64_t now = clock_now(c->clock) / SECOND / PERIOD, found = 0;
    for (int64_t step = now - 1; step <= now + 1; step++)
        if (code_of(c, f->secret, step, code) && step > f->last_step)
            found = step;
    return found;
}

static struct str recovery_hash(struct ctx *c, struct str code)
{
    struct buf plain = {.arena = c->arena}; // as people type it
    for (size_t i = 0; i < code.len; i++)
        if (code.at[i] != '-' && code.at[i] != ' ')
            buf_putc(&plain, code.at[i] >= 'A' && code.at[i] <= 'Z' ? (char)(code.at[i] + 32) : code.at[i]);
    return field_lookup_hash(c, "recovery_code", buf_str(&plain));
}

struct use {
    int64_t user, step;
    struct str code;
    bool used;
};

static bool use_now(struct ctx *c, void *arg)
{
    struct use *u = arg;
    bool fine = u->step ? db_exec(c, &totp_use_step, "ii", u->step, u->user)
                        : db_exec(c, &recovery_use, "iis", clock_now(c->clock), u->user, recovery_hash(c, u->code));
    u->used = fine && db_changed(c) == 1;
    if (u->used && !u->step)
        fine = audit_add(c, "totp.recover", id_str(c->arena, "us", u->user), STR(""));
    return fine;
}

bool totp_check(struct ctx *c, int64_t user, struct str code, bool *right)
{
    struct factor f;
    *right = false;
    if (!read_factor(c, user, &f))
        return false;
    if (!f.there || code.len > 40)
        return true;
    struct use use = {.user = user, .step = code.len == DIGITS ? step_of(c, &f, code) : 0, .code = code};
    if (code.len == DIGITS && !use.step)
        return true;
    if (!store_write(c, use_now, &use))
        return false;
    *right = use.used;
    return true;
}

struct confirmation {
    int64_t step;
    struct str_list codes;
};

static bool confirm_now(struct ctx *c, void *arg)
{
    struct confirmation *k = arg;
    int64_t user = c->actor.id;
    if (!db_exec(c, &totp_on, "ii", clock_now(c->clock), user))
        return false;
    if (db_changed(c) != 1)
        return fail(c, ERR_CONFLICT, "identity.totp_on", NULL);
    bool fine = db_exec(c, &totp_use_step, "ii", k->step, user) && db_exec(c, &recovery_delete, "i", user);
    for (size_t i = 0; fine && i < k->codes.count; i++)
        fine = db_exec(c, &recovery_insert, "is", user, recovery_hash(c, k->codes.at[i]));
    return fine && audit_add(c, "totp.confirm", id_str(c->arena, "us", user), STR(""));
}

bool totp_confirm(struct ctx *c, struct str code, struct str_list *recovery)
{
    struct factor f;
    if (!read_factor(c, c->actor.id, &f))
        return false;
    if (!f.there)
        return fail(c, ERR_CONFLICT, "identity.totp_not_begun", NULL);
    if (f.confirmed_at)
        return fail(c, ERR_CONFLICT, "identity.totp_on", NULL);
    struct confirmation k = {.step = step_of(c, &f, code)};
    if (!k.step)
        return fail_field(c, STR("code"), "identity.totp_wrong", NULL);
    k.codes = (struct str_list){ARENA_ARRAY(c->arena, struct str, RECOVERY_CODES), RECOVERY_CODES};
    for (int i = 0; i < RECOVERY_CODES; i++) {
        char text[12] = {[5] = '-'};
        for (int j = 0; j < 11; j++)
            if (j != 5)
                text[j] = recovery_letters[rand_below(sizeof recovery_letters - 1)];
        k.codes.at[i] = str_dup(c->arena, (struct str){text, 11});
    }
    if (!store_write(c, confirm_now, &k))
        return false;
    *recovery = k.codes;
    return true;
}

static bool remove_now(struct ctx *c, void *arg)
{
    const int64_t *user = arg;
    if (!db_exec(c, &recovery_delete, "i", *user) || !db_exec(c, &totp_delete, "i", *user))
        return false;
    return !db_changed(c) || audit_add(c, "totp.remove", id_str(c->arena, "us", *user), STR(""));
}

bool totp_remove(struct ctx *c, int64_t user)
{
    return store_write(c, remove_now, &user);
}
