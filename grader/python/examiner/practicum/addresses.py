"""Addresses as sockets take them, (host, port), and as texts: those of exercise.toml and of the grader."""

import socket


def text(address):
    """An address as the grader writes it."""
    if isinstance(address, str):
        return address
    host, port = address[:2]
    if host.startswith("::ffff:") and "." in host:
        host = host.removeprefix("::ffff:")
    if ":" in host:
        host = socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host.partition("%")[0]))
        return f"[{host}]:{port}"
    return f"{host}:{port}"


def address_of(written):
    """What `exam.connect` takes for an address in exercise.toml: a host and a port, or the text itself for a unix socket."""
    if written.startswith("unix:"):
        return written
    host, _, port = written.removeprefix("udp:").rpartition(":")
    return host.strip("[]"), int(port)
