"""Calls the student's functions and then looks at the socket itself. Decides nothing."""


def message_then_rest(module, sock, count):
    message = module.recv_message(sock)
    return {"message": message, "rest": sock.recv(count)}


def exactly_then_rest(module, sock, n, count):
    data = module.recv_exactly(sock, n)
    return {"data": data, "rest": sock.recv(count)}


def refused_then_rest(module, sock, count):
    try:
        seen = module.recv_message(sock)
    except module.FrameTooLarge:
        seen = "FrameTooLarge"
    return {"seen": seen, "rest": sock.recv(count)}
