#!/usr/bin/env python3
"""migrations.py OUT.c DEPFILE FOLDER : the migrations NNNN_name.sql of a folder as one C table in the order of their numbers. The dependency file names
the folder too, so that a new file is taken in without a word in the build description."""
import pathlib, re, sys

out, depfile, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
files = sorted(folder.glob("*.sql"))
numbers = {}
for path in files:
    found = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
    if not found:
        sys.exit(f"{path}: a migration is called NNNN_name.sql")
    if found[1] in numbers:
        sys.exit(f"{path}: the number {found[1]} is taken by {numbers[found[1]]}")
    numbers[found[1]] = path.name
with open(out, "w", encoding="utf-8") as f:
    f.write('#include "store/engine.h"\n\nconst struct migration migration_table[] = {\n')
    for path in files:
        f.write(f"    {{{int(path.name[:4])}, \"{path.stem[5:]}\",\n")
        for line in path.read_text(encoding="utf-8").split("\n"):
            line = line.replace("\\", "\\\\").replace('"', '\\"').replace("??", "?\\?")
            f.write(f'     "{line}\\n"\n')
        f.write("    },\n")
    f.write("};\nconst unsigned migration_count = sizeof migration_table / sizeof migration_table[0];\n")
with open(depfile, "w", encoding="utf-8") as f:
    f.write(f"{out}: {folder} {' '.join(str(p) for p in files)}\n")
