"""Starts the submission that the benchmark grades, without any sandbox."""

import contextlib
import pathlib
import socket
import subprocess

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "exercises/net-02-echo-server/submissions/reference/echo_server.py"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(address, process):
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(address).close()
            return
    raise RuntimeError(f"the server ended with {process.returncode}")


@contextlib.contextmanager
def servers():
    """Gives `start()`, which starts the server on one port as often as it is called, and ends what is left."""
    address = ("127.0.0.1", free_port())
    started = []

    def start():
        command = ["/usr/bin/python3", "-B", "-s", "-u", PROGRAM, address[0], str(address[1])]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        wait_until_listening(address, process)
        return address, process

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.wait()
