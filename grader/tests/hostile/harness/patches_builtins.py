# expect: runtime-error runtime-error
import builtins
import json
import socket


def lie(*args, **kwargs):
    return True


builtins.isinstance = builtins.any = builtins.all = builtins.abs = lie
json.dumps = json.loads = socket.socket.__eq__ = lie


def double(number):
    return number
