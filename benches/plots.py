"""The plots of docs/bench.md, as SVG, and the sentences of the README, from its tables.

Without a background, in colours that can be told from white and from black.
"""
import textwrap
from html import escape

TEXT, GRID, BLUE, ORANGE, GREEN = "#787878", "#9a9a9a", "#3f86c8", "#d5822f", "#4b9b57"
WIDTH, HEIGHT = 680, 380
LEFT, RIGHT, TOP, BOTTOM = 76, 656, 64, 316


def short(number):
    """1,500 and 0.25, without zeros that say nothing."""
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.2f}".rstrip("0").rstrip(".")


def text(x, y, what, anchor="middle", colour=TEXT, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{more}>{escape(what)}</text>'


def whole(title, parts, height=HEIGHT):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' font-family="sans-serif" font-size="13" role="img">',
            f"<title>{escape(title)}</title>",
            text(LEFT, 22, title, "start", more=' font-size="15" font-weight="bold"'),
            *parts,
            "</svg>\n",
        ]
    )


def step(most):
    """A round distance for about five lines up to there."""
    rough = most / 5
    power = 10 ** (len(str(int(rough))) - 1) if rough >= 1 else 10 ** -len(f"{1 / rough:.0f}")
    return next(power * factor for factor in (1, 2, 2.5, 5, 10, 20, 25, 50, 100) if power * factor >= rough)


