# expect: runtime-error runtime-error
# says: it tried to have more than 16 processes and threads
import threading

while True:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
