"""Writes increasing numbers, each until it is acknowledged, and says on stdout, in lines of JSON, what its application would notice."""
import json
import re
import signal
import sys
import time

SHORTEST_GAP = 0.005  # seconds; shorter ones are not told
PAUSE = 0.005  # after an error: no spin that takes the processor from the servers


def say(**line):
    print(json.dumps(line), flush=True)


def kind(error):
    """The class, and the word that a server's error begins with."""
    code = re.match(r"[A-Z]{4,}", str(error))
    return type(error).__name__ + (" " + code.group() if code else "")


def arguments(version):
    """Sentinels (host, port), name of the master, beginning of all keys."""
    if sys.argv[1:] == ["--version"]:
        print(version)
        sys.exit(0)
    sentinels, name, prefix = sys.argv[1:]
    return [(s.rpartition(":")[0], int(s.rpartition(":")[2])) for s in sentinels.split(",")], name, prefix


def run(write, may_retry, prefix):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    acknowledged, last, errors = 0, None, {}
    while not stopped:
        try:
            write(f"{prefix}{acknowledged + 1}", acknowledged + 1)
        except Exception as error:
            if kind(error) not in errors:
                say(error=kind(error), message=str(error), retried=may_retry(error))
            errors[kind(error)] = errors.get(kind(error), 0) + 1
            if not may_retry(error):
                break
            time.sleep(PAUSE)
            continue
        acknowledged += 1
        now = time.monotonic()
        if last is not None and now - last >= SHORTEST_GAP:
            say(gap_ms=(now - last) * 1000, ended=time.time())
        last = now
    say(acknowledged=acknowledged, errors=errors)
    sys.exit(0 if stopped else 1)
