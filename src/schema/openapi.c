// OpenAPI 3.1 from the route and field tables, so that the document cannot differ from what the server does.
#include "schema/openapi.h"

#include "base/ctx.h"
#include "base/map.h"
#include "base/vec.h"
#include "schema/perm.h"

enum mode { MODE_OUT = 1, MODE_IN = 2, MODE_PATCH = 4 };
struct usage {
    const struct schema *s;
    int modes;
    bool listed;
};
struct doc {
    struct arena *a;
    struct json_out o;
    struct {
        VEC(struct usage);
    } used;
};

#define API_ROOT "/api/v1/"

static bool described(const struct route *r)
{
    return !(r->flags & ROUTE_PAGE) && str_starts(str_of(r->path), STR(API_ROOT));
}
static bool changes(const struct route *r)
{
    return r->method != GET && r->method != HEAD;
}

static struct usage *usage_of(struct doc *d, const struct schema *s)
{
    for (size_t i = 0; i < d->used.count; i++)
        if (d->used.at[i].s == s)
            return &d->used.at[i];
    for (size_t i = 0; i < d->used.count; i++)
        ASSERT(strcmp(d->used.at[i].s->name, s->name) != 0, "two schemas have one name");
    VEC_PUSH(d->a, &d->used, (struct usage){.s = s});
    return &d->used.at[d->used.count - 1];
}

static void note(struct doc *d, const struct schema *s, int mode)
{
    struct usage *u = usage_of(d, s);
    if (u->modes & mode)
        return;
    u->modes |= mode;
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        bool shown = mode == MODE_OUT ? !(f->flags & FIELD_SECRET) : !(f->flags & FIELD_READ_ONLY);
        if (f->sub && shown)
            note(d, f->sub, mode == MODE_PATCH ? MODE_IN : mode);
    }
}

static const char *component(struct doc *d, const struct schema *s, int mode)
{
    int modes = usage_of(d, s)->modes;
    if (mode == MODE_IN && modes & MODE_OUT)
        return arena_printf(d->a, "%sInput", s->name);
    if (mode == MODE_PATCH && modes & (MODE_OUT | MODE_IN))
        return arena_printf(d->a, "%sPatch", s->name);
    return s->name;
}

static void put_ref(struct doc *d, const char *name, const struct schema *s, int mode)
{
    json_open(&d->o, name, '{');
    json_put_z(&d->o, "$ref", arena_printf(d->a, "#/components/schemas/%s", component(d, s, mode)));
    json_close(&d->o, '}');
}

static void put_type(struct doc *d, const char *type, bool nullable)
{
    if (!nullable) {
        json_put_z(&d->o, "type", type);
        return;
    }
    json_open(&d->o, "type", '[');
    json_put_z(&d->o, NULL, type);
    json_put_z(&d->o, NULL, "null");
    json_close(&d->o, ']');
}

static void put_lengths(struct doc *d, const struct field *f, int64_t otherwise)
{
    if (f->min || f->flags & FIELD_REQUIRED)
        json_put_int(&d->o, "minLength", f->min ? f->min : 1);
    json_put_int(&d->o, "maxLength", f->max ? f->max : otherwise);
}

