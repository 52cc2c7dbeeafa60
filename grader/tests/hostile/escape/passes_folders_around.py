# A folder that is held open leads no further up than a path does.
import os
import socket

from attack import contained, refused

one, other = socket.socketpair()
socket.send_fds(one, [b"x"], [os.open("/", os.O_RDONLY | os.O_DIRECTORY), os.open("/work", os.O_PATH)])
_, (root, work), _, _ = socket.recv_fds(other, 1, 2)
assert os.stat("..", dir_fd=root) == os.stat("/") and os.stat("../../..", dir_fd=work) == os.stat("/")
refused(161, b".")
os.fchdir(root)
assert not os.path.exists("../../../root/.") and not os.path.exists("../home")
contained()
