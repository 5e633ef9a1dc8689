"""The loopback of a new network namespace, by the kernel's own calls: Debian's minimum has no `ip`."""
import fcntl
import socket
import struct

RELAY_ADDRESS = "10.254.0.1"  # of this machine, as the containers reach it through their gateway

SET_ADDRESS, SET_NETMASK, SET_FLAGS = 0x8916, 0x891C, 0x8914
UP = 1


def bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
        for call, value in ((SET_ADDRESS, RELAY_ADDRESS), (SET_NETMASK, "255.255.255.255")):
            fcntl.ioctl(control, call, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(value)))