// The members of a field's JSON schema, inside an open object.
static void put_field_type(struct doc *d, const struct field *f, int mode, bool nullable)
{
    struct json_out *o = &d->o;
    bool in = mode != MODE_OUT;
    bool plain = in || !(f->flags & FIELD_PERSONAL); // masked values fit no format
    switch (f->type) {
    case F_TEXT:
        put_type(d, "string", in && nullable);
        if (in)
            put_lengths(d, f, 200);
        if (f->flags & FIELD_SECRET)
            json_put_z(o, "format", "password");
        break;
    case F_EMAIL:
    case F_URL:
    case F_PHONE:
    case F_COLOR:
        put_type(d, "string", nullable);
        if (plain && f->type == F_EMAIL)
            json_put_z(o, "format", "email");
        if (plain && f->type == F_URL)
            json_put_z(o, "format", "uri");
        if (plain && f->type == F_COLOR)
            json_put_z(o, "pattern", "^#[0-9a-fA-F]{6}$");
        if (in && f->type != F_COLOR)
            put_lengths(d, f, f->type == F_URL ? 2000 : f->type == F_EMAIL ? 254 : 200);
        break;
    case F_INT:
    case F_FEN:
        put_type(d, "integer", nullable && (in || !plain));
        json_put_z(o, "format", "int64");
        if (in && (f->min || f->max)) {
            json_put_int(o, "minimum", f->min);
            if (f->max || f->min < 0)
                json_put_int(o, "maximum", f->max);
        }
        break;
    case F_BOOL: put_type(d, "boolean", nullable && !plain); break;
    case F_TIME:
    case F_DATE:
        put_type(d, "string", nullable);
        json_put_z(o, "format", f->type == F_TIME ? "date-time" : "date");
        break;
    case F_ENUM:
    case F_LANG:
        put_type(d, "string", nullable && f->type == F_ENUM);
        json_open(o, "enum", '[');
        for (int i = 0; f->type == F_LANG ? i < LANG_COUNT : f->choices[i] != NULL; i++)
            json_put_z(o, NULL, f->type == F_LANG ? lang_tag((enum lang)i) : f->choices[i]);
        if (nullable && f->type == F_ENUM)
            json_put_null(o, NULL);
        json_close(o, ']');
        break;
    case F_ID:
        put_type(d, "string", nullable);
        json_put_z(o, "pattern", arena_printf(d->a, "^%s_[0-9a-z]{13}$", f->prefix));
        break;
    case F_JSON:
        json_open(o, "type", '[');
        json_put_z(o, NULL, "object");
        json_put_z(o, NULL, "array");
        if (nullable)
            json_put_z(o, NULL, "null");
        json_close(o, ']');
        break;
    case F_LIST:
    case F_TEXTS:
        put_type(d, "array", in && nullable);
        if (f->type == F_LIST) {
            put_ref(d, "items", f->sub, mode == MODE_PATCH ? MODE_IN : mode);
        } else {
            json_open(o, "items", '{');
            json_put_z(o, "type", "string");
            json_close(o, '}');
        }
        if (in) {
            if (f->min)
                json_put_int(o, "minItems", f->min);
            json_put_int(o, "maxItems", f->max ? f->max : 100);
        }
        break;
    case F_OBJECT: break;
    }
}

static void put_field(struct doc *d, const struct field *f, int mode)
{
    struct json_out *o = &d->o;
    bool nullable = !(f->flags & FIELD_REQUIRED) && strcmp(f->name, "id") != 0;
    if (mode != MODE_OUT && f->type == F_BOOL)
        nullable = false;
    struct buf doc = {.arena = d->a};
    buf_puts(&doc, f->doc ? f->doc : "");
    if (f->see && mode == MODE_OUT)
        buf_printf(&doc, "%sShown with %s.", doc.len ? " " : "", perm_name((enum perm)(f->see - 1)));
    if (f->write && mode != MODE_OUT)
        buf_printf(&doc, "%sNeeds %s.", doc.len ? " " : "", perm_name((enum perm)(f->write - 1)));
    if (f->flags & FIELD_PERSONAL && mode == MODE_OUT)
        buf_printf(&doc, "%sPersonal: masked without contact.unmask.", doc.len ? " " : "");
    json_open(o, f->name, '{');
    if (f->type == F_OBJECT) {
        int sub = mode == MODE_PATCH ? MODE_IN : mode;
        if (nullable) {
            json_open(o, "anyOf", '[');
            put_ref(d, NULL, f->sub, sub);
            json_open(o, NULL, '{');
            json_put_z(o, "type", "null");
            json_close(o, '}');
            json_close(o, ']');
        } else {
            json_put_z(o, "$ref", arena_printf(d->a, "#/components/schemas/%s", component(d, f->sub, sub)));
        }
    } else {
        put_field_type(d, f, mode, nullable);
    }
    if (doc.len)
        json_put_str(o, "description", buf_str(&doc));
    json_close(o, '}');
}

