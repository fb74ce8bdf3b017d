# SPDX-License-Identifier: MIT
"""launch/slurm.sbatch on a real Slurm with two nodes, each with a name, a network and shared memory of its own."""
import os
import time

import hosts
import slurm_case
import support


class SlurmHostsTest(slurm_case.SlurmCase):
    address = "10.78.0.1"

    def make_nodes(self, host):
        reason = hosts.missing()
        if reason:
            self.skipTest(reason)
        self.controller, *self.names = (f"meha{os.getpid()}{which}" for which in "cab")
        self.addCleanup(hosts.remove, [self.controller, *self.names])
        hosts.add(self.controller)
        hosts.ip("-n", self.controller, "link", "add", "switch", "type", "bridge")
        hosts.connect(self.controller, "switch", self.address)
        lines = []
        for n, name in enumerate(self.names, 2):
            hosts.add(name)
            hosts.ip("link", "add", "cable", "netns", name, "type", "veth", "peer", "name", f"port{n}", "netns", self.controller)
            hosts.ip("-n", self.controller, "link", "set", f"port{n}", "up", "master", "switch")
            hosts.connect(name, "cable", f"10.78.0.{n}")
            lines.append(f"NodeName={name} NodeAddr=10.78.0.{n} CPUs=1")
        return "\n".join(lines)

    def beside_controller(self, *words):
        return ["nsenter", f"--net=/run/netns/{self.controller}", *words]

    def start_nodes(self):
        for name in self.names:
            self.daemon("nsenter", f"--net=/run/netns/{name}", "unshare", "--uts", "--mount", "sh", "-ec",
                        f"hostname {name}; mount -t tmpfs none /dev/shm; mount -t tmpfs none {self.slurm}/pmix; exec slurmd -D")
        self.wait_for_nodes("idle")

    def cut(self, name, is_cut=True):
        hosts.ip("-n", name, "link", "set", "cable", "down" if is_cut else "up")

    def test_cut_link(self):
        job = self.submit("--time=30", "--nodes=2")
        support.wait_for(lambda: support.checkpoints(self.out), 60, "first checkpoint")
        self.assertEqual(self.state(job)["NumNodes"], "2")
        time.sleep(self.random.uniform(0, 1))
        name = self.random.choice(self.names)
        self.cut(name)
        self.wait_until(job, lambda state: state["Restarts"] == "1", 90, "requeue")
        self.cut(name, False)
        self.wait_for_nodes("idle")
        self.go_on_to_the_end(job)


if __name__ == "__main__":
    support.main()
