# case: on-the-web
# expect: wrong-answer
# says: connections open at once
# More connections than anybody needs, and not a word on them.
import re
import socket
import sys
import threading

host, port = re.search(r"//([^:]+):(\d+)", sys.argv[2]).groups()
connections = []
try:
    for _ in range(200):
        connections.append(socket.create_connection((host, int(port)), timeout=5))
except OSError:
    pass
threading.Event().wait()