static void put_component(struct doc *d, const struct schema *s, int mode)
{
    struct json_out *o = &d->o;
    json_open(o, component(d, s, mode), '{');
    json_put_z(o, "type", "object");
    if (s->doc)
        json_put_z(o, "description", s->doc);
    bool any = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        bool required = mode == MODE_OUT  ? !(f->flags & (FIELD_SECRET | FIELD_SKIP_EMPTY)) && !f->see
                        : mode == MODE_IN ? f->flags & FIELD_REQUIRED && !(f->flags & FIELD_READ_ONLY)
                                          : false;
        if (!required)
            continue;
        if (!any)
            json_open(o, "required", '[');
        any = true;
        json_put_z(o, NULL, f->name);
    }
    if (any)
        json_close(o, ']');
    json_open(o, "properties", '{');
    for (size_t i = 0; i < s->count; i++)
        if (!(s->fields[i].flags & (mode == MODE_OUT ? FIELD_SECRET : FIELD_READ_ONLY)))
            put_field(d, &s->fields[i], mode);
    json_close(o, '}');
    if (mode != MODE_OUT)
        json_put_bool(o, "additionalProperties", false);
    json_close(o, '}');
}

static struct str singular(struct arena *a, struct str s)
{
    if (str_ends(s, STR("ies")))
        return str_printf(a, STR_FMT "y", STR_ARG(str_sub(s, 0, s.len - 3)));
    if (str_ends(s, STR("sses")) || str_ends(s, STR("xes")))
        return str_sub(s, 0, s.len - 2);
    if (str_ends(s, STR("s")) && !str_ends(s, STR("ss")))
        return str_sub(s, 0, s.len - 1);
    return s;
}

static void add_camel(struct buf *b, struct str s)
{
    bool up = true;
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.at[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        if (letter)
            buf_putc(b, up && ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch);
        up = !letter;
    }
}

// The verb by the method, the nouns by the path; a POST to …/{id}/word takes the word for its verb.
struct str openapi_operation_id(struct arena *a, const struct route *r)
{
    struct str parts[12], rest = str_of(r->path + strlen(API_ROOT));
    size_t count = 0;
    while (count < 12 && str_split(&rest, '/', &parts[count]))
        count++;
#define IS_PARAM(i) ((i) < count && parts[i].len && parts[i].at[0] == '{')
    struct buf b = {.arena = a};
    bool list = r->flags & ROUTE_LIST, creates = r->flags & ROUTE_CREATES;
    size_t nouns = count;
    switch (r->method) {
    case POST:
        if (!creates && count >= 3 && IS_PARAM(count - 2)) {
            struct buf verb = {.arena = a};
            add_camel(&verb, parts[count - 1]);
            ASSERT(verb.len, "a route ends with a word");
            verb.at[0] |= 32;
            buf_str_add(&b, buf_str(&verb));
            nouns = count - 1;
        } else {
            buf_puts(&b, creates ? "create" : "post");
        }
        break;
    case PUT: buf_puts(&b, "replace"); break;
    case PATCH: buf_puts(&b, "update"); break;
    case DELETE: buf_puts(&b, "delete"); break;
    default: buf_puts(&b, list ? "list" : "get"); break;
    }
    for (size_t i = 0; i < nouns; i++) {
        if (IS_PARAM(i))
            continue;
        bool one = IS_PARAM(i + 1) || (creates && i + 1 == count);
        add_camel(&b, one ? singular(a, parts[i]) : parts[i]);
    }
#undef IS_PARAM
    return buf_str(&b);
}

struct str openapi_tag(const struct route *r)
{
    struct str rest = str_of(r->path + strlen(API_ROOT)), tag = STR("");
    str_split(&rest, '/', &tag);
    return tag;
}

