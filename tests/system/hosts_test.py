# SPDX-License-Identifier: MIT
"""Two hosts, each a network namespace with a name of its own, and a cable between them that can be cut."""
import os
import subprocess
import time

import hosts
import support

ABORTS_WITHIN_S = 15


class HostsTest(support.RestartCase):
    addresses = ("10.77.0.1", "10.77.0.2")

    def setUp(self):
        super().setUp()
        reason = hosts.missing()
        if reason:
            self.skipTest(reason)
        self.names = [f"meha{os.getpid()}{side}" for side in "ab"]
        self.addCleanup(hosts.remove, self.names)
        for name in self.names:
            hosts.add(name)
        hosts.ip("link", "add", "v1", "netns", self.names[0], "type", "veth", "peer", "name", "v2", "netns", self.names[1])
        for name, address, end in zip(self.names, self.addresses, ("v1", "v2")):
            hosts.connect(name, end, address)
        self.shell = self.folder / "into"
        self.shell.write_text("#!/bin/sh\nshift\n" + self.inside(1, 'sh -c "$*"') + "\n")
        self.shell.chmod(0o755)
        self.base |= {"run.iterations": 250, "run.report_every": 5, "checkpoint.every": 1}

    def inside(self, host, command):
        name = self.names[host]
        return f"exec ip netns exec {name} unshare --uts sh -c 'hostname {name}; exec \"$@\"' sh {command}"

    def cut(self, is_cut=True):
        hosts.ip("-n", self.names[1], "link", "set", "v2", "down" if is_cut else "up")

    def start(self, *command):
        names = f"{self.names[0]}:1,{self.addresses[1]}:1"
        log = open(self.folder / "log", "w+", encoding="utf-8")
        self.addCleanup(log.close)
        job = subprocess.Popen(["sh", "-c", self.inside(0, '"$@"'), "sh", *command[:3], support.source / "launch" / "hosts", names, support.program, *command[3:]],
                               stdout=log, stderr=log, env=support.environment() | {"MEHA_RSH": str(self.shell)})
        self.addCleanup(support.stop_at_once, job)
        return job

    def said(self):
        return (self.folder / "log").read_text()

    def test_cut_link(self):
        whole = self.run_ok("whole")
        job = self.start(support.source / "launch" / "until-done", "--wait", "1", "run", self.config(), "--out", self.out)
        support.wait_for(lambda: support.checkpoints(self.out) or job.poll() is not None, what="first checkpoint")
        time.sleep(self.random.uniform(0, 0.2))
        self.assertIsNone(job.poll(), self.said())
        self.cut()
        began = time.monotonic()
        support.wait_for(lambda: "life 1 ended" in self.said() or job.poll() is not None, what="abort")
        print(f"aborted {time.monotonic() - began:.1f} s after the link was cut", flush=True)
        self.assertLess(time.monotonic() - began, ABORTS_WITHIN_S)
        self.cut(False)
        self.assertEqual(job.wait(120), 0, self.said())
        self.assert_same_state(whole, self.out, self.said())
        self.assert_each_iteration_once(250, every=5)

    def test_a_network_that_leads_nowhere(self):
        for name in self.names:  # docker's, say: the same address on both
            hosts.ip("-n", name, "link", "add", "docker0", "type", "veth", "peer", "name", "nowhere")
            hosts.ip("-n", name, "link", "set", "nowhere", "up")
            hosts.connect(name, "docker0", "172.17.0.1")
        command = ("env", "MEHA_CONTACT_S=5", "env", "run", self.config(run__iterations=20), "--out", self.out)
        job = self.start(*command)
        self.assertEqual(job.wait(60), 71, self.said())
        self.assertIn("no answer from other ranks for 5 s: rank 0 of 2", self.said())
        self.assertIn("OMPI_MCA_btl_tcp_if_include", self.said())
        job = self.start("env", "OMPI_MCA_btl_tcp_if_include=10.77.0.0/24", *command[2:])
        self.assertEqual(job.wait(60), 0, self.said())


if __name__ == "__main__":
    support.main()
