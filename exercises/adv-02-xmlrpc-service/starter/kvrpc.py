"""A store of named values, spoken to by XML-RPC: python3 kvrpc.py HOST PORT."""
import sys
from xmlrpc.server import SimpleXMLRPCServer


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    with SimpleXMLRPCServer((host, port)) as server:
        raise NotImplementedError


if __name__ == "__main__":
    main()