static void put_parameter(struct doc *d, const char *name, const char *in, bool required, const char *doc)
{
    json_open(&d->o, NULL, '{');
    json_put_z(&d->o, "name", name);
    json_put_z(&d->o, "in", in);
    json_put_bool(&d->o, "required", required);
    if (doc)
        json_put_z(&d->o, "description", doc);
}

static void put_text_parameter(struct doc *d, const char *name, const char *in, bool required, const char *doc)
{
    put_parameter(d, name, in, required, doc);
    json_open(&d->o, "schema", '{');
    json_put_z(&d->o, "type", "string");
    json_close(&d->o, '}');
    json_close(&d->o, '}');
}

static void put_list_parameters(struct doc *d, const struct schema *s)
{
    struct json_out *o = &d->o;
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        if (!(f->flags & (FIELD_FILTER | FIELD_SEARCH)))
            continue;
        bool number = f->type == F_INT || f->type == F_FEN || f->type == F_TIME || f->type == F_DATE;
        put_parameter(d, arena_printf(d->a, "filter[%s]", f->name), "query", false,
                      f->flags & FIELD_SEARCH ? "Part of the text, upper and lower case alike."
                      : number                ? "Values separated by commas, or a range a..b."
                                              : "Values separated by commas: any of them.");
        json_put_z(o, "style", "form");
        json_put_bool(o, "explode", false);
        json_open(o, "schema", '{');
        if (f->flags & FIELD_SEARCH || number) {
            json_put_z(o, "type", "string");
        } else {
            json_put_z(o, "type", "array");
            json_open(o, "items", '{');
            if (f->type == F_ID)
                json_put_z(o, "type", "string"); // "me" and "none" too
            else
                put_field_type(d, f, MODE_OUT, false);
            json_close(o, '}');
        }
        json_close(o, '}');
        json_close(o, '}');
    }
    put_parameter(d, "sort", "query", false, "A field, with - for the highest first.");
    json_open(o, "schema", '{');
    json_put_z(o, "type", "string");
    json_open(o, "enum", '[');
    json_put_z(o, NULL, "id");
    json_put_z(o, NULL, "-id");
    for (size_t i = 0; i < s->count; i++)
        if (s->fields[i].flags & FIELD_SORT) {
            json_put_z(o, NULL, s->fields[i].name);
            json_put_z(o, NULL, arena_printf(d->a, "-%s", s->fields[i].name));
        }
    json_close(o, ']');
    json_put_z(o, "default", "-id");
    json_close(o, '}');
    json_close(o, '}');
    put_parameter(d, "limit", "query", false, "Rows on one page.");
    json_open(o, "schema", '{');
    json_put_z(o, "type", "integer");
    json_put_int(o, "minimum", 1);
    json_put_int(o, "maximum", 200);
    json_put_int(o, "default", 50);
    json_close(o, '}');
    json_close(o, '}');
    put_text_parameter(d, "cursor", "query", false, "`next` of the page before.");
}

static void put_parameters(struct doc *d, const struct route *r)
{
    struct json_out *o = &d->o;
    json_open(o, "parameters", '[');
    for (const char *at = r->path; (at = strchr(at, '{')); at++) {
        size_t len = strcspn(at + 1, "}");
        put_text_parameter(d, arena_printf(d->a, "%.*s", (int)len, at + 1), "path", true, NULL);
    }
    if (r->flags & ROUTE_LIST && (r->list || r->out))
        put_list_parameters(d, r->list ? r->list : r->out);
    for (size_t i = 0; r->query && i < r->query->count; i++) {
        const struct field *f = &r->query->fields[i];
        put_parameter(d, f->name, "query", f->flags & FIELD_REQUIRED, f->doc);
        json_open(o, "schema", '{');
        put_field_type(d, f, MODE_IN, false);
        json_close(o, '}');
        json_close(o, '}');
    }
    if (r->flags & ROUTE_CREATES)
        put_text_parameter(d, "Idempotency-Key", "header", false, "A text of your own, at most 200 characters: the same key with the same body is done once, "
                           "and answered again for 24 hours.");
    if (r->method == PATCH)
        put_text_parameter(d, "If-Match", "header", false, "The ETag that the change was made from; answers 412 when somebody else was faster.");
    json_close(o, ']');
}

