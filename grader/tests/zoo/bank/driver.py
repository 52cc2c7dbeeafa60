def run(module):
    rich, poor = module.Purse(10), module.Purse(0)
    threads(lambda: module.pay(rich, poor, 8), lambda: module.pay(rich, poor, 7))
    return rich.coins >= 0 and rich.coins + poor.coins == 10
