#include "desk/attachment.h"

#include <unistd.h>

#include "desk/live.h"
#include "identity/crypt.h"
#include "schema/id.h"
#include "schema/text.h"
#include "store/blob.h"

#define UNSENT_FOR DAY
enum { MOST_ORPHANS = 500 };

#define ATTACHMENT_COLUMNS "id, hash, name, type, size, width, height, owner_kind, owner, conversation, created_at"
SQL(attachment_by_id, "SELECT " ATTACHMENT_COLUMNS " FROM attachment WHERE id = ?1");
SQL(attachment_insert, "INSERT INTO attachment (hash, name, type, size, width, height, owner_kind, owner, created_at) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id");
SQL(attachment_sent, "UPDATE attachment SET conversation = ?2 WHERE id = ?1 AND conversation IS NULL");
SQL(attachment_orphans, "SELECT id, hash FROM attachment WHERE conversation IS NULL AND created_at < ?1 ORDER BY created_at LIMIT ?2");
SQL(attachment_delete, "DELETE FROM attachment WHERE id = ?1 AND conversation IS NULL");
SQL(attachment_of_hash, "SELECT id FROM attachment WHERE hash = ?1 LIMIT 1");

static const struct field attachment_fields[] = {
    FIELD(_, attachment, id, F_ID, .prefix = "at"),
    FIELD(_, attachment, name, F_TEXT),
    FIELD(_, attachment, type, F_TEXT, .doc = "As sniffed."),
    FIELD(_, attachment, size, F_INT),
    FIELD(_, attachment, width, F_INT, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, attachment, height, F_INT, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, attachment, url, F_TEXT, .doc = "Signed: whoever has it may read the file."),
};
SCHEMA(attachment_schema, "Attachment", struct attachment, attachment_fields, "A file that somebody sent.");

static struct str url_of(struct ctx *c, int64_t id)
{
    char text[ID_TEXT];
    struct str name = id_text("at", id, text), sig = sign_text(c, "file", name);
    return str_printf(c->arena, "/files/" STR_FMT "?sig=" STR_FMT, STR_ARG(name), STR_ARG(sig));
}
bool attachment_signed(struct ctx *c, struct str id, struct str signature)
{
    return sign_check(c, "file", id, signature);
}

static bool read_one(struct ctx *c, int64_t id, struct attachment *out, bool *found)
{
    struct rows r;
    db_query(c, &r, &attachment_by_id, "i", id);
    if ((*found = rows_next(&r)))
        *out = (struct attachment){.id = id, .hash = rows_str(&r, 1), .name = rows_str(&r, 2), .type = rows_str(&r, 3),
                                   .size = rows_int(&r, 4), .width = rows_int(&r, 5), .height = rows_int(&r, 6),
                                   .owner_kind = (int)rows_int(&r, 7), .owner = rows_int(&r, 8), .conversation = rows_int(&r, 9),
                                   .created_at = rows_int(&r, 10)};
    if (!rows_done(&r))
        return false;
    if (*found)
        out->url = url_of(c, id);
    return true;
}
bool attachment_get(struct ctx *c, int64_t id, struct attachment *out)
{
    bool found;
    return read_one(c, id, out, &found) && (found || fail(c, ERR_NOT_FOUND, "not_found", NULL));
}
bool attachment_unsent(struct ctx *c, int64_t id, int owner_kind, int64_t owner, struct attachment *out, bool *fine)
{
    bool found;
    if (!read_one(c, id, out, &found))
        return false;
    *fine = found && out->owner_kind == owner_kind && out->owner == owner && !out->conversation;
    return true;
}
bool attachment_send(struct ctx *c, int64_t id, int64_t conversation)
{
    if (!db_exec(c, &attachment_sent, "ii", id, conversation))
        return false;
    return db_changed(c) || fail(c, ERR_CONFLICT, "store.conflict", NULL);
}

bool attachment_inline(struct str type)
{
    return str_is(type, "image/png") || str_is(type, "image/jpeg") || str_is(type, "image/gif") || str_is(type, "image/webp");
}

