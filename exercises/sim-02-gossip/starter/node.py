"""A node of a set that is kept on several nodes. Start: python3 node.py NAME HOST:PORT [PEER=HOST:PORT ...]"""

import asyncio
import json
import sys


class Node:
    def __init__(self, name, peers):
        self.name = name
        # (host, port) of each other node.
        self.peers = peers
        self.elements = set()

    def answer(self, line):
        # A single set, which knows nothing of its peers and forgets everything when it ends. Begin here.
        word, _, element = line.partition(" ")
        match word:
            case "ADD":
                self.elements.add(element)
                return "OK"
            case "REMOVE":
                self.elements.discard(element)
                return "OK"
            case "LIST":
                return json.dumps(sorted(self.elements))
        return "ERROR no such request"

    async def serve(self, reader, writer):
        while line := await reader.readline():
            writer.write(self.answer(line.decode().rstrip("\n")).encode() + b"\n")
            await writer.drain()
        writer.close()


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


async def main(name, listen, *peers):
    node = Node(name, [address(peer.partition("=")[2]) for peer in peers])
    server = await asyncio.start_server(node.serve, *address(listen))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
