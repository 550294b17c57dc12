#!/usr/bin/env python3
"""embed.py OUT.c OUT.S CACHE [--require] FOLDER=MOUNT… : static files as a table for the binary (src/net/asset.h).

The bytes go in by the assembler's .incbin, so that large files cost no compile time; gzip and brotli forms are made once per content and
kept in CACHE. A file is written only when it changes. A folder that does not exist gives nothing (with --require: an error)."""
import gzip, hashlib, os, pathlib, re, shutil, subprocess, sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
         ".webp": "image/webp", ".ico": "image/x-icon", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
         ".map": "application/json", ".webmanifest": "application/manifest+json", ".wav": "audio/wav", ".mp3": "audio/mpeg"}
PACKED = {".html", ".js", ".mjs", ".css", ".json", ".svg", ".txt", ".map", ".webmanifest", ".ico"}
HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8}\.[a-z0-9]+$")  # name-B4xTq0aZ.js, as Vite names what never changes


def once(path, make):
    if not path.exists():
        part = path.with_suffix(path.suffix + ".part")
        part.write_bytes(make())
        part.replace(path)
    return path


def write(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    arguments = [a for a in sys.argv[1:] if a != "--require"]
    out_c, out_s, cache = (pathlib.Path(a) for a in arguments[:3])
    cache.mkdir(parents=True, exist_ok=True)
    cache = cache.resolve()
    files = {}
    for pair in arguments[3:]:
        folder, _, mount = pair.rpartition("=")
        folder = pathlib.Path(folder)
        if not folder.is_dir():
            if "--require" in sys.argv:
                sys.exit(f"embed.py: {folder} does not exist: build the pages first")
            continue
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                files[mount + path.relative_to(folder).as_posix()] = path
    brotli = shutil.which("brotli")
    rows, blobs = [], []
    for number, url in enumerate(sorted(files, key=lambda u: u.encode())):
        path = files[url]
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:20]
        forms = [once(cache / digest, lambda: content), None, None]
        if path.suffix in PACKED and len(content) > 256:
            packed = once(cache / (digest + ".gz"), lambda: gzip.compress(content, 9, mtime=0))
            forms[1] = packed if packed.stat().st_size < len(content) else None
            if brotli:
                packed = once(cache / (digest + ".br"), lambda: subprocess.run(
                    [brotli, "-q", "11", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout)
                forms[2] = packed if packed.stat().st_size < len(content) else None
        names, sizes = [], []
        for form, kind in zip(forms, "pgb"):
            names.append(f"asset_{number}{kind}" if form else "NULL")
            sizes.append(form.stat().st_size if form else 0)
            if form:
                blobs.append((names[-1], form))
        immutable = "true" if HASHED.search(path.name) and "/assets/" in url and not url.startswith("/help/") else "false"
        kind = TYPES.get(path.suffix, "application/octet-stream")
        rows.append(f'    {{"{url}", "{kind}", "{digest}", {", ".join(names)}, {", ".join(map(str, sizes))}, {immutable}}},')
    # The digest in the file's name makes the assembler run again when a content changes.
    write(out_s, '    .section .rodata\n' + "".join(
        f'    .globl {name}\n    .balign 16\n{name}:\n    .incbin "{form}"\n    .byte 0\n' for name, form in blobs) +
        '    .section .note.GNU-stack,"",%progbits\n')
    write(out_c, '#include "net/asset.h"\n\n' + "".join(f"extern const unsigned char {name}[];\n" for name, _ in blobs) +
          "const struct asset asset_table[] = {\n" + "\n".join(rows) + ("\n" if rows else "") + "    {0},\n};\n"
          f"const unsigned asset_count = {len(rows)};\n")


main()
