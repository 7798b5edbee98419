# SPDX-License-Identifier: Apache-2.0
# A socket as systemd has it, which Node cannot open: prints each datagram as the list of the lines that were in it.
import json
import socket
import sys

receiving = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiving.bind(sys.argv[1])
print('[]', flush=True)
while True:
    print(json.dumps(receiving.recv(4096).decode().split('\n')), flush=True)
