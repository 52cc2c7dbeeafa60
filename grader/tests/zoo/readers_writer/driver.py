def run(module):
    room = module.Room()
    inside = []
    met = []

    def stay(who):
        inside.append(who)
        pause()
        if "writer" in inside and len(inside) > 1:
            met.append(list(inside))
        pause()
        inside.remove(who)

    def read():
        room.begin_reading()
        stay("reader")
        room.end_reading()

    def write():
        room.begin_writing()
        stay("writer")
        room.end_writing()

    threads(read, read, write)
    return met
