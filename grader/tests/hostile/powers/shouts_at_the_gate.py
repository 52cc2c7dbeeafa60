# case: at-the-gate
# expect: deadlock
# says: 2 were to be at work at the same time, but there is nobody
# Labels without an end, and one that is no text.
import re
import socket
import threading

address = re.search(r"\('([^']+)', (\d+)\)", open("gate.py").read())
visits = [socket.create_connection((address[1], int(address[2]))) for _ in range(3)]
for visit, label in zip(visits, (bytes(100000), b"x" * 300, b"\n\n\n" * 1000)):
    try:
        visit.sendall(label)
    except OSError:
        pass
visits[2].close()
threading.Event().wait()
