# What every course program may do works: threads, processes, queues, shared memory, sockets of all kinds, asyncio, subprocesses.
import asyncio
import multiprocessing
import os
import socket
import subprocess
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory


def square(number):
    return number * number


async def echo():
    server = await asyncio.start_server(lambda reader, writer: writer.write(b"hi") or writer.close(), "127.0.0.1", 80)
    reader, writer = await asyncio.open_connection("localhost", 80)
    data = await reader.read()
    writer.close()
    server.close()
    return data


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        assert list(pool.map(square, range(4))) == [0, 1, 4, 9]
    queue = multiprocessing.Queue()
    child = multiprocessing.Process(target=queue.put, args=("x",))
    child.start()
    assert queue.get() == "x"
    child.join()
    block = shared_memory.SharedMemory(create=True, size=4096)
    block.close()
    block.unlink()
    assert asyncio.run(echo()) == b"hi"
    assert subprocess.run(["sh", "-c", "echo out; cat"], input=b"in", capture_output=True).stdout == b"out\nin"
    os.mkfifo("/work/fifo")
    for family, address in ((socket.AF_INET6, ("::1", 0)), (socket.AF_UNIX, "/work/socket"), (socket.AF_UNIX, "\0name")):
        with socket.socket(family) as server:
            server.bind(address)
            server.listen()
            with socket.socket(family) as client:
                client.connect(server.getsockname())
    thread = threading.Thread(target=print, args=("contained",))
    thread.start()
    thread.join()
