import multiprocessing
import os
import subprocess
import sys

if __name__ == "__main__":
    print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv, sorted(sys.modules))"], capture_output=True, text=True))
    if os.fork() == 0:
        import socket

        os._exit(socket.AF_INET)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.map(abs, [-1, -2]))
