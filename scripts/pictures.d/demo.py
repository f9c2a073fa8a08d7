"""demo.py CAST SVG: a recording as a picture that plays once and then rests on its last frame. Without animation that is all it shows.

A row of the recording is a line of text that is visible from the frame that has it to the frame that has another one.
"""

import collections
import sys
from xml.sax.saxutils import escape

import colors
import screen

ROWS = 36  # of the window; what is above has scrolled away
PAUSE = 0.7  # seconds: a longer one is cut
SIZE, ADVANCE, LEADING = 13, 8, 17  # pixels of a letter: its size, the width of a column, the height of a row
MARGIN, BAR = 14, 30  # around the rows, and above them for the title

FONT = f'text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}}'
ANIMATION = """.s{font-weight:700}
@keyframes s{from,to{visibility:visible}}
@keyframes h{from,to{visibility:hidden}}
@media(prefers-reduced-motion:reduce){*{animation:none!important}}
"""


def main(cast, svg):
    frames = list(screen.frames(cast))
    times = played(frames)
    shown = list(rows(frames))
    count = collections.Counter(row.line for row in shown)
    # Text that is shown in several places is written once.
    names = {line: f"t{i}" for i, line in enumerate(line for line in count if count[line] > 1)}
    define = "".join(f'<text id="{name}">{spans(line)}</text>' for line, name in names.items())
    body = "\n".join(element(row, times, names) for row in shown)
    briefly = "".join(
        f".f{i}{{{during(times[i], times[i + 1])}}}\n" for i in sorted({row.first for row in shown if row.last == row.first + 1}))
    tops = offsets(frames)
    end = times[-1]
    keys = "".join(f"{100 * times[i] / end:.2f}%{{transform:translateY({-top * LEADING}px)}}" for i, top in tops)
    width, height = 80 * ADVANCE + 2 * MARGIN, ROWS * LEADING + BAR + MARGIN
    scroll = f".w{{transform:translateY({-tops[-1][1] * LEADING}px);animation:w {end:g}s step-end}}\n@keyframes w{{{keys}}}\n"
    style = f"{FONT}\n{colors.STYLE}{briefly}{scroll}{ANIMATION}"
    with open(svg, "w", encoding="utf-8") as file:
        file.write(f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" xml:space="preserve">
<title>scripts/demo in a terminal</title>
<desc>Made by scripts/pictures from manifests/docs/demo.cast: a real run; pauses above {PAUSE} s are cut.</desc>
<style>
{style}</style>
<defs>{define}</defs>
<rect width="100%" height="100%" rx="8" class="back"/>
<path d="M0 {BAR - 8}V8a8 8 0 0 1 8-8H{width - 8}a8 8 0 0 1 8 8V{BAR - 8}z" class="bar"/>
<text x="{MARGIN}" y="16" class="f">$ scripts/demo</text>
<svg x="{MARGIN}" y="{BAR}" height="{ROWS * LEADING}"><g class="w">
{body}
</g></svg>
</svg>
""")


def played(frames):
    """Seconds at which each frame is shown."""
    times = [0.0]
    for (before, _), (after, _) in zip(frames, frames[1:]):
        times.append(round(times[-1] + min(PAUSE, after - before), 2))
    return times


# A line of text at a row, from a frame to the frame that has it no more: None where it is there at the end.
Row = collections.namedtuple("Row", "number line first last")


def rows(frames):
    for number in range(max(len(lines) for _, lines in frames)):
        first, now = 0, ()
        for i, (_, lines) in enumerate(frames):
            line = lines[number] if number < len(lines) else ()
            if line != now:
                if now:
                    yield Row(number, now, first, i)
                first, now = i, line
        if now:
            yield Row(number, now, first, None)


def offsets(frames):
    """(frame, first row in the window) at the start and after each change."""
    out = []
    for i, (_, lines) in enumerate(frames):
        last = max((number for number, line in enumerate(lines) if line), default=0)
        top = max(0, last + 1 - ROWS)
        if not out or top != out[-1][1]:
            out.append((i, top))
    return out


def element(row, times, names):
    if row.last is None:
        when = f' style="animation:h {times[row.first]:g}s"' if row.first else ""
    elif row.last == row.first + 1:
        when = f' class="f{row.first}"'
    else:
        when = f' style="{during(times[row.first], times[row.last])}"'
    y = row.number * LEADING + SIZE
    if row.line in names:
        return f'<use href="#{names[row.line]}" y="{y}"{when}/>'
    return f'<text y="{y}"{when}>{spans(row.line)}</text>'


def during(since, until):
    return f"visibility:hidden;animation:s {until - since:.4g}s {since:g}s"


def spans(line):
    return "".join(f'<tspan class="{style[0]}">{escape(text)}</tspan>' if style else escape(text) for text, style in line)


main(sys.argv[1], sys.argv[2])
