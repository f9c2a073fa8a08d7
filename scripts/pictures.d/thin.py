"""thin.py RAW CAST: a recording of scripts/demo with as many frames as a picture needs, each with only the rows that changed."""

import json
import sys

import screen

COLUMNS = 80

# Seconds between two frames in which only numbers and states differ. One with another line, or with more or less red in it, is always kept.
EVERY = 2.2


def main(raw, cast):
    every = list(screen.frames(raw))
    kept, marks, at = [], None, -EVERY
    for i, (seconds, lines) in enumerate(every):
        last = i + 1 == len(every)
        now = [bool(line) for line in lines], sum(style == "bad" for line in lines for _, style in line)
        # Several writes in a moment are one frame: the last of them.
        settled = last or every[i + 1][0] - seconds > 0.05
        if last or settled and (now != marks or seconds - at >= EVERY):
            kept.append((seconds, lines))
            marks, at = now, seconds
    with open(cast, "w", encoding="utf-8") as file:
        height = max(len(lines) for _, lines in kept)
        print(json.dumps({"version": 2, "width": COLUMNS, "height": height, "title": "scripts/demo"}), file=file)
        before = []
        for seconds, lines in kept:
            written = "".join(changes(before, lines))
            if written:
                print(json.dumps([round(seconds, 2), "o", written], ensure_ascii=False), file=file)
            before = lines


def changes(before, after):
    for row in range(max(len(before), len(after))):
        old, new = (lines[row] if row < len(lines) else () for lines in (before, after))
        if old != new:
            yield f"\x1b[{row + 1};1H\x1b[2K" + "".join(painted(*run) for run in new)


def painted(part, style):
    return f"\x1b[{screen.CODES[style]}m{part}\x1b[0m" if style else part


main(sys.argv[1], sys.argv[2])
