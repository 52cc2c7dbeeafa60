import datetime, sched, sys, time

begun = time.monotonic()
scheduler = sched.scheduler(time.monotonic, time.sleep)
for hours in 3, 1, 2:
    scheduler.enter(hours * 3600, 1, lambda hours=hours: print(hours, round(time.monotonic() - begun)))
scheduler.run()
print(datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"), time.time() > 1_700_000_000)
