# case: by-datagram
# expect: wrong-answer
# The answer comes from a socket that the suite never spoke with.
import socket
import sys

sock = socket.socket(type=socket.SOCK_DGRAM)
sock.bind((sys.argv[2], int(sys.argv[3])))
data, client = sock.recvfrom(65535)
socket.socket(type=socket.SOCK_DGRAM).sendto(data, client)
sock.recvfrom(65535)
