import threading


class Table:
    def __init__(self, seats):
        self.seats = seats
        self.forks = [threading.Lock() for _ in range(seats)]
        self.eaten = [0] * seats

    def sit(self, seat, meals):
        first = self.forks[seat]
        second = self.forks[(seat + 1) % self.seats]
        for _ in range(meals):
            with first, second:
                self.eaten[seat] += 1
