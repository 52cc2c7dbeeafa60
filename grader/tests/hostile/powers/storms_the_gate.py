# case: at-the-gate
# expect: wrong-answer
# says: more than 256 are at a gate
# Two thousand visits, and none of them says who it is.
import re
import socket
import threading

address = re.search(r"\('([^']+)', (\d+)\)", open("gate.py").read())
visits = []
try:
    for _ in range(2000):
        visits.append(socket.create_connection((address[1], int(address[2])), timeout=5))
except OSError:
    pass
threading.Event().wait()