static void put_body(struct doc *d, const struct route *r)
{
    struct json_out *o = &d->o;
    if (!r->in && !(r->flags & ROUTE_UPLOAD))
        return;
    json_open(o, "requestBody", '{');
    json_put_bool(o, "required", !(r->flags & ROUTE_OPTIONAL_BODY));
    json_open(o, "content", '{');
    if (r->flags & ROUTE_UPLOAD) {
        json_open(o, "multipart/form-data", '{');
        json_open(o, "schema", '{');
        json_put_z(o, "type", "object");
        json_open(o, "required", '[');
        json_put_z(o, NULL, "file");
        json_close(o, ']');
        json_open(o, "properties", '{');
        json_open(o, "file", '{');
        json_put_z(o, "type", "string");
        json_put_z(o, "contentMediaType", "application/octet-stream");
        json_close(o, '}');
        for (size_t i = 0; r->in && i < r->in->count; i++)
            put_field(d, &r->in->fields[i], MODE_IN);
        json_close(o, '}');
        json_close(o, '}');
        json_close(o, '}');
    } else {
        json_open(o, "application/json", '{');
        put_ref(d, "schema", r->in, r->method == PATCH ? MODE_PATCH : MODE_IN);
        json_close(o, '}');
    }
    json_close(o, '}');
    json_close(o, '}');
}

static void put_response(struct doc *d, int status, const char *name)
{
    json_open(&d->o, arena_printf(d->a, "%d", status), '{');
    json_put_z(&d->o, "$ref", arena_printf(d->a, "#/components/responses/%s", name));
    json_close(&d->o, '}');
}

static void put_responses(struct doc *d, const struct route *r)
{
    struct json_out *o = &d->o;
    json_open(o, "responses", '{');
    json_open(o, r->flags & ROUTE_EMPTY ? "204" : r->flags & ROUTE_CREATES ? "201" : "200", '{');
    json_put_z(o, "description", r->flags & ROUTE_EMPTY ? "Done." : r->flags & ROUTE_CREATES ? "Created." : "The answer.");
    if (!(r->flags & ROUTE_EMPTY)) {
        json_open(o, "content", '{');
        json_open(o, "application/json", '{');
        if (!r->out) {
            json_open(o, "schema", '{');
            json_put_z(o, "type", "object");
            json_close(o, '}');
        } else if (r->flags & ROUTE_LIST) {
            json_open(o, "schema", '{');
            json_put_z(o, "$ref", arena_printf(d->a, "#/components/schemas/%sList", r->out->name));
            json_close(o, '}');
        } else {
            put_ref(d, "schema", r->out, MODE_OUT);
        }
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, '}');
    if (changes(r) || r->flags & ROUTE_LIST)
        put_response(d, 400, "Malformed");
    if (r->perm != PERM_PUBLIC || changes(r))
        put_response(d, 401, "Unauthenticated");
    if (r->perm != PERM_PUBLIC)
        put_response(d, 403, "Forbidden");
    if (strchr(r->path, '{'))
        put_response(d, 404, "NotFound");
    if (changes(r))
        put_response(d, 409, "Conflict");
    if (r->method == PATCH)
        put_response(d, 412, "ChangedMeanwhile");
    if (r->in || r->flags & ROUTE_UPLOAD) {
        put_response(d, 413, "TooLarge");
        put_response(d, 415, "WrongMediaType");
    }
    if (r->in || r->flags & ROUTE_LIST)
        put_response(d, 422, "Invalid");
    put_response(d, 429, "TooMany");
    json_close(o, '}');
}

