# expect: killed for memory
# So do sockets that nobody reads from.
import socket

kept = []
for _ in range(1500):
    one, other = socket.socketpair()
    one.setblocking(False)
    kept.append((one, other))
    try:
        while one.send(bytes(4096)):
            pass
    except BlockingIOError:
        continue
print("no limit")
