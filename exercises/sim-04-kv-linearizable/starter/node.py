"""A replica of a key-value store. Start: python3 node.py NAME HOST:PORT [PEER=HOST:PORT ...]"""

import asyncio
import json
import sys


class Replica:
    def __init__(self, name, peers):
        self.name = name
        # (host, port) of each other replica.
        self.peers = peers
        self.values = {}

    async def answer(self, request):
        # A single copy, which knows nothing of its peers and forgets everything when it ends. Begin here.
        match request:
            case {"get": key}:
                return {"value": self.values.get(key)}
            case {"put": key, "value": value}:
                self.values[key] = value
                return {"ok": True}
        return {"error": "no such request"}

    async def serve(self, reader, writer):
        while line := await reader.readline():
            writer.write(json.dumps(await self.answer(json.loads(line))).encode() + b"\n")
            await writer.drain()
        writer.close()


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


async def main(name, listen, *peers):
    replica = Replica(name, [address(peer.partition("=")[2]) for peer in peers])
    server = await asyncio.start_server(replica.serve, *address(listen))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
