#include "knowledge/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>
#include <pthread.h>

#include "base/vec.h"

enum { MOST_MARKDOWN = 1 << 20, PASSAGE_CHARS = 400 };

static pthread_once_t extensions_once = PTHREAD_ONCE_INIT;

static cmark_node *parse(struct str text)
{
    static const char *const names[] = {"table", "strikethrough", "autolink"};
    pthread_once(&extensions_once, cmark_gfm_core_extensions_ensure_registered);
    cmark_parser *parser = cmark_parser_new(CMARK_OPT_DEFAULT | CMARK_OPT_VALIDATE_UTF8);
    for (int i = 0; i < 3; i++) {
        cmark_syntax_extension *extension = cmark_find_syntax_extension(names[i]);
        if (extension)
            cmark_parser_attach_syntax_extension(parser, extension);
    }
    if (text.len > MOST_MARKDOWN)
        text.len = MOST_MARKDOWN;
    cmark_parser_feed(parser, text.at, text.len);
    cmark_node *root = cmark_parser_finish(parser);
    cmark_parser_free(parser);
    return root;
}

// http, https, mailto, tel, or no scheme at all (our own pages). White space and controls inside a scheme are what browsers skip: not allowed either.
static bool address_allowed(struct str url, bool picture)
{
    static const char *const schemes[] = {"https:", "http:", "mailto:", "tel:"};
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.at[i] <= ' ' || url.at[i] == 0x7f || url.at[i] == '\\')
            return false;
    for (int i = 0; i < (picture ? 2 : 4); i++)
        if (url.len > strlen(schemes[i]) && str_eq_nocase(str_sub(url, 0, strlen(schemes[i])), str_of(schemes[i])))
            return true;
    if (str_starts(url, STR("//")))
        return false;
    for (size_t i = 0; i < url.len; i++) {
        if (url.at[i] == '/' || url.at[i] == '?' || url.at[i] == '#')
            return true;
        if (url.at[i] == ':')
            return false;
    }
    return url.len > 0;
}

struct writer {
    struct buf out;
    int quiet; // depth inside something whose markup is not written (a picture's description)
    bool in_head, body_open;
    uint8_t align[64];
    int column;
};

static void put(struct writer *w, const char *html)
{
    if (!w->quiet)
        buf_puts(&w->out, html);
}
static void put_text(struct writer *w, const char *text)
{
    buf_html(&w->out, str_of(text));
}

static void put_link(struct writer *w, cmark_node *n, bool entering)
{
    struct str url = str_of(cmark_node_get_url(n));
    if (!address_allowed(url, false)) // the words stay
        return;
    if (!entering) {
        put(w, "</a>");
        return;
    }
    if (w->quiet)
        return;
    buf_puts(&w->out, "<a href=\"");
    buf_html(&w->out, url);
    buf_puts(&w->out, url.at[0] == '/' || url.at[0] == '#' ? "\">" : "\" rel=\"noopener nofollow\">");
}

static void put_picture(struct writer *w, cmark_node *n, bool entering)
{
    struct str url = str_of(cmark_node_get_url(n));
    if (!address_allowed(url, true))
        return;
    if (entering && w->quiet++ == 0) {
        buf_puts(&w->out, "<img loading=\"lazy\" src=\"");
        buf_html(&w->out, url);
        buf_puts(&w->out, "\" alt=\"");
    } else if (!entering && --w->quiet == 0) {
        buf_puts(&w->out, "\">");
    }
}

static void put_list(struct writer *w, cmark_node *n, bool entering)
{
    bool ordered = cmark_node_get_list_type(n) == CMARK_ORDERED_LIST;
    if (!entering)
        put(w, ordered ? "</ol>\n" : "</ul>\n");
    else if (ordered && cmark_node_get_list_start(n) != 1)
        buf_printf(&w->out, "<ol start=\"%d\">\n", cmark_node_get_list_start(n));
    else
        put(w, ordered ? "<ol>\n" : "<ul>\n");
}

