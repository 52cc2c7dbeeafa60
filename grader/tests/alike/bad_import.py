# file: broken.py def f(:\n    pass\n
# file: raises.py import socket\nraise KeyError(socket.AF_INET)\n
import traceback

for name in ("raises", "broken", "absent", "json.absent"):
    try:
        __import__(name)
    except Exception:
        traceback.print_exc()
import raises
