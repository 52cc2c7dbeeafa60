# expect: runtime-error runtime-error
# says: it had no room left for files
with open("/tmp/file", "wb") as file:
    while True:
        file.write(bytes(1 << 16))
