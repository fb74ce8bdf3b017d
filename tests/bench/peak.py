# SPDX-License-Identifier: MIT
"""Runs a command (a rank) and prints its rank and peak resident memory [KiB]: python3 -S -E peak.py COMMAND…

Imports next to nothing: a child's peak counts from its parent's size.
"""
import os
import sys

pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print(f"peak {os.environ.get('OMPI_COMM_WORLD_RANK', '0')} {usage.ru_maxrss}", flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
