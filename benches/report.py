#!/usr/bin/env python3
"""Writes what the benches print into the documents, and draws it.

    report.py FILE…      the lines `bench TABLE KEY=VALUE…` of these files become the tables of docs/bench.md, between
                         <!-- bench:TABLE --> and <!-- /bench -->; then the plots are drawn
    report.py --plots    draws the plots, and the sentences in README.md, from the tables as they are
    report.py --check    fails if a table can't be read, or if a plot or a sentence is not what the tables say

In a value ~ stands for a space. A table of which no line came stays as it is.
"""
import os
import re
import sys

# Nothing is left beside the sources.
sys.dont_write_bytecode = True
import plots  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH, README = "docs/bench.md", "README.md"
# Where a line says nothing of a column.
NOTHING = "–"

# Of each table its columns: the title, and how a line's values are written.
TABLES = {
    "machine": (("processor", "{processor}"), ("cores", "{cores:.0f}"), ("system", "{system}"), ("compiler", "{compiler}"), ("date", "{date}")),
    "hit": (("cached call, ns", "{ns:.0f}"), ("by hand, ns", "{hand_ns:.0f}"), ("ratio", "{ratio:.2f}")),
    "threads": (("threads", "{threads:.0f}"), ("million calls a second, together", "{million_a_second:.1f}"), ("times those of one", "{ratio:.2f}"), ("CPU for a call, ns", "{cpu_ns:.0f}")),
    "keys": (("keys", "{keys:,.0f}"), ("a call, ns", "{ns:,.0f}"), ("times one key", "{ratio:.2f}"),
             ("by hand, ns", "{hand_ns:,.0f}"), ("times by hand", "{hand_ratio:.2f}")),
    "memory": (
        ("sessions", "{sessions:,.0f}"), ("bytes for each", "{bytes_each:,.0f}"), ("resident with one, MB", "{one_mb:.1f}"),
        ("with all, MB", "{all_mb:.1f}"), ("after `b2_cache_clear`, MB", "{cleared_mb:.1f}"),
    ),
    "start": (
        ("way", "{way}"), ("time, ms", "{wall_ms:,.1f}"), ("CPU, ms", "{cpu_ms:.1f}"), ("b2auth's part of the time", "{wall_ratio:.3f}"),
        ("of the CPU", "{cpu_ratio:.3f}"),
    ),
    "resident": (
        ("way", "{way}"), ("the first call adds, MB", "{all_mb:.2f}"), ("of it not from a file, MB", "{own_mb:.2f}"),
        ("the process has then, MB", "{process_mb:.1f}"),
    ),
    "dlopen": (("library", "{library}"), ("dlopen, ms", "{ms:.3f}"), ("CPU, ms", "{cpu_ms:.3f}"), ("b2auth's part of the CPU", "{ratio:.3f}")),
    "batch": (
        ("connections", "{connections:.0f}"), ("keys", "{keys:,.0f}"), ("keys a second", "{rate:,.0f}"), ("libcurl", "{libcurl_rate:,.0f}"),
        ("ratio", "{rate_ratio:.2f}"), ("CPU for a key, µs", "{cpu_us:.0f}"), ("libcurl's, µs", "{libcurl_cpu_us:.0f}"),
        ("CPU ratio", "{cpu_ratio:.2f}"), ("the server's CPU, % of a core", "{sandbox_percent:.0f}"),
        ("with libcurl, %", "{libcurl_sandbox_percent:.0f}"),
    ),
    "crowd": (
        ("waiters", "{waiters:,.0f}"), ("with a cancel", "{cancel}"), ("CPU in all, s", "{cpu_s:.2f}"),
        ("of it while waiting, s", "{waiting_s:.2f}"), ("time, s", "{wall_s:.1f}"),
    ),
    "store": (("first call of a process", "{what}"), ("best, µs", "{best:,.0f}"), ("median, µs", "{median:,.0f}"), ("95 %, µs", "{most:,.0f}")),
    "borders": (
        ("language", "{language}"), ("cached call, ns", "{call_ns:.0f}"), ("times C", "{call_ratio:.1f}"), ("getter, ns", "{getter_ns:.0f}"),
        ("times C's", "{getter_ratio:.0f}"),
    ),
    "size": (("part", "{part}"), ("bytes", "{bytes:,.0f}"), ("%", "{percent:.1f}")),
}

