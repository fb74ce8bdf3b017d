# SPDX-License-Identifier: MIT
"""Hosts that are network namespaces of this machine."""
import os
import pathlib
import shutil
import signal
import subprocess

import support


def missing():
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    if not shutil.which("ip"):
        return "needs the command ip (package iproute2)"
    made = subprocess.run(["ip", "netns", "add", f"meha-try-{os.getpid()}"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"network namespaces are not allowed here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", f"meha-try-{os.getpid()}"], check=False)
    return None


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def add(name):
    ip("netns", "add", name)
    ip("-n", name, "link", "set", "lo", "up")


def connect(name, link, address):
    ip("-n", name, "addr", "add", f"{address}/24", "dev", link)
    ip("-n", name, "link", "set", link, "up")


def remove(names):
    for name in names:
        listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
        for pid in listed.stdout.split():
            support.send(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        for folder in pathlib.Path("/tmp").glob(f"ompi.{name}.*"):
            shutil.rmtree(folder, ignore_errors=True)
