"""dashboard.py JSON SVG: what a Grafana dashboard shows, laid out on its grid: title, unit, what is good, queries. No data is invented."""

import json
import re
import sys
from xml.sax.saxutils import escape

import colors

COLUMN, UNIT = 50, 20  # pixels of one column of 24 and of one unit of height
HEAD, GAP, PAD = 62, 6, 9  # above the grid; between panels; inside them
NAMES = {"timeseries": "time series", "stat": "number", "table": "table"}
UNITS = {"s": "seconds", "µs": "microseconds", "percentunit": "percent", "bytes": "bytes", "ops": "a second", "short": "count"}
STYLE = """.t{font:700 13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
.h{font-size:19px}
.n,.o{font:11px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
.q{font:9px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
"""

# Of a line: pixels of height, and of the width of an average letter, wide enough for any of the fonts above.
TITLE, NOTE, QUERY = (17, 7.6), (14, 6.1), (12, 5.5)


def main(source, svg):
    with open(source, encoding="utf-8") as file:
        board = json.load(file)
    width = 24 * COLUMN + GAP
    height = HEAD + UNIT * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]) + GAP
    panels = "\n".join(row(panel) if panel["type"] == "row" else drawn(panel) for panel in board["panels"])
    with open(svg, "w", encoding="utf-8") as file:
        file.write(f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>{escape(board["title"])}</title>
<desc>Made by scripts/pictures from the JSON of this dashboard: its layout, without data.</desc>
<style>
{STYLE}{colors.STYLE}</style>
<rect width="100%" height="100%" class="bar"/>
<text x="{PAD + GAP}" y="26" class="t h">{escape(board["title"])}</text>
<text x="{PAD + GAP}" y="47" class="n f">{escape(board["description"])}</text>
{panels}
</svg>
""")


def row(panel):
    _, y, _ = place(panel)
    return f'<text x="{PAD + GAP}" y="{y + 15}" class="t">{escape(panel["title"])}</text>'


def drawn(panel):
    x, y, width = place(panel)
    height = UNIT * panel["gridPos"]["h"] - GAP
    unit = panel["fieldConfig"]["defaults"]["unit"]
    queries = [target["expr"] for target in panel["targets"]]
    whole = "\n".join([panel["title"], panel["description"], *queries])
    lines = [
        *wrapped(panel["title"], "t", TITLE, width),
        (f'{NAMES[panel["type"]]}, {UNITS[unit]}', "n f", NOTE),
        *wrapped(panel["description"], "n", NOTE, width),
        *(line for query in queries for line in wrapped(query, "q f", QUERY, width)),
    ]
    text, at = [], y + PAD
    for i, (line, kind, (leading, _)) in enumerate(lines):
        # The last line that fits says that there are more; the panel's title has them all.
        cut = i + 1 < len(lines) and at + leading + lines[i + 1][2][0] > y + height - PAD / 2
        at += leading
        text.append(f'<text x="{x + PAD}" y="{at - 4}" class="{kind}">{escape(line)}{" …" if cut else ""}</text>')
        if cut:
            break
    return (f'<g><title>{escape(whole)}</title><rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" class="back"/>'
            + "".join(text) + "</g>")


def place(panel):
    grid = panel["gridPos"]
    return GAP + grid["x"] * COLUMN, HEAD + grid["y"] * UNIT, grid["w"] * COLUMN - GAP


def wrapped(text, kind, size, width):
    """Lines of a text, broken after a blank; a query is broken after what opens or separates too."""
    room = int((width - 2 * PAD) / size[1])
    lines = [""]
    after = r"\s,({_" if size is QUERY else r"\s"
    for piece in re.findall(f"[^{after}]*[{after}]?", text):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [(line.rstrip(), kind, size) for line in lines]


main(sys.argv[1], sys.argv[2])
