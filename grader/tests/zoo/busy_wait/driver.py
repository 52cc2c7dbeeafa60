def run(module):
    parcel = module.Parcel()
    return threads(parcel.unpack, lambda: parcel.deliver("book"))
