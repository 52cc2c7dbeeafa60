# case: by-relay
# expect: wrong-answer
# The relay is sent twenty thousand datagrams for each of its own, with nothing in them and with as much as goes in.
import socket
import sys

sock = socket.socket(type=socket.SOCK_DGRAM)
sock.bind((sys.argv[2], int(sys.argv[3])))
data, client = sock.recvfrom(65535)
for number in range(20000):
    sock.sendto(bytes(60000) if number % 100 == 0 else b"", client)