static bool is_tight(cmark_node *paragraph)
{
    cmark_node *item = cmark_node_parent(paragraph), *list = item ? cmark_node_parent(item) : NULL;
    return list && cmark_node_get_type(list) == CMARK_NODE_LIST && cmark_node_get_list_tight(list);
}

// The extensions' node types have numbers only at run time; their names are fixed.
static bool is_named(cmark_node *n, const char *name)
{
    return strcmp(cmark_node_get_type_string(n), name) == 0;
}

static bool put_table(struct writer *w, cmark_node *n, bool entering)
{
    if (is_named(n, "table")) {
        uint8_t *align = cmark_gfm_extensions_get_table_alignments(n);
        memset(w->align, 0, sizeof w->align);
        for (int i = 0; align && i < cmark_gfm_extensions_get_table_columns(n) && i < (int)sizeof w->align; i++)
            w->align[i] = align[i];
        if (!entering && w->body_open)
            put(w, "</tbody>\n");
        w->body_open = false;
        put(w, entering ? "<div class=\"table\" tabindex=\"0\"><table>\n" : "</table></div>\n");
        return true;
    }
    if (is_named(n, "table_row") || is_named(n, "table_header")) {
        bool head = cmark_gfm_extensions_get_table_row_is_header(n);
        if (entering) {
            if (!head && !w->body_open)
                put(w, "<tbody>\n");
            w->body_open |= !head;
            w->in_head = head;
            w->column = 0;
        }
        put(w, head ? (entering ? "<thead><tr>" : "</tr></thead>\n") : (entering ? "<tr>" : "</tr>\n"));
        return true;
    }
    if (is_named(n, "table_cell")) {
        uint8_t align = w->column < (int)sizeof w->align ? w->align[w->column] : 0;
        const char *class = align == 'c' ? " class=\"center\"" : align == 'r' ? " class=\"right\"" : "";
        if (entering)
            buf_printf(&w->out, "<%s%s%s>", w->in_head ? "th" : "td", w->in_head ? " scope=\"col\"" : "", class);
        else
            put(w, w->in_head ? "</th>" : "</td>");
        w->column += !entering;
        return true;
    }
    if (is_named(n, "strikethrough")) {
        put(w, entering ? "<del>" : "</del>");
        return true;
    }
    return false;
}

static void put_node(struct writer *w, cmark_node *n, bool entering)
{
    cmark_node_type type = cmark_node_get_type(n);
    switch (type) {
    case CMARK_NODE_PARAGRAPH:
        if (!is_tight(n))
            put(w, entering ? "<p>" : "</p>\n");
        return;
    case CMARK_NODE_HEADING: {
        int level = cmark_node_get_heading_level(n) + 1;
        buf_printf(&w->out, entering ? "<h%d>" : "</h%d>\n", level > 6 ? 6 : level);
        return;
    }
    case CMARK_NODE_BLOCK_QUOTE: put(w, entering ? "<blockquote>\n" : "</blockquote>\n"); return;
    case CMARK_NODE_LIST: put_list(w, n, entering); return;
    case CMARK_NODE_ITEM: put(w, entering ? "<li>" : "</li>\n"); return;
    case CMARK_NODE_CODE_BLOCK:
        put(w, "<pre tabindex=\"0\"><code>");
        put_text(w, cmark_node_get_literal(n));
        put(w, "</code></pre>\n");
        return;
    case CMARK_NODE_THEMATIC_BREAK: put(w, "<hr>\n"); return;
    case CMARK_NODE_TEXT: put_text(w, cmark_node_get_literal(n)); return;
    case CMARK_NODE_SOFTBREAK: buf_putc(&w->out, '\n'); return;
    case CMARK_NODE_LINEBREAK: put(w, "<br>\n"); return;
    case CMARK_NODE_CODE:
        put(w, "<code>");
        put_text(w, cmark_node_get_literal(n));
        put(w, "</code>");
        return;
    case CMARK_NODE_EMPH: put(w, entering ? "<em>" : "</em>"); return;
    case CMARK_NODE_STRONG: put(w, entering ? "<strong>" : "</strong>"); return;
    case CMARK_NODE_LINK: put_link(w, n, entering); return;
    case CMARK_NODE_IMAGE: put_picture(w, n, entering); return;
    default: put_table(w, n, entering); return; // and raw HTML, footnotes and whatever else there may be: dropped
    }
}

