# SPDX-License-Identifier: MIT
"""Starters that MPI does not know: N processes that each believe to be alone must not write the same files."""
import os
from unittest import mock

import support


class StartTest(support.Case):
    def run_with(self, **environment):
        with mock.patch.dict(os.environ, environment):
            return support.run("run", self.config(), "--out", self.folder / "run")

    def test_refused(self):
        for name, words in (({"SLURM_NTASKS": "4", "SLURM_STEP_ID": "0", "SLURM_PROCID": "2"}, "srun --mpi=pmix"),
                            ({"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}, "srun --mpi=pmix"),
                            ({"PMI_SIZE": "3", "PMI_RANK": "1"}, "mpirun")):
            with self.subTest(environment=name):
                ended = self.run_with(**name)
                self.assertEqual(ended.code, 2)
                self.assertEqual(len(ended.err.splitlines()), 1, ended.err)
                self.assertIn(words, ended.err)
                self.assertIn("MPI sees 1 rank", ended.err)
                self.assertFalse((self.folder / "run").exists())

    def test_alone_on_purpose(self):
        for name in ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script, outside of steps
                     {"SLURM_NTASKS": "4", "SLURM_STEP_ID": "1", "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}):
            with self.subTest(environment=name):
                ended = self.run_with(**name)
                self.assertEqual(ended.code, 0, ended.err)


if __name__ == "__main__":
    support.main()