static void put_security(struct doc *d, const struct route *r)
{
    struct json_out *o = &d->o;
    json_open(o, "security", '[');
    if (r->perm == PERM_VISITOR) {
        json_open(o, NULL, '{');
        json_open(o, "visitor", '[');
        json_close(o, ']');
        json_close(o, '}');
    } else if (r->perm != PERM_PUBLIC) {
        static const char *const ways[] = {"session", "token"};
        for (int i = 0; i < 2; i++) {
            json_open(o, NULL, '{');
            json_open(o, ways[i], '[');
            json_close(o, ']');
            json_close(o, '}');
        }
    }
    json_close(o, ']');
}

static void put_operation(struct doc *d, const struct route *r)
{
    static const char *const methods[METHOD_COUNT] = {"get", "head", "post", "put", "patch", "delete", "options"};
    struct json_out *o = &d->o;
    json_open(o, methods[r->method], '{');
    json_put_str(o, "operationId", openapi_operation_id(d->a, r));
    json_open(o, "tags", '[');
    json_put_str(o, NULL, openapi_tag(r));
    json_close(o, ']');
    json_put_z(o, "summary", r->summary);
    if (r->perm >= 0 && r->perm < PERM_COUNT)
        json_put_z(o, "description", arena_printf(d->a, "Needs the permission `%s`.", perm_name((enum perm)r->perm)));
    put_security(d, r);
    put_parameters(d, r);
    put_body(d, r);
    put_responses(d, r);
    json_close(o, '}');
}

static void put_paths(struct doc *d, const struct route *const *tables)
{
    struct str_map seen = {0};
    json_open(&d->o, "paths", '{');
    for (size_t t = 0; tables[t]; t++)
        for (const struct route *r = tables[t]; r->path; r++) {
            if (!described(r) || str_map_put(&seen, str_of(r->path), d))
                continue;
            json_open(&d->o, r->path, '{');
            for (size_t u = t; tables[u]; u++)
                for (const struct route *q = tables[u]; q->path; q++)
                    if (described(q) && !strcmp(q->path, r->path))
                        put_operation(d, q);
            json_close(&d->o, '}');
        }
    json_close(&d->o, '}');
    str_map_free(&seen);
}

static void put_tags(struct doc *d, const struct route *const *tables)
{
    struct str_map seen = {0};
    json_open(&d->o, "tags", '[');
    for (size_t t = 0; tables[t]; t++)
        for (const struct route *r = tables[t]; r->path; r++)
            if (described(r) && !str_map_put(&seen, openapi_tag(r), d)) {
                json_open(&d->o, NULL, '{');
                json_put_str(&d->o, "name", openapi_tag(r));
                json_put_str(&d->o, "description", str_printf(d->a, "Everything under " API_ROOT STR_FMT ".", STR_ARG(openapi_tag(r))));
                json_close(&d->o, '}');
            }
    json_close(&d->o, ']');
    str_map_free(&seen);
}

// The problem document that net writes (net/http.h response_problem).
static const char problem_schema[] =
    "{\"type\":\"object\",\"description\":\"RFC 9457 problem document\",\"required\":[\"type\",\"title\",\"status\",\"code\"],\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\",\"description\":\"For people, in the language asked for\"},"
    "\"status\":{\"type\":\"integer\"},\"code\":{\"type\":\"string\",\"description\":\"Stable, for programs\"},"
    "\"detail\":{\"type\":\"string\"},\"retry_after\":{\"type\":\"integer\"},"
    "\"fields\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"field\",\"code\",\"title\"],\"properties\":{"
    "\"field\":{\"type\":\"string\",\"description\":\"JSON pointer without the leading slash\"},"
    "\"code\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"}}}}}}";

