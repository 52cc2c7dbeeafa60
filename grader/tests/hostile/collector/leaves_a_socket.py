# reads: result nothing
# A socket where a file is expected.
import socket

from attack import contained

socket.socket(socket.AF_UNIX).bind("/work/result")
contained()