# Files, and how each is drawn from the tables.
PLOTS = {
    "docs/bench-threads.svg": plots.threads,
    "docs/bench-keys.svg": plots.keys,
    "docs/bench-batch.svg": plots.batch,
    "docs/bench-start.svg": plots.start,
}


def region(name):
    return re.compile(rf"(<!-- bench:{name} -->\n)(.*?)(<!-- /bench -->)", re.DOTALL)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def write(path, text):
    """In one step: a reader in between sees the old one."""
    path = os.path.join(ROOT, path)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def value(text):
    try:
        return float(text)
    except ValueError:
        return text.replace("~", " ")


def lines(paths):
    """The rows of each table that these files have."""
    rows = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith("bench "):
                    _, name, *pairs = line.split()
                    row = {key: value(text) for key, text in (pair.split("=", 1) for pair in pairs)}
                    if name not in TABLES:
                        raise SystemExit(f"report: {path}: there is no table {name}")
                    rows.setdefault(name, []).append(row)
    total = next((row["bytes"] for row in rows.get("size", ()) if row["part"] == "all"), None)
    for row in rows.get("size", ()):
        row["percent"] = row["bytes"] * 100 / (total or row["bytes"])
    return rows


def cell(form, row):
    try:
        return form.format(**row)
    except KeyError:
        return NOTHING


def table(name, rows):
    columns = TABLES[name]
    texts = [[cell(form, row) for _, form in columns] for row in rows]
    # Numbers are at the right.
    rules = ["--:" if form.endswith("f}") else "---" for _, form in columns]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [[title for title, _ in columns], rules, *texts])


def number(text):
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def parse(text):
    """The tables of docs/bench.md: of each a list of rows, a row being a dictionary by column title."""
    found, wrong = {}, []
    for name, columns in TABLES.items():
        match = region(name).search(text)
        if not match:
            wrong.append(f"{BENCH} has no <!-- bench:{name} --> … <!-- /bench -->")
            continue
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in match[2].strip().split("\n")]
        titles = [title for title, _ in columns]
        if cells[0] != titles or len(cells) < 3 or any(len(row) != len(titles) for row in cells):
            wrong.append(f"{BENCH}: the table {name} is not one of the columns {titles}, or is empty")
            continue
        found[name] = [
            {title: cell if (parsed := number(cell)) is None else parsed for title, cell in zip(titles, row)} for row in cells[2:]
        ]
        numeric = [title for title, form in columns if form.endswith("f}")]
        wrong += [
            f"{BENCH}: the table {name} has {row[title]!r} for a number under {title}"
            for row in found[name] for title in numeric if not isinstance(row[title], float) and row[title] != NOTHING
        ]
    return found, wrong


def drawn(tables):
    """What each file that is made of the tables must be."""
    made = {path: draw(tables) for path, draw in PLOTS.items()}
    readme = read(README)
    if not region("readme").search(readme):
        raise SystemExit(f"report: {README} has no <!-- bench:readme --> … <!-- /bench -->")
    made[README] = region("readme").sub(lambda match: match[1] + plots.sentences(tables) + match[3], readme)
    return made


def tables_or_fail():
    tables, wrong = parse(read(BENCH))
    if wrong:
        raise SystemExit("\n".join(f"report: {line}" for line in wrong))
    return tables


def main(arguments):
    if arguments == ["--check"]:
        stale = []
        for path, text in drawn(tables_or_fail()).items():
            if not os.path.exists(os.path.join(ROOT, path)) or read(path) != text:
                stale.append(path)
        if stale:
            raise SystemExit(f"report: not what the tables say (benches/report.py --plots): {', '.join(stale)}")
        return
    if arguments != ["--plots"]:
        if not arguments or arguments[0].startswith("-"):
            raise SystemExit(__doc__)
        text = read(BENCH)
        rows = lines(arguments)
        for name, found in rows.items():
            if not region(name).search(text):
                raise SystemExit(f"report: {BENCH} has no <!-- bench:{name} --> … <!-- /bench -->")
            text = region(name).sub(lambda match: match[1] + table(name, found) + match[3], text)
        write(BENCH, text)
        left = [name for name in TABLES if name not in rows]
        if left:
            print(f"as they were: {', '.join(left)}")
    for path, text in drawn(tables_or_fail()).items():
        if not os.path.exists(os.path.join(ROOT, path)) or read(path) != text:
            write(path, text)
            print(f"written: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
