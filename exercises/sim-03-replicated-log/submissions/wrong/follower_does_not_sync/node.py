"""Followers write to their files, and leave it to the system when that reaches the disk."""

import asyncio
import json
import os
import sys

LEADER = "a"
# Seconds: how long the leader keeps a follower waiting that has everything, how long a follower waits for an answer before it takes the
# connection for dead, between two attempts, and until a client is told that there is no majority.
IDLE = 0.5
ATTEMPT = 2.0
PAUSE = 0.1
PATIENCE = 4.0
# Of a line that is read, and about as much of entries in one answer to a follower.
LINE_MAX = 1 << 20
BATCH_CHARS = 1 << 16


class Log:
    """The entries that are on this node's disk, synced: [client, number, text] each, a line of JSON in the file."""

    def __init__(self, path):
        self.entries = []
        self._leads = path.startswith(LEADER)
        # By client and number, an entry's index. Indexes count from 1.
        self.indexes = {}
        # Set, and made anew, whenever there are more entries.
        self.grown = asyncio.Event()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        # What follows the last newline was being written when the machine went down. Nobody was promised it.
        whole, _, _ = content_of(path).rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        self._end = sum(len(line) + 1 for line in lines)
        os.ftruncate(self._fd, self._end)
        # The last life may have been killed before it came to sync what is in the file, and the file's name.
        os.fsync(self._fd)
        sync_folder(os.path.dirname(path) or ".")
        self._remember([json.loads(line) for line in lines])

    def append(self, entries):
        """Returns once they are on the disk. If that fails, none of them is there."""
        data = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], self._end + written)
            if self._leads:
                os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self._end)
            raise
        self._end += len(data)
        self._remember(entries)

    def _remember(self, entries):
        for entry in entries:
            self.entries.append(entry)
            self.indexes[entry[0], entry[1]] = len(self.entries)
        self.grown.set()
        self.grown = asyncio.Event()


class Node:
    def __init__(self, name, peers, log):
        self._name = name
        self._log = log
        self._majority = (len(peers) + 1) // 2 + 1
        # How many entries each of the others has synced, as far as it has said so.
        self._synced = dict.fromkeys(peers, 0)
        # Set, and made anew, whenever one of these numbers changes.
        self._told = asyncio.Event()

    async def answer(self, request):
        match request:
            case {"append": str(text), "client": str(client), "number": int(number)}:
                return await self._append(client, number, text)
            case {"read": int(first), "most": int(most)}:
                return {"entries": [text for _, _, text in self._log.entries[first - 1 :][:most]]}
            case {"fetch": int(first), "name": str(name)} if name in self._synced:
                return await self._serve_follower(name, first)
        return {"error": "no such request"}

    async def _append(self, client, number, text):
        if self._name != LEADER:
            return {"error": f"{LEADER} takes appends, not {self._name}"}
        if (client, number) not in self._log.indexes:
            try:
                self._log.append([[client, number, text]])
            except OSError as error:
                return {"error": error.strerror}
        index = self._log.indexes[client, number]
        try:
            async with asyncio.timeout(PATIENCE):
                while not self._is_with_majority(index):
                    await self._told.wait()
        except TimeoutError:
            return {"error": "no majority has it yet"}
        return {"ok": index}

    def _is_with_majority(self, index):
        return 1 + sum(count >= index for count in self._synced.values()) >= self._majority

    async def _serve_follower(self, name, first):
        """The follower has all entries before `first`. What comes then, as soon as there is something."""
        self._synced[name] = first - 1
        self._told.set()
        self._told = asyncio.Event()
        if len(self._log.entries) < first:
            try:
                async with asyncio.timeout(IDLE):
                    await self._log.grown.wait()
            except TimeoutError:
                pass
        return {"next": batch(self._log.entries[first - 1 :])}

    async def follow(self, leader):
        while True:
            try:
                await self._follow(*leader)
            except (OSError, EOFError, ValueError, TimeoutError):
                # Not there, not heard of for too long, or no room on this disk: all of that may pass.
                await asyncio.sleep(PAUSE)

    async def _follow(self, host, port):
        async with asyncio.timeout(ATTEMPT):
            reader, writer = await asyncio.open_connection(host, port, limit=LINE_MAX)
        try:
            while True:
                async with asyncio.timeout(ATTEMPT):
                    send(writer, {"fetch": len(self._log.entries) + 1, "name": self._name})
                    answer = json.loads(await reader.readuntil(b"\n"))
                if answer["next"]:
                    self._log.append(answer["next"])
        finally:
            writer.close()

    async def serve(self, reader, writer):
        """Answers one connection's requests, one after the other."""
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                send(writer, await self.answer(json.loads(line)))
                await writer.drain()
        except (OSError, ValueError):
            # Gone, or not talking as agreed: either way there is nobody left to answer.
            pass
        finally:
            writer.close()


def batch(entries):
    """As many of the first ones as go well into one answer, and one at least."""
    taken, chars = [], 0
    for entry in entries:
        chars += len(entry[2])
        if taken and chars > BATCH_CHARS:
            break
        taken.append(entry)
    return taken


def send(writer, message):
    writer.write(json.dumps(message).encode() + b"\n")


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


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
    addresses = {peer: address(where) for peer, _, where in (text.partition("=") for text in peers)}
    node = Node(name, addresses, Log(f"{name}.log"))
    server = await asyncio.start_server(node.serve, *address(listen), limit=LINE_MAX)
    async with server:
        if name == LEADER:
            await server.serve_forever()
        await node.follow(addresses[LEADER])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
