// Markdown to HTML that is safe on our own pages: CommonMark with tables, strikethrough and bare links (cmark-gfm). The HTML is written from the syntax
// tree, so that only the tags and attributes named in markdown.c can appear; raw HTML is dropped, and addresses need an allowed scheme.
#pragma once
#include "base/buf.h"

struct str markdown_render(struct arena *a, struct str text); // headings one level down: the page has the first
struct str markdown_plain(struct arena *a, struct str text);  // what a reader sees, without marks
// An article as pieces for the index: each about one paragraph or short section, as it stands in the source.
struct passage {
    struct str source;  // Markdown
    struct str heading; // plain text of the heading it stands under; empty before the first
    struct str plain;
};
size_t markdown_passages(struct arena *a, struct str text, struct passage **out);
