import sys


def brought(name):
    before = set(sys.modules)
    module = __import__(name)
    return module.__name__, getattr(module, "__file__", None), sorted(set(sys.modules) - before)


for name in (
    "select selectors socket signal errno _thread threading queue struct json json.decoder re enum argparse random "
    "subprocess contextlib collections.abc collections traceback functools time heapq types socketserver asyncio "
    "concurrent.futures.thread pickle logging http.client xmlrpc.client multiprocessing.pool sched sysconfig"
).split():
    print(*brought(name))
print([name for name, module in sys.modules.items() if getattr(module, "__name__", name) != name])
print([name for name, module in sys.modules.items() if getattr(module, "__spec__", None) and module.__spec__.name != name])
