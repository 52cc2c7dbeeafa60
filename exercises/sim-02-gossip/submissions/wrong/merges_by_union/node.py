"""Gives and takes the elements that it has: what one has removed, the next one brings back."""

import asyncio
import hashlib
import json
import os
import sys

# Seconds: between two questions to a peer, and until its answer is not waited for any longer.
PERIOD = 1.0
ATTEMPT = 2.0
LINE_MAX = 1 << 20


class Elements:
    """The set that is on this node's disk, synced: all of it in one file, written anew for each change."""

    def __init__(self, path):
        self._path = path
        self._elements = set()
        if os.path.exists(path):
            with open(path) as file:
                self._elements = set(json.load(file))

    def elements(self):
        return sorted(self._elements)

    def digest(self):
        return hashlib.sha256(json.dumps(self.elements()).encode()).hexdigest()

    def becomes(self, elements):
        """Returns once it is on the disk."""
        if elements != self._elements:
            with open(f"{self._path}.new", "w") as file:
                json.dump(sorted(elements), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(f"{self._path}.new", self._path)
            sync_folder(os.path.dirname(self._path) or ".")
            self._elements = elements

    def add(self, elements):
        self.becomes(self._elements | set(elements))

    def remove(self, element):
        self.becomes(self._elements - {element})


class Node:
    def __init__(self, elements):
        self._elements = elements

    def answer(self, line):
        word, _, rest = line.partition(" ")
        match word:
            case "ADD":
                self._elements.add([rest])
                return "OK"
            case "REMOVE":
                self._elements.remove(rest)
                return "OK"
            case "LIST":
                return json.dumps(self._elements.elements())
            case "UNLESS":
                return json.dumps([] if rest == self._elements.digest() else self._elements.elements())
        return "ERROR no such request"

    async def serve(self, reader, writer):
        """Answers one connection's requests, one after the other."""
        try:
            while (line := await reader.readline()).endswith(b"\n"):
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
                    writer.write(f"UNLESS {self._elements.digest()}\n".encode())
                    elements = json.loads(await reader.readuntil(b"\n"))
                self._elements.add(elements)
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
    node = Node(Elements(f"{name}.elements"))
    server = await asyncio.start_server(node.serve, *address(listen), limit=LINE_MAX)
    async with server:
        await asyncio.gather(*[node.follow(address(peer.partition("=")[2])) for peer in peers], server.serve_forever())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
