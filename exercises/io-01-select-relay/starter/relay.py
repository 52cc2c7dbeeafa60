"""A relay on one thread: python3 relay.py LHOST LPORT THOST TPORT."""
import selectors
import socket
import sys


def accept(listener, selector, target):
    """A client has come: connects to the target on its behalf, and waits for nothing."""
    raise NotImplementedError


def main():
    here, target = (sys.argv[1], int(sys.argv[2])), (sys.argv[3], int(sys.argv[4]))
    with socket.socket() as listener, selectors.DefaultSelector() as selector:
        listener.bind(here)
        listener.listen()
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, lambda: accept(listener, selector, target))
        while True:
            for key, _ in selector.select():
                key.data()


if __name__ == "__main__":
    main()
