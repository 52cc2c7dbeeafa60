"""A replica of a key-value store that behaves as if there were one copy.

Every value has a tag, (counter, name of the replica that gave it), and the higher tag is the later value. Whoever writes first asks a
majority for their tags and then has a majority keep the value under a higher one. Whoever reads asks a majority, takes the value
with the highest tag, and has a majority keep it before it answers: what one reader has seen, no later reader misses. Any two majorities
share a replica, so nothing that was answered is ever unheard of (Attiya, Bar-Noy, Dolev 1995; many writers: Lynch, Shvartsman 1997).
"""

import asyncio
import json
import os
import sys

# Seconds: until an attempt to reach a replica is given up, between two attempts, and until a client is told that it is no use.
ATTEMPT = 1.0
PAUSE = 0.3
PATIENCE = 4.0
LINE_MAX = 1 << 16


class NoMajority(Exception):
    """Too few replicas answered in time."""


class Store:
    """What this replica keeps: of each key the value with the highest tag that it has heard of. It survives the process."""

    def __init__(self, path):
        self._kept = {}
        lines = open(path, "rb").read().split(b"\n") if os.path.exists(path) else [b""]
        # A line without its end was never promised to anybody.
        for line in lines[:-1]:
            key, tag, value = json.loads(line)
            self._kept[key] = (tuple(tag), value)
        self._file = open(path, "r+b" if os.path.exists(path) else "x+b")
        self._file.truncate(sum(len(line) + 1 for line in lines[:-1]))
        self._file.seek(0, os.SEEK_END)
        # What is known from now on is on the disk: the life before may have been killed before it had synced.
        os.fsync(self._file.fileno())
        sync_folder(os.path.dirname(path) or ".")

    def get(self, key):
        return self._kept.get(key, ((0, ""), None))

    def keep(self, key, tag, value):
        """Returns once it is on the disk."""
        if tag > self.get(key)[0]:
            self._file.write(json.dumps([key, tag, value]).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._kept[key] = (tag, value)

    def counter(self):
        """The highest there is."""
        return max((tag[0] for tag, _ in self._kept.values()), default=0)


class Peer:
    """Another replica, by way of one connection, which is made anew when it has failed."""

    def __init__(self, address):
        self._address = address
        self._turn = asyncio.Lock()
        # Reader and writer, while there is no question on its way.
        self._streams = None

    async def ask(self, message):
        """Its answer, however long that takes."""
        while True:
            try:
                async with self._turn, asyncio.timeout(ATTEMPT):
                    return await self._call(message)
            except (OSError, EOFError, ValueError, TimeoutError):
                await asyncio.sleep(PAUSE)

    async def _call(self, message):
        reader, writer = self._streams or await asyncio.open_connection(*self._address, limit=LINE_MAX)
        # An answer that nobody waited for would be taken for the next one: a connection that was given up is not used again.
        self._streams = None
        try:
            writer.write(json.dumps(message).encode() + b"\n")
            answer = json.loads(await reader.readuntil(b"\n"))
        except BaseException:
            writer.close()
            raise
        self._streams = reader, writer
        return answer


class Replica:
    def __init__(self, name, peers, store):
        self._name = name
        self._peers = peers
        self._store = store
        # Of the tags that were given here: no two values may have the same one.
        self._counter = store.counter()
        # Questions that wait for an answer, also if it is no longer needed: a replica that was slow should know too.
        self._open = set()

    async def put(self, key, value):
        highest = max(tag for tag, _ in await self._ask(key))
        self._counter = max(self._counter, highest[0]) + 1
        await self._keep(key, (self._counter, self._name), value)

    async def get(self, key):
        tag, value = max(await self._ask(key), key=lambda kept: kept[0])
        await self._keep(key, tag, value)
        return value

    async def _ask(self, key):
        """(tag, value) from a majority."""
        answers = await self._majority({"ask": key})
        return [self._store.get(key)] + [(tuple(answer["tag"]), answer["value"]) for answer in answers]

    async def _keep(self, key, tag, value):
        """Returns once a majority keeps it."""
        # Here first, so that the tag is remembered even if this process ends before anybody else has heard of it.
        self._store.keep(key, tag, value)
        await self._majority({"keep": key, "tag": tag, "value": value})

    async def _majority(self, message):
        """Answers of so many other replicas that with this one they are a majority."""
        answers = asyncio.Queue()
        for peer in self._peers:
            task = asyncio.create_task(self._ask_one(peer, message, answers))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            async with asyncio.timeout(PATIENCE):
                return [await answers.get() for _ in range((len(self._peers) + 1) // 2)]
        except TimeoutError:
            raise NoMajority from None

    async def _ask_one(self, peer, message, answers):
        try:
            async with asyncio.timeout(PATIENCE):
                answers.put_nowait(await peer.ask(message))
        except TimeoutError:
            pass

    async def answer(self, message):
        match message:
            case {"ask": key}:
                tag, value = self._store.get(key)
                return {"tag": tag, "value": value}
            case {"keep": key, "tag": [counter, name], "value": value}:
                self._store.keep(key, (counter, name), value)
                return {"kept": True}
            case {"get": key}:
                return {"value": await self.get(key)}
            case {"put": key, "value": value}:
                await self.put(key, value)
                return {"ok": True}
        return {"error": "no such request"}

    async def serve(self, reader, writer):
        """Answers one connection's requests, one after the other."""
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                try:
                    answer = await self.answer(json.loads(line))
                except NoMajority:
                    answer = {"error": "no majority"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            # Gone, or not talking as agreed: either way there is nobody left to answer.
            pass
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
    replica = Replica(name, [Peer(address(peer.partition("=")[2])) for peer in peers], Store(f"{name}.log"))
    server = await asyncio.start_server(replica.serve, *address(listen), limit=LINE_MAX)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
