"""Stands between nodes, hands on what they say to each other, and counts its bytes.

Arguments: which address is reached by which port of this machine, as PORT=HOST:PORT; last, as JSON, {"from": seconds, "until": seconds}
between which it counts, from its start.
"""

import asyncio
import json
import sys

import report

PIECE = 1 << 16


class Relay:
    def __init__(self):
        self._bytes = 0

    def counted(self):
        count, self._bytes = self._bytes, 0
        return count

    async def pair(self, target, reader, writer):
        """One connection, and its other half."""
        try:
            there, back = await asyncio.open_connection(*target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        back.close()
        writer.close()

    async def _pump(self, reader, writer):
        try:
            while piece := await reader.read(PIECE):
                self._bytes += len(piece)
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
        except OSError:
            # The one is gone, so the other must be told.
            writer.close()


async def main(*words):
    *ways, plan = words
    plan, relay, servers = json.loads(plan), Relay(), []
    for port, _, target in (way.partition("=") for way in ways):
        host, _, target_port = target.rpartition(":")

        async def serve(reader, writer, target=(host, int(target_port))):
            await relay.pair(target, reader, writer)

        servers.append(await asyncio.start_server(serve, "0.0.0.0", int(port)))
    await asyncio.sleep(plan["from"])
    relay.counted()
    await asyncio.sleep(plan["until"] - plan["from"])
    report.note("bytes", relay.counted())


asyncio.run(main(*sys.argv[1:]))
