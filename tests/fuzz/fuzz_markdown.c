// Markdown: whatever is written, the page gets only tags and addresses that are allowed.
#include "knowledge/markdown.h"
#include "tests/fuzz/fuzz.h"

static const char *const tags[] = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "del", "s", "code", "pre", "blockquote",
                                   "a", "img", "br", "hr", "table", "thead", "tbody", "tr", "th", "td", "input", "div", "span", "figure", "sup", "section"};

static void check(struct str html)
{
    for (size_t i = 0; i < html.len; i++) {
        if (html.at[i] != '<')
            continue;
        size_t at = i + 1;
        if (at < html.len && html.at[at] == '/')
            at++;
        size_t end = at;
        while (end < html.len && ((html.at[end] >= 'a' && html.at[end] <= 'z') || (html.at[end] >= '0' && html.at[end] <= '9')))
            end++;
        bool known = false;
        for (size_t k = 0; k < sizeof tags / sizeof *tags; k++)
            known |= str_is(str_sub(html, at, end - at), tags[k]);
        ASSERT(known, "a tag that is not allowed");
        // Inside the tag: no handler, no script address.
        size_t close = end;
        bool quoted = false;
        while (close < html.len && (quoted || html.at[close] != '>')) {
            if (html.at[close] == '"')
                quoted = !quoted;
            close++;
        }
        struct str inside = str_sub(html, end, close - end);
        size_t found;
        ASSERT(!str_find(inside, STR("=\"javascript:"), &found), "a script address");
        ASSERT(!str_find(inside, STR(" onerror="), &found) || str_find(inside, STR("=\""), &found), "a handler");
        i = close;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_ctx f;
    struct ctx *c = fuzz_begin(&f);
    struct str text = {(const char *)data, size};
    check(markdown_render(c->arena, text));
    markdown_plain(c->arena, text);
    struct passage *list;
    size_t count = markdown_passages(c->arena, text, &list);
    for (size_t i = 0; i < count; i++)
        ASSERT(list[i].source.len <= size, "a passage is part of its article");
    fuzz_end(&f);
    return 0;
}
