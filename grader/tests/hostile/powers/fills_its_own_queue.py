# case: by-unix
# expect: deadlock
# says: has not taken the connection
# The listening queue is full before the suite comes.
import socket
import sys
import threading

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[2])
clients = [socket.socket(socket.AF_UNIX) for _ in range(8)]
listener.listen(0)
for client in clients:
    client.setblocking(False)
    client.connect_ex(sys.argv[2])
threading.Event().wait()
