// JSON: whatever is read prints as JSON that reads again to the same text.
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

static void walk(const struct json *v, int depth) // depth: of a list or an object, 1 at the top
{
    ASSERT(depth <= 16 || (json_type(v) != JSON_ARRAY && json_type(v) != JSON_OBJECT), "deeper than the limit");
    switch (json_type(v)) {
    case JSON_ARRAY:
        for (size_t i = 0; i < json_count(v); i++)
            walk(json_at(v, i), depth + 1);
        break;
    case JSON_OBJECT: {
        size_t at = 0;
        struct str name;
        struct json *value;
        while (json_member(v, &at, &name, &value)) {
            ASSERT(str_is_utf8(name), "a name that is not UTF-8");
            walk(value, depth + 1);
        }
        break;
    }
    case JSON_TEXT: ASSERT(str_is_utf8(json_text(v)) || !json_text(v).len, "a text that is not UTF-8"); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_ctx f;
    struct ctx *c = fuzz_begin(&f);
    struct json *v = json_read(c, (struct str){(const char *)data, size}, (struct json_limits){.max_bytes = 65536, .max_depth = 16});
    if (v) {
        walk(v, 1);
        struct str text = json_print(c->arena, v);
        struct json *again = json_read(c, text, (struct json_limits){.max_bytes = 1 << 20, .max_depth = 17});
        ASSERT(again, "what was printed reads again");
        ASSERT(str_eq(json_print(c->arena, again), text), "and is the same");
        json_free(again);
        json_free(v);
    } else {
        ASSERT(c->err->code != ERR_NONE, "a refusal has an error");
    }
    fuzz_end(&f);
    return 0;
}
