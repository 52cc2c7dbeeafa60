"""RabbitMQ from the distribution, without installing it: unpacked into .cache, run on loopback under folders of its own.

No service is started and nothing outside of .cache is written. `Unavailable` says why there is none.
"""

import glob
import os
import pathlib
import signal
import socket
import subprocess
import time

HOME = pathlib.Path(".cache/rabbitmq").resolve()
START_SECONDS = 120


class Unavailable(Exception):
    pass


def unpacked():
    """The folder with the packages' files, downloaded if they are not there."""
    if glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*") and os.path.exists("/usr/lib/erlang/bin/erl"):
        return pathlib.Path("/")
    tree = HOME / "tree"
    if not (HOME / "complete").exists():
        download = HOME / "packages"
        download.mkdir(parents=True, exist_ok=True)
        said("apt-get", "download", "-qq", *packages(), folder=download)
        for package in download.glob("*.deb"):
            said("dpkg-deb", "-x", package, tree)
        patch(tree)
        (HOME / "complete").touch()
    return tree


def packages():
    """RabbitMQ and what it needs of Erlang; the rest is there or not needed to run it in the foreground."""
    try:
        plan = said("apt-get", "install", "--simulate", "--no-install-recommends", "rabbitmq-server")
    except Unavailable:
        # On a fresh machine the lists are empty.
        said("apt-get", "update", "-qq")
        plan = said("apt-get", "install", "--simulate", "--no-install-recommends", "rabbitmq-server")
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    return [name for name in names if name.startswith(("erlang-", "rabbitmq-server"))]


def patch(tree):
    """Erlang's start scripts name the folder that they were to be installed in."""
    for script in [*tree.glob("usr/lib/erlang/bin/erl"), *tree.glob("usr/lib/erlang/erts-*/bin/erl")]:
        script.write_text(script.read_text().replace("=/usr/lib/erlang", f"={tree}/usr/lib/erlang"))


def said(*command, folder=None):
    try:
        done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from None
    if done.returncode:
        raise Unavailable(f"{' '.join(map(str, command[:3]))}: {done.stderr.strip()[-300:]}")
    return done.stdout


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class RabbitMq:
    """One node; `port` is where it speaks AMQP."""

    def __init__(self, folder):
        tree = unpacked()
        self.port, distribution, mapper = free_port(), free_port(), free_port()
        self._log = pathlib.Path(folder) / "log"
        erlang = tree / "usr/lib/erlang/bin"
        plugins = pathlib.Path(folder) / "plugins"
        plugins.write_text("[].")
        environment = {
            "PATH": f"{erlang}:/usr/bin:/bin", "HOME": folder, "LC_ALL": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(mapper),
            "RABBITMQ_NODENAME": "referee@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia", "RABBITMQ_LOG_BASE": f"{folder}/log.d", "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
        }
        [server] = glob.glob(f"{tree}/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
        with open(self._log, "wb") as log:
            run = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "env": environment, "cwd": folder, "start_new_session": True}
            # Ours, so that none is left behind.
            self._mapper = subprocess.Popen([f"{erlang}/epmd", "-address", "127.0.0.1", "-port", str(mapper)], **run)
            local = ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"]
            self._server = subprocess.Popen(["sh", server, *local], **run)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + START_SECONDS
        while self._server.poll() is None and time.monotonic() < deadline:
            if b"Server startup complete" in self._log.read_bytes():
                return
            time.sleep(0.2)
        tail = self._log.read_text(errors="replace")[-1000:]
        self.stop()
        raise Unavailable(f"RabbitMQ does not start: {tail}")

    def stop(self):
        for process in (self._server, self._mapper):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
