# No other personality: some switch off the randomness of addresses.
from attack import contained, refused

refused(135, 0x0040000)
refused(135, 0xFFFFFFFF)
contained()
