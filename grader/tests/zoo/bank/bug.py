import threading


class Purse:
    def __init__(self, coins):
        self.coins = coins
        self.guard = threading.Lock()

    def take(self, coins):
        if self.coins < coins:
            return False
        with self.guard:
            self.coins -= coins
        return True

    def add(self, coins):
        with self.guard:
            self.coins += coins


def pay(payer, payee, coins):
    if payer.take(coins):
        payee.add(coins)
