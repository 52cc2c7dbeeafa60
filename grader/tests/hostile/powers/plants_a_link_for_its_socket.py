# case: by-unix
# expect: runtime-error
# says: does not listen on unix:run.sock, and never will
# Its socket lies elsewhere; what the suite would connect to is a link, which nobody of ours follows.
import os
import socket
import sys
import threading

listener = socket.socket(socket.AF_UNIX)
listener.bind("/tmp/elsewhere.sock")
listener.listen()
os.symlink("/tmp/elsewhere.sock", sys.argv[2])
threading.Event().wait()
