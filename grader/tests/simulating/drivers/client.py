import json
import random
import socket
import sys
import time

import report


def ask(words):
    with socket.create_connection(("s", 7000), timeout=2) as sock:
        sock.sendall(json.dumps(words).encode() + b"\n")
        with sock.makefile("rb") as answers:
            line = answers.readline()
    if not line.endswith(b"\n"):
        raise EOFError("the server closed in the middle of an answer")
    try:
        return json.loads(line)
    except ValueError:
        raise AssertionError(f"the server answered {line[:40]!r}, which is no JSON") from None


def attempt(name, words, *arguments):
    with report.operation(name, *arguments) as operation:
        try:
            return operation.ok(ask(words))
        except ConnectionRefusedError:
            operation.fail()
        except (OSError, EOFError):
            pass
    return None


me = socket.gethostname()
for number in range(int(sys.argv[1])):
    time.sleep(random.uniform(0.1, 2))
    if random.random() < 0.5:
        attempt("write", {"set": f"{me}-{number}"}, f"{me}-{number}")
    else:
        attempt("read", {"get": None})
