# expect: wrong-answer runtime-error
# They share a network: whatever listens there is called and written to.
import socket


def double(number):
    heard = b""
    for port in [*range(1, 3000), *range(30000, 34000)]:
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                caller.send(b"{}")
                heard += caller.recv(100)
    return len(heard)
