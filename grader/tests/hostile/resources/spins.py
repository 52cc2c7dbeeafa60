# expect: signal 9
while True:
    pass
