# expect: killed for memory
hoard = []
while True:
    hoard.append(bytes(1 << 20))
