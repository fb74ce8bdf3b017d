# SPDX-License-Identifier: MIT
"""On a terminal of any width the live line stays one line, by a process alone and under mpirun."""
import fcntl
import os
import pty
import struct
import subprocess
import termios

import support


class TerminalTest(support.Case):
    def look(self, ranks, widths):
        """Runs on a terminal that takes these widths in turn, for as long as each is shown. @return lines shown at each"""
        config = self.folder / "toy.toml"
        config.write_text('[run]\niterations = 100000000\nreport_every = 2000\ntime_limit_s = 60\n[problem]\ntype = "sine_nonconvex"\n')
        inside, outside = pty.openpty()
        job = subprocess.Popen(support.command(("run", config, "--out", self.folder / f"run-{ranks}"), ranks), stdin=subprocess.DEVNULL,
                               stdout=outside, stderr=outside, env=support.environment())
        shown = []
        try:
            for width in widths:
                fcntl.ioctl(outside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
                seen = b""
                while seen.count(b"\r\x1b[K") < 4:
                    seen += os.read(inside, 4096)
                shown.append([line.decode() for line in seen.split(b"\r\x1b[K")[2:-1]])
        finally:
            support.kill_ranks(job)
            job.wait(30)
            os.close(outside)
            os.close(inside)
        return shown

    def test_the_live_line_fits(self):
        widths = (30, 200, 50)
        for ranks in (1, 2):
            for width, lines in zip(widths, self.look(ranks, widths)):
                for line in lines:
                    with self.subTest(ranks=ranks, width=width, line=line):
                        self.assertLess(len(line), width)
                        self.assertTrue(line.startswith("iteration "))
                        self.assertEqual("ms/iteration" in line, width == 200)
                        self.assertNotIn("\n", line)


if __name__ == "__main__":
    support.main()
