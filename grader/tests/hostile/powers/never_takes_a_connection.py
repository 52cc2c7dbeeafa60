# case: by-unix
# expect: deadlock
# says: has not read what was sent to it
# A listening queue of one, and nobody who takes from it.
import socket
import sys
import threading

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[2])
listener.listen(0)
threading.Event().wait()
