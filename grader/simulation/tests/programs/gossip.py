import asyncio, json, random, sys

me, *peers = sys.argv[1:]
known = {me: 0}

async def handle(reader, writer):
    merge(json.loads(await reader.readline()))
    writer.write(json.dumps(known).encode() + b"\n")
    await writer.drain()
    writer.close()

def merge(other):
    for name, version in other.items():
        known[name] = max(known.get(name, -1), version)

async def main():
    server = await asyncio.start_server(handle, "0.0.0.0", 7000)
    while True:
        await asyncio.sleep(0.2 + random.random() / 10)
        known[me] += 1
        try:
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection(random.choice(peers), 7000)
                writer.write(json.dumps(known).encode() + b"\n")
                merge(json.loads(await reader.readline()))
                writer.close()
        except (OSError, ValueError):
            pass
        if known[me] % 50 == 0:
            print(me, known[me], len(known), flush=True)

asyncio.run(main())
