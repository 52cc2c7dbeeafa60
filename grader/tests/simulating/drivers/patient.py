import json
import socket
import time

import report

time.sleep(0.1)
with socket.create_connection(("s", 7000)) as sock:
    for number in range(3):
        report.note("asked", number)
        sock.sendall(b'{"get": null}\n')
        line = sock.makefile("rb").readline()
        if not line:
            raise EOFError("the server closed without an answer")
        report.note("answer", json.loads(line))
        report.note("answered", number)
report.note("all", [0, 1, 2])
