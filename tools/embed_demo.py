#!/usr/bin/env python3
"""embed_demo.py OUT.c OUT.d DEMO : the files of the demo company as one compressed table, so that `yingda demo load` works anywhere.
The names and sizes stand plainly; the bytes are one zlib stream."""
import pathlib, sys, zlib

out, depfile, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
names = ["company.json", "staff.json", "categories.json", "faqs.jsonl", "contacts.jsonl", "conversations.jsonl"]
names += sorted(str(p.relative_to(folder)) for p in (folder / "articles").rglob("*.md"))
contents = [(folder / name).read_bytes() for name in names]
packed = zlib.compress(b"".join(contents), 9)
with open(out, "w", encoding="utf-8") as f:
    f.write('#include "app/demo.h"\n\nconst struct demo_file demo_files[] = {\n')
    for name, content in zip(names, contents):
        f.write(f'    {{"{name}", {len(content)}}},\n')
    f.write(f"    {{0}},\n}};\nconst size_t demo_size = {sum(map(len, contents))}, demo_packed_size = {len(packed)};\n")
    f.write("const unsigned char demo_packed[] = {\n")
    for at in range(0, len(packed), 32):
        f.write("    " + "".join(f"{b}," for b in packed[at:at + 32]) + "\n")
    f.write("};\n")
with open(depfile, "w", encoding="utf-8") as f:
    f.write(f"{out}: " + " ".join([str(folder / name) for name in names] + [str(folder / "articles" / l) for l in ("zh-CN", "en-US")]) + "\n")
