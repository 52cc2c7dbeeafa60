# expect: memory-limit memory-limit
hoard = []
while True:
    hoard.append(bytes(1 << 20))