struct str attachment_clean_name(struct arena *a, struct str name)
{
    struct buf b = {.arena = a};
    size_t chars = 0, slash = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] == '/' || name.at[i] == '\\')
            slash = i + 1;
    name = str_sub(name, slash, name.len);
    for (size_t i = 0; i < name.len && chars < ATTACHMENT_MOST_NAME;) {
        size_t from = i;
        uint32_t ch = str_next_char(name, &i);
        bool hidden = ch < 0x20 || (ch >= 0x7F && ch < 0xA0) || ch == 0xFFFD || (ch >= 0x200B && ch <= 0x200F) || (ch >= 0x2028 && ch <= 0x202E) ||
                      (ch >= 0x2060 && ch <= 0x206F) || ch == 0xFEFF;
        bool special = ch == '"' || ch == '<' || ch == '>' || ch == ':' || ch == '|' || ch == '?' || ch == '*';
        if (hidden)
            continue;
        if (special)
            buf_putc(&b, '_');
        else
            buf_add(&b, name.at + from, i - from);
        chars++;
    }
    struct str clean = str_trim(buf_str(&b));
    while (clean.len && clean.at[0] == '.')
        clean = str_sub(clean, 1, clean.len);
    return clean.len ? clean : STR("file");
}

static bool insert(struct ctx *c, void *arg)
{
    struct attachment *a = arg;
    return db_int(c, &a->id, NULL, &attachment_insert, "sssiiiiii", a->hash, a->name, a->type, a->size, a->width, a->height,
                  (int64_t)a->owner_kind, a->owner, a->created_at) &&
           job_put(c, "attachment_orphans", STR("all"), STR(""), a->created_at + UNSENT_FOR + HOUR);
}

bool attachment_put(struct ctx *c, const struct upload *upload, int owner_kind, int64_t owner, struct attachment *out)
{
    const char *path = str_z(c->arena, upload->path);
    struct blob_ref blob;
    bool sound = true;
    *out = (struct attachment){.name = attachment_clean_name(c->arena, upload->file_name), .size = upload->size, .owner_kind = owner_kind,
                               .owner = owner, .created_at = clock_now(c->clock)};
    if (!upload->size)
        return fail_field(c, STR("file"), "attachment.empty", NULL);
    out->type = attachment_sniff(c, path, out->name, &out->width, &out->height, &sound);
    if (c->err->code)
        return false;
    if (!out->type.len)
        return fail(c, ERR_MEDIA_TYPE, "attachment.type", NULL);
    if (!sound)
        return fail_field(c, STR("file"), "attachment.image", NULL);
    if (out->width > ATTACHMENT_MOST_SIDE || out->height > ATTACHMENT_MOST_SIDE || out->width * out->height > ATTACHMENT_MOST_PIXELS)
        return fail_field(c, STR("file"), "attachment.pixels", NULL);
    if (!blob_put_file(c, path, &blob))
        return false;
    out->hash = blob.hash;
    if (!store_write(c, insert, out))
        return false;
    // The last other attachment with the same bytes may have gone meanwhile, and its bytes with it.
    int fd;
    int64_t size;
    if (blob_open(c, blob.hash, &fd, &size)) {
        close(fd);
    } else {
        error_clear(c->err);
        if (!blob_put_file(c, path, &blob))
            return false;
    }
    out->url = url_of(c, out->id);
    return true;
}

struct orphans {
    int64_t *ids;
    size_t count;
};
static bool delete_orphans(struct ctx *c, void *arg)
{
    const struct orphans *o = arg;
    for (size_t i = 0; i < o->count; i++)
        if (!db_exec(c, &attachment_delete, "i", o->ids[i]))
            return false;
    return o->count < MOST_ORPHANS || job_put(c, "attachment_orphans", STR("all"), STR(""), 0);
}
bool attachment_orphans_run(struct ctx *c, const struct job *job)
{
    struct orphans o = {.ids = ARENA_ARRAY(c->arena, int64_t, MOST_ORPHANS)};
    struct str *hashes = ARENA_ARRAY(c->arena, struct str, MOST_ORPHANS);
    struct rows r;
    db_query(c, &r, &attachment_orphans, "ii", clock_now(c->clock) - UNSENT_FOR, (int64_t)MOST_ORPHANS);
    while (rows_next(&r)) {
        o.ids[o.count] = rows_int(&r, 0);
        hashes[o.count++] = rows_str(&r, 1);
    }
    if (!rows_done(&r) || (o.count && !store_write(c, delete_orphans, &o)))
        return false;
    for (size_t i = 0; i < o.count; i++) {
        int64_t id;
        bool used;
        if (!db_int(c, &id, &used, &attachment_of_hash, "s", hashes[i]) || (!used && !blob_forget(c, hashes[i])))
            return false;
    }
    return true;
}