struct str markdown_render(struct arena *a, struct str text)
{
    struct writer w = {.out = {.arena = a}};
    cmark_node *root = parse(text);
    cmark_iter *walk = cmark_iter_new(root);
    cmark_event_type event;
    while ((event = cmark_iter_next(walk)) != CMARK_EVENT_DONE)
        put_node(&w, cmark_iter_get_node(walk), event == CMARK_EVENT_ENTER);
    cmark_iter_free(walk);
    cmark_node_free(root);
    return buf_str(&w.out);
}

// ---- what a reader sees

static void plain_node(struct buf *out, cmark_node *n, bool entering)
{
    cmark_node_type type = cmark_node_get_type(n);
    if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE || type == CMARK_NODE_CODE_BLOCK)
        buf_puts(out, cmark_node_get_literal(n));
    else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK)
        buf_putc(out, ' ');
    bool block = type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING || type == CMARK_NODE_ITEM || is_named(n, "table_cell");
    if (block && !entering && out->len && out->at[out->len - 1] != ' ')
        buf_putc(out, ' ');
}

static struct str plain_of(struct arena *a, cmark_node *root)
{
    struct buf out = {.arena = a};
    cmark_iter *walk = cmark_iter_new(root);
    cmark_event_type event;
    while ((event = cmark_iter_next(walk)) != CMARK_EVENT_DONE)
        plain_node(&out, cmark_iter_get_node(walk), event == CMARK_EVENT_ENTER);
    cmark_iter_free(walk);
    return str_trim(buf_str(&out));
}

struct str markdown_plain(struct arena *a, struct str text)
{
    cmark_node *root = parse(text);
    struct str out = plain_of(a, root);
    cmark_node_free(root);
    return out;
}

// Source lines [from, to], counted from 1.
static struct str lines_of(struct str text, int from, int to)
{
    size_t at = 0;
    int line = 1;
    for (; line < from && at < text.len; at++)
        line += text.at[at] == '\n';
    size_t start = at;
    for (; at < text.len; at++)
        if (text.at[at] == '\n' && line++ == to)
            break;
    return str_trim(str_sub(text, start, at - start));
}

size_t markdown_passages(struct arena *a, struct str text, struct passage **out)
{
    struct {
        VEC(struct passage);
    } list = {0};
    cmark_node *root = parse(text);
    struct str heading = STR("");
    struct buf plain = {.arena = a};
    int from = 0, to = 0;
    for (cmark_node *n = cmark_node_first_child(root);; n = cmark_node_next(n)) {
        bool title = n && cmark_node_get_type(n) == CMARK_NODE_HEADING;
        if (from && (!n || title || str_chars(buf_str(&plain)) > PASSAGE_CHARS)) {
            struct str said = str_trim(buf_str(&plain));
            if (said.len)
                VEC_PUSH(a, &list, (struct passage){lines_of(text, from, to), heading, said});
            plain = (struct buf){.arena = a};
            from = 0;
        }
        if (!n)
            break;
        struct str said = plain_of(a, n);
        if (title) {
            heading = said;
        } else {
            if (!from) {
                from = cmark_node_get_start_line(n);
                if (heading.len) // a passage is found by its heading's words too
                    buf_printf(&plain, STR_FMT " ", STR_ARG(heading));
            }
            to = cmark_node_get_end_line(n);
            buf_str_add(&plain, said);
            buf_putc(&plain, ' ');
        }
    }
    cmark_node_free(root);
    *out = list.at;
    return list.count;
}
