import asyncio, sys

async def handle(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()

async def serve():
    server = await asyncio.start_server(handle, "0.0.0.0", 8888)
    async with server:
        await server.serve_forever()

async def talk(number):
    reader, writer = await asyncio.open_connection("server", 8888)
    writer.write(f"client {number}\n".encode())
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line.decode().strip()

async def clients():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(talk(number)) for number in range(20)]
    print(tasks[0].result(), tasks[19].result())
    try:
        async with asyncio.timeout(2):
            await asyncio.open_connection("server", 1)
    except OSError as error:
        print(type(error).__name__)
    reader, writer = await asyncio.open_connection("server", 8888)
    try:
        await asyncio.wait_for(reader.readline(), 0.25)
    except TimeoutError as error:
        print(repr(error))

asyncio.run(serve() if sys.argv[1] == "server" else clients())
