import socket, sys

listener = socket.create_server(("0.0.0.0", 7000))
other = socket.create_connection((sys.argv[1], 7000)) if sys.argv[2] == "calls" else listener.accept()[0]
print(other.recv(100))
