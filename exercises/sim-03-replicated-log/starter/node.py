"""A node of a replicated log. Start: python3 node.py NAME HOST:PORT [PEER=HOST:PORT ...]"""

import asyncio
import json
import sys

LEADER = "a"


class Node:
    def __init__(self, name, peers):
        self.name = name
        # (host, port) of each other node, by name.
        self.peers = peers
        self.entries = []

    async def answer(self, request):
        # A log in memory, which knows nothing of other nodes and forgets everything when it ends. Begin here.
        match request:
            case {"append": text, "client": client, "number": number}:
                self.entries.append(text)
                return {"ok": len(self.entries)}
            case {"read": first, "most": most}:
                return {"entries": self.entries[first - 1 :][:most]}
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
    node = Node(name, {peer: address(where) for peer, _, where in (text.partition("=") for text in peers)})
    server = await asyncio.start_server(node.serve, *address(listen))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
