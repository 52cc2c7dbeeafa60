def run(module):
    table = module.Table(5)
    threads(*[lambda seat=seat: table.sit(seat, 2) for seat in range(5)])
    return table.eaten
