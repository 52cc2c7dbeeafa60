import os
import threading

main = threading.main_thread()
print(main is threading.current_thread(), main.native_id == os.getpid(), main.ident == threading.get_ident(), main.name)
print(threading.active_count(), len(threading._shutdown_locks), threading.enumerate() == [main])
lock, said = threading.Lock(), []
threads = [threading.Thread(target=lambda: said.append(threading.current_thread().name)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(said), main.is_alive())
