"""record.py FILE COMMAND…: runs a command in a terminal of 80 columns, and records what it prints as an asciicast v2."""

import codecs
import fcntl
import json
import os
import pty
import struct
import sys
import termios
import time

COLUMNS, ROWS = 80, 50


def main(file, command):
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**os.environ, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execvpe(command[0], command, environment)
    started = time.monotonic()
    # A read may end within a character.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with open(file, "w", encoding="utf-8") as cast:
        cast.write(json.dumps({"version": 2, "width": COLUMNS, "height": ROWS, "title": os.path.basename(command[0])}) + "\n")
        while data := read(terminal):
            text = decoder.decode(data)
            sys.stdout.write(text)
            sys.stdout.flush()
            cast.write(json.dumps([round(time.monotonic() - started, 3), "o", text], ensure_ascii=False) + "\n")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        sys.exit(f"record: {command[0]} ended with {code}; its recording is {file}")


def read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: everybody at the other end has closed it
        return b""


main(sys.argv[1], sys.argv[2:])
