import sys, time

with open("/report", "a", buffering=1) as report:
    for number in range(3):
        print(sys.argv[1], number, file=report)
        time.sleep(1)
