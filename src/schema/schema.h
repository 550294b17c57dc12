// One description for each thing on the wire. From a field table come parsing with all field errors at once, JSON, masking, list filters and
// sorting, the OpenAPI document and the console's TypeScript types.
#pragma once
#include <stddef.h>
#include "base/json.h"
#include "net/http.h"

enum field_type {
    F_TEXT,   // struct str
    F_INT,    // int64_t
    F_BOOL,   // bool
    F_TIME,   // usec (0 = null)
    F_DATE,   // int64_t days since 1970 (INT64_MIN = null)
    F_ENUM,   // int index into `choices` (-1 = null)
    F_ID,     // int64_t, on the wire `prefix` + "_" + 13 characters base32 (schema/id.h); 0 = null
    F_FEN,    // fen, name ends in _fen
    F_EMAIL,  // struct str, lower-cased
    F_PHONE,  // struct str, E.164 or mainland mobile, normalised to +86…
    F_URL,    // struct str, http or https
    F_COLOR,  // struct str "#rrggbb"
    F_LANG,   // int enum lang on the wire "zh-CN"/"en-US"
    F_JSON,   // struct str of raw JSON (object or array), bounded by max bytes
    F_OBJECT, // pointer to `sub`'s struct (NULL = null)
    F_LIST,   // struct list of `sub`'s structs
    F_TEXTS,  // struct str_list
};
struct list {
    void *at; // array of the sub-schema's struct
    size_t count;
};
struct str_list {
    struct str *at;
    size_t count;
};
enum field_flag {
    FIELD_REQUIRED = 1,
    FIELD_PERSONAL = 2,  // masked on the way out unless the actor has PERM_CONTACT_UNMASK (or it is the actor's own)
    FIELD_READ_ONLY = 4, // refused on the way in
    FIELD_SECRET = 8,    // in only
    FIELD_FILTER = 16,   // filter[name]=a,b
    FIELD_SORT = 32,     // sort=name, sort=-name; `column` must be NOT NULL and indexed with id
    FIELD_MULTILINE = 64, // line breaks allowed in text
    FIELD_SEARCH = 128,  // filter[name] is a substring match, case-insensitive
    FIELD_SKIP_EMPTY = 256, // left out of the JSON when empty, zero or null
    FIELD_STORED_TEXT = 512, // F_ENUM, F_LANG: the column holds the choice's text ("queued", "zh-CN") and not its index
};
struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    int64_t min, max; // text: code points (max 0 = 200); int: values; list: items; json: bytes
    unsigned flags;
    const char *const *choices; // F_ENUM: NULL-terminated
    const struct schema *sub;
    const char *prefix; // F_ID
    const char *column; // SQL column for filter and sort; NULL = name
    int see, write;     // enum perm + 1; 0 = anyone who may use the route
    const char *doc;
};
struct schema {
    const char *name; // "Contact": unique; the component's name in OpenAPI
    const struct field *fields;
    size_t count;
    size_t size; // sizeof the struct
    const char *doc;
};
#define SCHEMA(ident, name_, type, fields_, doc_) \
    const struct schema ident = {name_, fields_, sizeof fields_ / sizeof fields_[0], sizeof(type), doc_}
// Rows: {"name", F_TEXT, offsetof(struct contact, name), .max = 120, .flags = FIELD_REQUIRED | FIELD_PERSONAL, .doc = "…"}
#define FIELD(type_, struct_, member_, kind_, ...) {#member_, kind_, offsetof(struct struct_, member_), __VA_ARGS__}

// Parses into `out` (schema->size bytes). All field errors at once (fail_field). Unknown fields are errors. Texts are trimmed (not secrets);
// control characters are refused. set: bit n when field n was present (may be NULL). partial: required fields may be absent (PATCH).
// A field that is absent or null gets its null value (text: empty, number and time and id: 0, enum: -1, date: INT64_MIN, language: zh-CN).
// Everything is copied into c->arena.
bool schema_parse(struct ctx *c, const struct schema *s, struct str body, bool partial, void *out, uint64_t *set);
bool schema_parse_json(struct ctx *c, const struct schema *s, const struct json *object, struct str at, bool partial, void *out,
                       uint64_t *set);
// Writes one object as c->actor may see it.
void schema_write(struct ctx *c, const struct schema *s, const void *in, struct json_out *o, const char *name);
int schema_field(const struct schema *s, const char *name); // index or -1
struct str schema_mask(struct ctx *c, enum field_type type, struct str value); // 138****1234, l***@x.com, 王*

// Lists: filter, sort, cursor from the query string and the field table; SQL text from the table alone. filter[x]=a,b: any of them;
// numbers, times and dates also a..b; ids, times and dates also `none`; users' ids also `me`. Without sort: newest (highest id) first.
// In a query with joins name the id field's column ("c.id"). A field with FIELD_REQUIRED is never null in the OpenAPI document.
struct db_value; // store/db.h
struct list_query {
    struct str where;          // "" or " AND (…)" with parameters from `first` on
    struct str order;          // " ORDER BY column DESC, id DESC"
    struct db_value *values;   // for db_query_built, in order
    size_t count;
    int limit;                 // ask for limit + 1 rows
    int sort_field;            // index into the schema; -1: by id
    bool descending;
};
// first: number of the first free parameter (?first). Fails with field errors (unknown filter, bad cursor, limit over 200).
bool list_parse(struct request *rq, const struct schema *s, int first, struct list_query *q);
// Writes {"items":[…],"next":…} from up to limit+1 items (array of s->size bytes each). `id_offset` is offsetof(struct x, id).
void list_write(struct request *rq, struct response *rs, const struct schema *s, const struct list_query *q, const void *items,
                size_t count, size_t id_offset);
// One object as the whole body, with its ETag when version > 0.
void reply(struct request *rq, struct response *rs, const struct schema *s, const void *in);
void reply_versioned(struct request *rq, struct response *rs, const struct schema *s, const void *in, int64_t version);
// If-Match against `version`: false with ERR_PRECONDITION when it names another.
bool request_if_match(struct request *rq, int64_t version);
