# What only administrators do is refused before anybody asks who it is.
from attack import contained, refused

refused(163, b"/work/acct")
refused(167, b"/work/swap", 0)
refused(168, b"/work/swap")
refused(179, 0, b"/dev/vda", 0, 0)
refused(443, -1, 0, 0, 0)
refused(153)
refused(162)
contained()