def curves(title, x_label, y_label, xs, series, level=None):
    """Lines over values that are drawn at equal distances, from 0 on. `level` is a line across, with its name."""
    most = max(max(values) for _, _, values in series)
    if level:
        most = max(most, level[0])
    unit = step(most)
    # With room for the highest one's label.
    top = unit * -(-most * 1.06 // unit)
    x = lambda place: LEFT + 24 + place * (RIGHT - LEFT - 48) / max(len(xs) - 1, 1)
    y = lambda value: BOTTOM - value / top * (BOTTOM - TOP)
    parts = []
    for line in range(int(round(top / unit)) + 1):
        at = y(line * unit)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{RIGHT}" stroke="{GRID}" stroke-opacity="{1 if line == 0 else 0.35}"/>')
        parts.append(text(LEFT - 8, at + 4.5, short(line * unit), "end"))
    for place, value in enumerate(xs):
        parts.append(f'<path d="M{x(place):.1f} {BOTTOM}v5" stroke="{GRID}"/>')
        parts.append(text(x(place), BOTTOM + 21, short(value)))
    parts.append(text((LEFT + RIGHT) / 2, BOTTOM + 46, x_label))
    parts.append(text(LEFT, 44, y_label, "start"))
    key = RIGHT
    if level:
        parts.append(f'<path d="M{LEFT} {y(level[0]):.1f}H{RIGHT}" stroke="{TEXT}" stroke-dasharray="5 4"/>')
        parts.append(text(key, 44, f"- - {level[1]}", "end"))
    for name, colour, values in reversed(series):
        points = [(x(place), y(value)) for place, value in enumerate(values)]
        way = "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
        parts.append(f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{colour}"/>' for px, py in points]
        if len(series) > 1:
            parts.append(text(key, 44, name, "end", colour, ' font-weight="bold"'))
            key -= 8 * len(name) + 22
            continue
        for place, (px, py) in enumerate(points):
            # Below a point that a line comes down to, beside a line that climbs away, else above.
            falls = place > 0 and py - points[place - 1][1] > 24
            climbs = place + 1 < len(points) and py - points[place + 1][1] > 24
            label = f"{values[place]:.1f}"
            if falls:
                parts.append(text(px, py + 22, label, colour=colour))
            else:
                parts.append(text(px - 8 if climbs else px, py - 12, label, "end" if climbs else "middle", colour))
    return whole(title, parts)


def column(rows, title):
    return [row[title] for row in rows]


def threads(tables):
    rows = tables["threads"]
    return curves(
        "Cached calls of many threads, all for one key", "threads", "calls together, as a multiple of one thread's",
        column(rows, "threads"), [("b2auth", BLUE, column(rows, "times those of one"))],
        (1, "one thread"),
    )


def keys(tables):
    rows = tables["keys"]
    return curves(
        "A cached call for one of many keys, chosen at random", "keys in the cache", "time, as a multiple of one key's",
        column(rows, "keys"), [("b2auth", BLUE, column(rows, "times one key"))],
    )


def batch(tables):
    # One figure for each number of connections: of those with as many keys each.
    rows = tables["batch"]
    fewest = min(column(rows, "keys"))
    rows = [row for row in rows if row["keys"] == fewest]
    return curves(
        "Authorizing many keys over TLS", "connections", "keys a second",
        column(rows, "connections"),
        [("b2auth", BLUE, column(rows, "keys a second")), ("libcurl", ORANGE, column(rows, "libcurl"))],
    )


def start(tables):
    """Bars: time and CPU of each way."""
    rows = tables["start"]
    most = max(column(rows, "time, ms") + column(rows, "CPU, ms"))
    unit = step(most)
    top = unit * -(-most // unit)
    left, right, row_height = 100, RIGHT - 74, 58
    bottom = TOP + row_height * len(rows)
    x = lambda value: left + value / top * (right - left)
    parts = [text(RIGHT, 44, "CPU", "end", ORANGE, ' font-weight="bold"'), text(RIGHT - 46, 44, "time", "end", BLUE, ' font-weight="bold"')]
    parts.append(text(LEFT, 44, "milliseconds, from the start of the program to its end", "start"))
    for line in range(int(round(top / unit)) + 1):
        at = x(line * unit)
        parts.append(f'<path d="M{at:.1f} {TOP}V{bottom}" stroke="{GRID}" stroke-opacity="{1 if line == 0 else 0.35}"/>')
        parts.append(text(at, bottom + 20, short(line * unit)))
    for place, row in enumerate(rows):
        at = TOP + place * row_height + 8
        parts.append(text(left - 10, at + 26, row["way"], "end"))
        for offset, name, colour in ((0, "time, ms", BLUE), (22, "CPU, ms", ORANGE)):
            parts.append(
                f'<rect x="{left}" y="{at + offset}" width="{max(x(row[name]) - left, 1):.1f}" height="18" fill="{colour}"/>'
            )
            parts.append(text(x(row[name]) + 6, at + offset + 13.5, f"{row[name]:,.1f} ms", "start"))
    return whole("A first call over TLS in a fresh process", parts, bottom + 44)


def paragraph(*parts):
    return textwrap.fill(" ".join(parts), 125, break_long_words=False, break_on_hyphens=False) + "\n"


def sentences(tables):
    """What the README says of speed."""
    hit, most = tables["hit"][0], tables["threads"][-1]
    two = next(row for row in tables["threads"] if row["threads"] == 2)
    start = {row["way"]: row for row in tables["start"]}
    own, cores = start["b2auth"], tables["machine"][0]["cores"]
    others = [
        f"{100 * row['of the CPU']:.2g} % of what {name} uses"
        for way, name in (("libcurl", "a program with libcurl and json-c"), ("b2 tool", "the b2 tool"))
        if (row := start.get(way))
    ]
    return (
        "![Cached calls of many threads](docs/bench-threads.svg)\n\n"
        + paragraph(
            f"A cached call takes {hit['cached call, ns']:.0f} ns with a getter and the free, {hit['ratio']:.2g} times the same work by",
            "hand in C, without an allocation or a system call. Two threads on one key together make",
            f"{two['times those of one']:.1f} times the calls of one, {most['threads']:.0f} threads on {cores:.0f} cores",
            f"{most['times those of one']:.1f} times.",
        )
        + "\n![A first call in a fresh process](docs/bench-start.svg)\n\n"
        + paragraph(
            f"A first call over TLS in a fresh process, to a server on the same machine, takes {own['CPU, ms']:.2g} ms of CPU:",
            f"{' and '.join(others)} for the same." if others else "loading included.",
        )
    )