static void put_problems(struct doc *d)
{
    static const char *const problems[][2] = {
        {"Malformed", "The request is malformed."},
        {"Unauthenticated", "Not signed in, or not any more."},
        {"Forbidden", "A permission is missing, or the CSRF token does not fit."},
        {"NotFound", "There is no such thing, or it may not be seen."},
        {"Conflict", "The state does not allow it, or a unique value is taken."},
        {"ChangedMeanwhile", "If-Match names another version."},
        {"TooLarge", "The body is too large."},
        {"WrongMediaType", "The body's media type is not the one asked for."},
        {"Invalid", "Fields are not valid; all of them are named."},
        {"TooMany", "Too many requests; see Retry-After."},
    };
    struct json_out *o = &d->o;
    json_open(o, "responses", '{');
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        json_open(o, problems[i][0], '{');
        json_put_z(o, "description", problems[i][1]);
        if (!strcmp(problems[i][0], "TooMany"))
            json_put_raw(o, "headers", STR("{\"Retry-After\":{\"description\":\"Seconds\",\"schema\":{\"type\":\"integer\"}}}"));
        json_put_raw(o, "content", STR("{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}"));
        json_close(o, '}');
    }
    json_close(o, '}');
}

static void put_components(struct doc *d)
{
    struct json_out *o = &d->o;
    json_open(o, "components", '{');
    json_put_raw(o, "securitySchemes",
                 STR("{\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"yd_session\",\"description\":\"From POST /api/v1/session. "
                     "Changing requests also send the header X-CSRF-Token with `csrf` of GET /api/v1/session.\"},"
                     "\"token\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An API token from POST /api/v1/tokens.\"},"
                     "\"visitor\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"Authorization\",\"description\":\"Visitor TOKEN, from the "
                     "widget's welcome frame.\"}}"));
    put_problems(d);
    json_open(o, "schemas", '{');
    json_put_raw(o, "Problem", STR(problem_schema));
    for (size_t i = 0; i < d->used.count; i++) {
        struct usage *u = &d->used.at[i];
        for (int mode = MODE_OUT; mode <= MODE_PATCH; mode <<= 1)
            if (u->modes & mode)
                put_component(d, u->s, mode);
        if (!u->listed)
            continue;
        json_open(o, arena_printf(d->a, "%sList", u->s->name), '{');
        json_put_z(o, "type", "object");
        json_put_raw(o, "required", STR("[\"items\",\"next\"]"));
        json_open(o, "properties", '{');
        json_open(o, "items", '{');
        json_put_z(o, "type", "array");
        put_ref(d, "items", u->s, MODE_OUT);
        json_close(o, '}');
        json_put_raw(o, "next", STR("{\"type\":[\"string\",\"null\"],\"description\":\"cursor of the next page\"}"));
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, '}');
    json_close(o, '}');
}

struct str openapi_print(struct arena *a, const struct route *const *tables, const char *version)
{
    struct doc d = {.a = a, .o = json_begin(a)};
    for (size_t t = 0; tables[t]; t++)
        for (const struct route *r = tables[t]; r->path; r++) {
            if (!described(r))
                continue;
            if (r->in && !(r->flags & ROUTE_UPLOAD))
                note(&d, r->in, r->method == PATCH ? MODE_PATCH : MODE_IN);
            if (r->out)
                note(&d, r->out, MODE_OUT);
            if (r->out && r->flags & ROUTE_LIST)
                usage_of(&d, r->out)->listed = true;
        }
    json_open(&d.o, NULL, '{');
    json_put_z(&d.o, "openapi", "3.1.0");
    json_open(&d.o, "info", '{');
    json_put_z(&d.o, "title", "Yingda");
    json_put_z(&d.o, "version", version);
    json_put_z(&d.o, "description", "Times are RFC 3339 in UTC, amounts integers in fen, ids opaque texts. Errors are problem documents (RFC 9457) with a "
                                    "stable `code`; texts come in the language of Accept-Language (zh-CN, en-US).");
    json_put_raw(&d.o, "license", STR("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    json_close(&d.o, '}');
    json_put_raw(&d.o, "servers", STR("[{\"url\":\"/\",\"description\":\"This installation\"}]"));
    put_tags(&d, tables);
    put_paths(&d, tables);
    put_components(&d);
    json_close(&d.o, '}');
    return buf_str(&d.o.buf);
}
