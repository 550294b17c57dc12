#!/usr/bin/env python3
"""messages.py OUT.c IN.txt… : the language files as one C table, sorted by key. A key without both languages, a doubled key, or
texts with different arguments stop the build."""
import re, sys

out, table = sys.argv[1], {}
for name in sys.argv[2:]:
    key = None
    for number, line in enumerate(open(name, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            key = line.strip()
            if key in table:
                sys.exit(f"{name}:{number}: the key {key} stands twice")
            table[key] = {}
        else:
            language, _, text = line.strip().partition(" ")
            if key is None or language not in ("zh-CN", "en-US") or not text:
                sys.exit(f"{name}:{number}: expected '  zh-CN text' or '  en-US text' under a key")
            table[key][language] = text
for key, texts in table.items():
    if set(texts) != {"zh-CN", "en-US"}:
        sys.exit(f"{key}: needs zh-CN and en-US")
    if set(re.findall(r"\{\d\}", texts["zh-CN"])) != set(re.findall(r"\{\d\}", texts["en-US"])):
        sys.exit(f"{key}: the two languages use different arguments")
quote = lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\\\\n", "\\n") + '"'
with open(out, "w", encoding="utf-8") as f:
    f.write('#include "base/lang.h"\n\nconst struct message message_table[] = {\n')
    for key in sorted(table, key=lambda k: k.encode()):
        f.write(f"    {{{quote(key)}, {{{quote(table[key]['zh-CN'])}, {quote(table[key]['en-US'])}}}}},\n")
    f.write("};\nconst unsigned message_count = sizeof message_table / sizeof message_table[0];\n")
