"""A terminal's screen, as far as scripts/demo uses one: text, colors, moving the cursor, erasing."""

import json
import re

# A parameter of a sequence for an operating system (a window's title, say) ends with BEL or ESC \.
SEQUENCE = re.compile(r"\x1b\[([?>=]?)([0-9;]*)([A-Za-z@`~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b[=>78Mc]")

# SGR code: name of the style. Any other code is the plain style; no two begin with the same letter, which is a class of the picture.
STYLES = {1: "strong", 2: "faint", 31: "bad", 32: "good", 33: "doubtful"}
CODES = {name: code for code, name in STYLES.items()}


class Screen:
    """Rows never scroll away: a row keeps its number, however far down the cursor moves."""

    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column, self.style, self.wraps = columns, [[]], 0, 0, "", True

    def write(self, text):
        at = 0
        for sequence in SEQUENCE.finditer(text):
            self._print(text[at:sequence.start()])
            if sequence[3] is not None:
                self._control(sequence[1], [int(n) if n else 0 for n in sequence[2].split(";")], sequence[3])
            at = sequence.end()
        self._print(text[at:])

    def lines(self):
        """Every row as a tuple of (text, style), without blanks at its end."""
        return [runs(row) for row in self.rows]

    def _print(self, text):
        for character in text:
            if character == "\n":
                self._move(self.row + 1, self.column)
            elif character == "\r":
                self.column = 0
            elif character >= " ":
                self._put(character)

    def _put(self, character):
        if self.column == self.columns:
            if self.wraps:
                self._move(self.row + 1, 0)
            else:
                self.column -= 1
        row = self.rows[self.row]
        row.extend([(" ", "")] * (self.column + 1 - len(row)))
        row[self.column] = (character, self.style)
        self.column += 1

    def _move(self, row, column):
        self.row, self.column = max(0, row), column
        while len(self.rows) <= self.row:
            self.rows.append([])

    def _control(self, private, numbers, final):
        count = max(1, numbers[0])
        if private == "?" and numbers[0] == 7 and final in "hl":
            self.wraps = final == "h"
        elif private:
            return
        elif final == "m":
            for number in numbers:
                self.style = STYLES.get(number, "")
        elif final in "AF":
            self._move(self.row - count, 0 if final == "F" else self.column)
        elif final == "H":
            self._move(count - 1, max(1, numbers[1] if len(numbers) > 1 else 1) - 1)
        elif final == "J" and numbers[0] == 0:
            del self.rows[self.row][self.column:]
            del self.rows[self.row + 1:]
        elif final == "K":
            del self.rows[self.row][0 if numbers[0] == 2 else self.column:]


def runs(cells):
    """(text, style) of neighbouring cells of one style."""
    out = []
    for character, style in cells:
        if out and (out[-1][1] == style or (character == " " and out[-1][1] == "")):
            out[-1] = (out[-1][0] + character, out[-1][1])
        else:
            out.append((character, style))
    while out and not out[-1][0].strip():
        out.pop()
    if out:
        out[-1] = (out[-1][0].rstrip(), out[-1][1])
    return tuple(out)


def frames(file):
    """(seconds, lines) after each event of an asciicast, the header's columns first."""
    with open(file, encoding="utf-8") as cast:
        header = json.loads(cast.readline())
        screen = Screen(header["width"])
        for line in cast:
            seconds, kind, text = json.loads(line)
            if kind == "o":
                screen.write(text)
                yield seconds, screen.lines()
