"""Takes what one read gives for a line."""

import asyncio
import json
import os
import sys

# Seconds: between two questions to a peer, and until its answer is not waited for any longer.
PERIOD = 1.0
ATTEMPT = 2.0
# Of a line that is read, and about as much of events in one answer.
LINE_MAX = 1 << 20
BATCH_CHARS = 1 << 16


class Events:
    """The events that are on this node's disk, synced, and the set that they make. They survive the process."""

    def __init__(self, path):
        self._all = []
        # How many there are here of each node, and so the number of the last one.
        self.counts = {}
        # The elements of the set: by tag, those whose ADD no REMOVE has undone.
        self._added = {}
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
        # What follows the last newline was being written when the machine went down. Nobody was told of it.
        whole, newline, _ = self._file.read().rpartition(b"\n")
        self._file.seek(len(whole + newline))
        self._file.truncate()
        # The last life may have been killed before it came to sync what is in the file, and the file's name.
        os.fsync(self._file.fileno())
        sync_folder(os.path.dirname(path) or ".")
        for line in whole.splitlines():
            self._happened(json.loads(line))

    def elements(self):
        return sorted(set(self._added.values()))

    def tags(self, element):
        return [tag for tag, added in self._added.items() if added == element]

    def hear(self, events):
        """Takes those that are new, and returns once they are on the disk."""
        new = [event for event in events if event["number"] > self.counts.get(event["node"], 0)]
        if new:
            self._file.write(b"".join(json.dumps(event).encode() + b"\n" for event in new))
            self._file.flush()
            os.fsync(self._file.fileno())
            for event in new:
                self._happened(event)

    def _happened(self, event):
        self._all.append(event)
        self.counts[event["node"]] = event["number"]
        match event:
            case {"add": element}:
                self._added[event["node"], event["number"]] = element
            case {"remove": tags}:
                for node, number in tags:
                    self._added.pop((node, number), None)

    def after(self, counts):
        """The first of those that somebody lacks who has so many of each node."""
        batch, chars = [], 0
        for event in self._all:
            if event["number"] > counts.get(event["node"], 0) and chars < BATCH_CHARS:
                batch.append(event)
                chars += len(str(event))
        return batch


class Node:
    def __init__(self, name, events):
        self._name = name
        self._events = events

    def answer(self, line):
        word, _, rest = line.partition(" ")
        match word:
            case "ADD":
                self._change(add=rest)
                return "OK"
            case "REMOVE":
                if tags := self._events.tags(rest):
                    self._change(remove=tags)
                return "OK"
            case "LIST":
                return json.dumps(self._events.elements())
            case "AFTER":
                return json.dumps(self._events.after(json.loads(rest)))
        return "ERROR no such request"

    def _change(self, **what):
        number = self._events.counts.get(self._name, 0) + 1
        self._events.hear([{"node": self._name, "number": number, **what}])

    async def serve(self, reader, writer):
        """Answers one connection's requests, one after the other."""
        try:
            while line := await reader.read(LINE_MAX):
                writer.write(self.answer(line.decode().rstrip("\n")).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            # Gone, or not talking as agreed: either way there is nobody left to answer.
            pass
        finally:
            writer.close()

    async def follow(self, peer):
        while True:
            try:
                await self._follow(*peer)
            except (OSError, EOFError, ValueError, TimeoutError):
                # Not there, or not heard of for too long: that may pass.
                await asyncio.sleep(PERIOD)

    async def _follow(self, host, port):
        async with asyncio.timeout(ATTEMPT):
            reader, writer = await asyncio.open_connection(host, port, limit=LINE_MAX)
        try:
            while True:
                async with asyncio.timeout(ATTEMPT):
                    writer.write(f"AFTER {json.dumps(self._events.counts)}\n".encode())
                    events = json.loads(await reader.read(LINE_MAX))
                self._events.hear(events)
                if not events:
                    await asyncio.sleep(PERIOD)
        finally:
            writer.close()


def sync_folder(path):
    """So that a new file's name is on the disk too."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


async def main(name, listen, *peers):
    node = Node(name, Events(f"{name}.events"))
    server = await asyncio.start_server(node.serve, *address(listen), limit=LINE_MAX)
    async with server:
        await asyncio.gather(*[node.follow(address(peer.partition("=")[2])) for peer in peers], server.serve_forever())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
