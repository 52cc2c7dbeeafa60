"""Sockets as Linux has them, where the C library on WASI does otherwise: what a stream failed by, calling again on a socket whose call
failed, shutting down what was reset, a backlog of none, and addresses and options that it does not know.
"""

import errno
import functools
import os
import select
import socket

import _socket
from wit_world.imports import lost

# Options that change nothing here: every datagram may be broadcast, and a port has one owner.
IGNORED_OPTIONS = {"SO_BROADCAST": 6, "SO_REUSEPORT": 15}
EVERY_ADDRESS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
READING = ("recv", "recv_into", "recvfrom", "recvfrom_into")
WRITING = ("send", "sendall", "sendto")

plain = _socket.socket


def install():
    socket.socketpair = socketpair
    for name, number in IGNORED_OPTIONS.items():
        setattr(socket, name, number)
    for name in READING + WRITING:
        setattr(socket.socket, name, telling_why(getattr(plain, name), name in WRITING))
    for method in (bind, connect, connect_ex, getsockopt, listen, setsockopt, shutdown):
        setattr(socket.socket, method.__name__, method)


def failure(code):
    return OSError(code, os.strerror(code))


def telling_why(call, writes):
    """Of a stream the C library tells every error as EIO, and while it is called it is not connected, even if it is by now."""

    @functools.wraps(call)
    def method(self, *arguments, **named):
        try:
            return call(self, *arguments, **named)
        except OSError as error:
            if error.errno == errno.ENOTCONN and is_called(self):
                code = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or (errno.EAGAIN if is_called(self) else 0)
            elif error.errno == errno.EIO:
                code = errno.ETIMEDOUT if lost.given_up() else errno.ECONNRESET
            elif writes and error.errno == errno.ENOTCONN:
                code = errno.EPIPE
            else:
                raise
        if code:
            raise failure(code)
        return call(self, *arguments, **named)

    return method


def connect(self, address):
    try:
        return plain.connect(self, address)
    except OSError as error:
        code = outcome(self, error.errno)
        if code == error.errno:
            raise
    if code == CALL_AGAIN:
        return plain.connect(self, address)
    if code:
        raise failure(code)


def connect_ex(self, address):
    code = outcome(self, plain.connect_ex(self, address))
    return plain.connect_ex(self, address) if code == CALL_AGAIN else code


CALL_AGAIN = -1


def outcome(self, code):
    """What a call comes to whose error is `code`. The C library lets none follow on one that failed."""
    if code == errno.EALREADY:
        failed = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return failed if failed or not is_called(self) else code
    if code == errno.ENOTSUP and self.type == socket.SOCK_STREAM:
        if self.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return errno.EISCONN
        make_anew(self)
        return CALL_AGAIN
    return code


def is_called(self):
    """Whether it is neither connected nor refused yet, as far as the C library knows."""
    return plain.getsockopt(self, socket.SOL_SOCKET, socket.SO_ERROR) == errno.EINPROGRESS


def getsockopt(self, level, option, *size):
    """The C library sees how a call went only when the socket is waited for."""
    value = plain.getsockopt(self, level, option, *size)
    if (level, option, value) == (socket.SOL_SOCKET, socket.SO_ERROR, errno.EINPROGRESS):
        return plain.getsockopt(self, level, option) if select.select([], [self], [], 0)[1] else 0
    return value


def make_anew(self):
    """Another socket in its place. The number stays, as it is the first that is free."""
    timeout, kind = self.gettimeout(), (self.family, self.type, self.proto)
    plain.close(self)
    plain.__init__(self, *kind)
    plain.settimeout(self, timeout)


def listen(self, backlog=128):
    """Of nought, there is still room for one."""
    return plain.listen(self, max(backlog, 1))


def shutdown(self, how):
    try:
        return plain.shutdown(self, how)
    except ConnectionAbortedError:
        # So the host tells it, as it has no word of its own for it.
        pass
    raise failure(errno.ENOTCONN)


def socketpair(family=socket.AF_INET, type=socket.SOCK_STREAM, proto=0):
    """The library's own connects without waiting, which takes a listener that accepts meanwhile."""
    address = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with socket.create_server((address, 0), family=family) as listener:
        first = socket.create_connection(listener.getsockname()[:2])
        return first, listener.accept()[0]


def setsockopt(self, level, option, *value):
    if level == socket.SOL_SOCKET and option in IGNORED_OPTIONS.values():
        return None
    if (level, option, value) == (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, (1,)):
        # So it is anyway.
        return None
    return plain.setsockopt(self, level, option, *value)


def bind(self, address):
    """No name means every address. The C library takes it for the loopback's."""
    if self.family in EVERY_ADDRESS and isinstance(address, tuple) and address[:1] == ("",):
        address = (EVERY_ADDRESS[self.family], *address[1:])
    return plain.bind(self, address)
