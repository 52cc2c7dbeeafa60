"""What a run of a simulated cluster fails by without being asked for: how its programs ended, and how it did itself."""

from .errors import Crashed, Deadlock, Failure, MemoryLimit, OutputLimit, RuleBroken, TimeLimit
from .evidence import of_traceback

# What `allow` may name.
FATAL = ("crash", "deadlock", "unfinished", "time", "memory", "output")
# What a second of processor time comes to, by CPython on the machines of today.
FUEL_PER_S = 5 * 10**9
MIB = 1 << 20
# Of an author's client that failed, what is told of its error output.
SAID_MAX = 4000


def limits_of(cpu_s, memory_mib, disk_mib, output_bytes):
    """Of each node, as the simulator is told."""
    return {"fuel": int(cpu_s * FUEL_PER_S), "memory_bytes": memory_mib * MIB, "disk_bytes": disk_mib * MIB, "output_bytes": output_bytes}


def broken(exit, limits):
    """The failure of a program that a limit or the lane itself stopped, for words that say which it was; None for others."""
    kinds = {
        "lacks": (RuleBroken, f"it needs {exit.words}, which the simulated lane does not have"),
        "out-of-fuel": (TimeLimit, f"it has computed as much as {limits['fuel'] / FUEL_PER_S:g} s of processor time allow"),
        "out-of-memory": (MemoryLimit, f"it needed more than {limits['memory_bytes'] // MIB} MiB of memory"),
        "out-of-output": (OutputLimit, f"it wrote more than {limits['output_bytes']} bytes of output"),
        "trapped": (Crashed, f"the machine stopped it: {exit.words}"),
    }
    return kinds.get(exit.kind)


# By what `allow` lets pass them.
ALLOWED_AS = {"out-of-fuel": "time", "out-of-memory": "memory", "out-of-output": "output", "trapped": "crash"}


def flaw(once, clients, limits, allow):
    """What is wrong with the run, or None. What befell the student's programs explains what the clients came to."""
    nodes = [node for name, node in once.nodes.items() if name not in clients]
    found = (_of_life(node, life, limits, allow) for node in nodes for life in node.lives)
    if (mistake := next(filter(None, found), None)) is not None:
        return mistake
    if once.end == "events-max" and "time" not in allow:
        return TimeLimit("more happens in the cluster than may: it never comes to rest")
    for name in clients:
        if (mistake := _of_client(once, name)) is not None:
            return mistake
    return _of_end(once, clients, allow)


def _of_life(node, life, limits, allow):
    exit, when = life.exit, f"{node.name} at {life.end:.3f} s"
    if ALLOWED_AS.get(exit.kind) in allow:
        return None
    if (stopped := broken(exit, limits)) is not None:
        return stopped[0](f"{when}: {stopped[1]}")
    if not exit.code or "crash" in allow:
        return None
    # The error output of this life alone.
    parts = [data for time, stream, data in node.written if stream == "stderr" and life.start <= time <= life.end]
    text = b"".join(parts).decode("utf-8", "replace")
    last = (text.strip().splitlines() or [""])[-1]
    said = f": {last}" if last else ""
    return Crashed(f"{when}: it ended with {exit!r}{said}", [of_traceback(text)] if "Traceback" in text else [])


def _of_client(once, name):
    """What the suite's own program makes of it; where that is no failure of the case, it is the suite's fault."""
    for _, who, words in once.reports:
        if who == name and "raised" in words:
            if words.get("is") != "failure":
                raise RuntimeError(f"client {name}: {words.get('text')}")
            text = str(words.get("text"))
            if words["raised"] == "AssertionError" and text:
                return Failure(text)
            return Failure(f"client {name} came to {words['raised']}" + (f": {text}" if text else ""))
    node = once.nodes[name]
    for life in node.lives:
        if life.exit.kind in ("out-of-fuel", "out-of-memory", "out-of-output"):
            return Failure(f"client {name} was given more than it can take: {life.exit!r}")
        if life.exit.kind in ("lacks", "trapped") or life.exit.code:
            said = node.output("stderr").decode("utf-8", "replace")[-SAID_MAX:]
            raise RuntimeError(f"client {name} ended with {life.exit!r} at {life.end:.3f} s: {said}")
    return None


def _of_end(once, clients, allow):
    running = [node for node in once.nodes.values() if node.exit is not None and node.exit.kind == "running"]
    waiting = [node for node in running if node.name in clients]
    if waiting and once.end == "still" and "deadlock" not in allow:
        waits = "; ".join(f"{node.name} waits for {_waits(node) or 'nothing'}" for node in running)
        return Deadlock(f"nothing will ever happen any more after {once.at:.3f} s: {waits}")
    if waiting and once.end == "time-up" and "unfinished" not in allow:
        first = waiting[0]
        waits = f": it waits for {_waits(first)}" if _waits(first) else ""
        return Failure(f"client {first.name} has not finished after {once.at:g} s{waits}")
    return None


def _waits(node):
    return " or ".join(node.exit.waits)
