# expect: time-limit time-limit
while True:
    pass
