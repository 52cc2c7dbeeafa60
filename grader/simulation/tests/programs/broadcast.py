import socket, sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "server":
    sock.bind(("", 5000))
    print(sock.recv(100), flush=True)
else:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.sendto(b"who is there?", ("255.255.255.255", 5000))
