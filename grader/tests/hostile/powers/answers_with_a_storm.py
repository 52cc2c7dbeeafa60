# case: by-datagram
# expect: wrong-answer
# Whoever sends a datagram gets two thousand, and the right one first.
import socket
import sys

sock = socket.socket(type=socket.SOCK_DGRAM)
sock.bind((sys.argv[2], int(sys.argv[3])))
data, client = sock.recvfrom(65535)
sock.sendto(data, client)
for _ in range(2000):
    sock.sendto(bytes(60000), client)
