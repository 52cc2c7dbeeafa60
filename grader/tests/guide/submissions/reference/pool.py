import concurrent.futures
import importlib
import sys

job = importlib.import_module(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(int(sys.argv[2])) as pool:
    list(pool.map(job.run, range(int(sys.argv[3]))))
