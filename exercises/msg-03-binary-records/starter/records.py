"""Captures and arrays as packed bytes."""
import struct
from array import array


def read_pcap(f):
    """Yields (seconds, microseconds, data) for each packet."""
    raise NotImplementedError


def write_pcap(f, packets, snaplen=65535):
    """Writes packets as a capture, each cut to snaplen bytes."""
    raise NotImplementedError


def save_array(f, values):
    """Writes an array, behind a header."""
    raise NotImplementedError


def load_array(f):
    """Returns the next array of the file."""
    raise NotImplementedError


def sum_pairs(buf):
    """Returns the sum of factor * amount over packed pairs."""
    return sum(factor * amount for factor, amount in struct.iter_unpack("hxI", buf))
