#!/usr/bin/env python3
"""The manners of the house that a compiler does not check: include ranks, domain rules free of HTTP, SQL only in a room's rules files,
no float in money, no file too long, no text for people in code. Prints each breach; exit 1 when there is one."""
import pathlib, re, sys

RANK = {room: i for i, room in enumerate(
    "base text store net schema identity agreement training workforce crm knowledge bot desk quality ops pay app".split())}
breaches = []
src = pathlib.Path(__file__).resolve().parent.parent / "src"
for path in sorted(src.rglob("*.[ch]")):
    where = path.relative_to(src.parent)
    room = path.relative_to(src).parts[0]
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#include "([a-z]+)/', line)
        if found and RANK.get(found[1], -1) > RANK[room]:
            breaches.append(f"{where}:{number}: {room} includes {found[1]}, which stands to its right")
        if len(line) > 160:
            breaches.append(f"{where}:{number}: a line of {len(line)} columns")
        if re.search(r'[\u4e00-\u9fff]', line) and room not in ("text", "bot", "base", "knowledge", "crm") and '"' in line:
            if re.search(r'"[^"]*[\u4e00-\u9fff]', line):
                breaches.append(f"{where}:{number}: a Chinese text in code belongs into lang/")
    if path.name.endswith("_api.c") and re.search(r"\bSQL(_SCAN)?\(", text):
        breaches.append(f"{where}: routes hold no SQL")
    if (room == "pay" or path.name == "money.c") and re.search(r"\b(float|double)\b", text):
        breaches.append(f"{where}: floating point touches money")
    if room in RANK and RANK[room] >= RANK["identity"] and re.search(r"\b(malloc|calloc|realloc)\(", text) and "house: malloc" not in text:
        breaches.append(f"{where}: malloc in domain code (long-lived objects say 'house: malloc' and why)")
    if len(lines) > 1000:
        breaches.append(f"{where}: {len(lines)} lines; has it one topic?")
    if path.suffix == ".h" and not text.startswith("//"):
        breaches.append(f"{where}: a header opens with what the thing is")
keys = set()
for path in sorted((src.parent / "lang").glob("*.txt")):
    keys |= {line.strip() for line in path.read_text(encoding="utf-8").split("\n") if line and not line[0].isspace() and line[0] != "#"}
for path in sorted(src.rglob("*.c")):
    for found in re.finditer(r'\bfail(?:_field)?\([^;"]*"([a-z0-9_.]+)"', path.read_text(encoding="utf-8")):
        if found[1] not in keys and "." in found[1]:
            breaches.append(f"{path.relative_to(src.parent)}: the key {found[1]} has no text in lang/")
print("\n".join(breaches))
sys.exit(1 if breaches else 0)
