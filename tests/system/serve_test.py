# SPDX-License-Identifier: MIT
"""meha serve: jobs by HTTP give the bits of `meha run`, whoever is killed."""
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

import serve_load
import support
from service import HOSTILE, ServeCase, Service
from support import ENDLESS

STOPPED = 75

TABLE = "size,species\n" + "".join(f"{i % 3 * 10 + i % 7}.5,{'abc'[i % 3 if i % 11 else 0]}\n" for i in range(150))


class ServeTest(ServeCase):
    # ---- jobs ----

    def whole(self, config, *more):
        out = self.folder / f"whole-{len(list(self.folder.iterdir()))}"
        self.ran("run", config, "--out", out, *more)
        return support.read_state(out)

    def assert_bits(self, service, number, state):
        self.assertEqual(support.different_fields(support.read_state(service.run_of(number)), state), [])

    def test_submit_stop_resume(self):
        service = self.service()
        config = self.config(run__iterations=ENDLESS)
        job = service.submit(config, ranks=2, key="once")
        self.assertEqual(service.submit(config, ranks=2, key="once", expect=200)["id"], job["id"])
        service.submit(config, ranks=1, key="once", expect=409)
        number = job["id"]
        support.wait_for(lambda: len(service.get(f"/api/jobs/{number}/metrics")["metrics"]) > 2, what="reports")
        last = service.get(f"/api/jobs/{number}/metrics")["last"]
        support.wait_for(lambda: service.get(f"/api/jobs/{number}/metrics?since={last}")["metrics"], what="newer reports")
        self.assertGreater(service.get(f"/api/jobs/{number}/metrics?since={last}")["metrics"][0]["iteration"], last)
        service.post(f"/api/jobs/{number}/resume", expect=409)
        self.assertEqual(service.call("DELETE", f"/api/jobs/{number}")[0], 409)
        self.assertEqual(service.post(f"/api/jobs/{number}/cancel")["state"], "stopping")
        self.assertEqual(service.wait(number, "stopped", "failed")["code"], STOPPED)
        reached = int(support.checkpoints(service.run_of(number))[-1].stem.split("-")[1])
        service.post(f"/api/jobs/{number}/resume", {"set": {"problem.regularisation": 1.0}}, expect=400)
        service.post(f"/api/jobs/{number}/resume", {"set": {"run.initial_state": "x"}}, expect=400)
        service.post(f"/api/jobs/{number}/resume", {"set": {"run.iterations": reached + 30}})
        job = service.wait(number, "finished", "failed")
        self.assertEqual((job["code"], job["progress"]["share"]), (0, 1), job)
        self.assert_bits(service, number, self.whole(config, "--set", f"run.iterations={reached + 30}"))
        status, headers, body = service.call("GET", f"/api/jobs/{number}/files/result.h5")
        self.assertEqual((status, body), (200, (service.run_of(number) / "result.h5").read_bytes()))
        self.assertIn("attachment", headers["Content-Disposition"])
        self.assertEqual(service.call("DELETE", f"/api/jobs/{number}")[0], 200)
        self.assertFalse(service.run_of(number).exists())
        self.assertEqual(service.call("GET", f"/api/jobs/{number}")[0], 404)

    def test_order_and_errors(self):
        service = self.service(slots=1)
        endless = service.submit(self.config(run__iterations=ENDLESS))["id"]
        service.wait(endless, "running")
        low, high = (service.submit(self.config(run__iterations=20), priority=p)["id"] for p in (0, 5))
        waiting = service.submit(self.config(), priority=-1)["id"]
        self.assertEqual(service.post(f"/api/jobs/{waiting}/cancel")["state"], "stopped")
        service.post(f"/api/jobs/{endless}/cancel")
        jobs = [service.wait(number, "finished", "failed") for number in (low, high)]
        self.assertGreater(jobs[0]["started"], jobs[1]["started"])
        torn = self.folder / "torn.gz"
        torn.write_bytes((self.folder / "train-features.idx.gz").read_bytes()[:40])
        job = service.submit(self.config(problem__data__train_features=str(torn)))
        job = service.wait(job["id"], "finished", "failed")
        self.assertEqual((job["state"], job["code"]), ("failed", 3))
        self.assertIn("torn.gz", job["message"])

    def test_clean_of_an_upload(self):
        service = Service(self)
        self.assertEqual(service.call("PUT", "/api/files/rows.csv", TABLE)[0], 201)
        self.assertEqual(service.call("PUT", "/api/files/rows.csv", TABLE)[0], 409)
        request = {"clean": {"doubtful": "rows.csv", "label": "species", "set": {"run.iterations": 10}}, "name": HOSTILE[0]}
        number = service.post("/api/jobs", request, 201)["id"]
        job = service.wait(number, "finished", "failed")
        self.assertEqual(job["code"], 0, job)
        self.assertLessEqual({"suspects.csv", "cleaned.csv", "report.html"}, set(job["files"]))
        self.assertIn(b"species", service.call("GET", f"/api/jobs/{number}/files/cleaned.csv")[2])
        self.assertIn("sandbox", service.call("GET", f"/api/jobs/{number}/files/report.html")[1]["Content-Security-Policy"])

    def test_uploads_are_listed_and_removed(self):
        service = Service(self)
        for name in ("rows.csv", "rows.csv2", "more.csv"):
            service.call("PUT", f"/api/files/{name}", TABLE)
        (service.spool / "uploads/link.csv").symlink_to(self.folder / "outside.csv")
        names = ["more.csv", "rows.csv", "rows.csv2"]
        self.assertEqual(service.get("/api/files"), {"files": [{"name": name, "bytes": len(TABLE)} for name in names]})
        request = {"clean": {"doubtful": "rows.csv", "label": "species", "set": {"run.iterations": ENDLESS}}}
        job = service.post("/api/jobs", request, 201)["id"]
        status, _, said = service.call("DELETE", "/api/files/rows.csv")
        self.assertEqual(status, 409)
        self.assertRegex(said.decode(), rf"job {job} is \w+: it reads file rows.csv: delete the job first")
        self.assertEqual(service.call("DELETE", "/api/files/rows.csv2")[0], 200, "a longer name is another file")
        service.wait(job, "running")
        service.post(f"/api/jobs/{job}/cancel", {})
        service.wait(job, "stopped", "failed")
        self.assertEqual(service.call("DELETE", f"/api/jobs/{job}")[0], 200)
        support.wait_for(lambda: service.call("GET", f"/api/jobs/{job}")[0] == 404, what="the job's end")
        self.assertEqual(service.call("DELETE", "/api/files/rows.csv")[0], 200)
        self.assertEqual(service.call("DELETE", "/api/files/rows.csv")[0], 404)
        self.assertEqual(service.call("DELETE", "/api/files/..")[0], 400)
        self.assertEqual([file["name"] for file in service.get("/api/files")["files"]], ["more.csv"])
        self.assertEqual(service.call("PUT", "/api/files/rows.csv", TABLE)[0], 201)

    def test_from_a_terminal(self):
        service = Service(self)
        server = ["--server", f"http://127.0.0.1:{service.port}"]
        config = self.config(run__iterations=20)
        ended = support.run("submit", config, *server)  # its data are no uploads
        self.assertEqual(ended.code, 2)
        self.assertIn("must be a file that was uploaded", ended.err)
        said = self.ran("submit", config, "--upload", "--name", "one", "--watch", *server).out
        self.assertRegex(said, r"(?s)^1\n.*1  finished  100 %    1  one")
        self.assertRegex(self.ran("jobs", *server).out, r"^ +1  finished  100 %    1  one\n$")
        self.ran("fetch", 1, "result.h5", "--out", self.folder / "fetched.h5", *server)
        self.assertEqual(support.different_fields(support.read_state(self.folder / "fetched.h5"), self.whole(config)), [])
        self.assertEqual(self.ran("submit", config, "--upload", "--set", f"run.iterations={ENDLESS}", *server).out, "2\n")
        service.wait(2, "running")
        self.assertRegex(self.ran("cancel", 2, *server).out, "stopping")
        self.assertEqual(support.run("watch", 2, *server).code, STOPPED)
        for arguments, words in ((["watch", 9, *server], "no such job"), (["fetch", 1, "../jobs.db", *server], "404|one of|nothing is there"),
                                 (["jobs", "--server", "nothing"], "127.0.0.1|reached"), (["jobs", "--server", "http://127.0.0.1:1"], "reached")):
            ended = support.run(*arguments, cwd=self.folder)
            self.assertIn(ended.code, (2, 3))
            self.assertRegex(ended.err, words)

    @unittest.skipIf(shutil.which("curl") is None, "curl is not installed")
    def test_guide(self):
        """The commands of launch/service.md."""
        service = Service(self)
        folder = self.folder / "checkout"
        folder.mkdir()
        (folder / "build").symlink_to(support.program.parent)
        (folder / "CONFIG.toml").write_text(self.config(run__iterations=10).read_text(), encoding="utf-8")
        (folder / "doubtful.csv").write_text(TABLE, encoding="ascii")
        guide = (support.source / "launch/service.md").read_text(encoding="utf-8")
        address = f"http://127.0.0.1:{service.port}"
        for begin in ("build/meha submit", "curl -s http"):
            block = re.search(rf"^```sh\n({re.escape(begin)}.*?)^```$", guide, re.M | re.S)[1]
            block = block.replace("http://127.0.0.1:8765", address)
            ended = subprocess.run(["bash", "-eu", "-c", block], cwd=folder, capture_output=True, text=True, timeout=100,
                                   env=support.environment() | {"MEHA_SERVER": address}, check=False)
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertEqual(len((folder / "1.jsonl").read_text().splitlines()), 2)
        self.assertEqual([service.wait(number, "finished", "failed")["progress"]["iteration"] for number in (1, 2)], [500, 20])

    # ---- killed ----

    def test_service_killed(self):
        service = self.service()
        draw = random.Random(support.SEED)
        configs = [self.config(f"c{i}", run__seed=i, run__iterations=1500, run__report_every=500, checkpoint__every=100)
                   for i in range(3)]
        states = [self.whole(config) for config in configs]
        numbers = [service.submit(config, ranks=1 + i % 2)["id"] for i, config in enumerate(configs)]
        for _ in range(6):
            time.sleep(draw.uniform(0, 0.5))
            service.kill()
            time.sleep(draw.choice([0, 0.3]))
            service.begin()
        for number, state in zip(numbers, states):
            job = service.wait(number, "finished", "failed")
            self.assertEqual((job["state"], job["code"]), ("finished", 0), job)
            self.assert_bits(service, number, state)
            found = [line["iteration"] for line in support.read_metrics(service.run_of(number))]
            self.assertEqual(found, sorted(set(found)))
            self.assertNotIn("in use by another run", job["log"])

    def test_found_again_and_stopped(self):
        service = self.service()
        config = self.config(run__iterations=ENDLESS)
        number = service.submit(config)["id"]
        support.wait_for(lambda: support.checkpoints(service.run_of(number)), what="first checkpoint")
        holder = (service.run_of(number) / "run.lock").read_text()
        service.kill()
        service.begin()
        self.assertEqual(service.job(number)["state"], "running")
        self.assertEqual((service.run_of(number) / "run.lock").read_text(), holder)
        os.kill(int(holder.split()[-1]), signal.SIGKILL)  # a rank
        support.wait_for(lambda: (service.run_of(number) / "run.lock").read_text() not in ("", holder), what="a further life")
        service.post(f"/api/jobs/{number}/cancel")
        service.kill()
        service.begin()
        self.assertEqual(service.wait(number, "stopped", "failed")["code"], STOPPED)

    def test_load(self):
        serve_load.run(self, jobs=24, clients=5, kills=3, rank_kills=2)

    def test_database_of_an_earlier_version(self):
        service = self.service()
        number = service.submit(self.config(run__iterations=0))["id"]
        service.wait(number, "finished")
        service.kill()
        database = sqlite3.connect(service.spool / "jobs.db")
        database.execute("ALTER TABLE jobs DROP COLUMN place")
        database.execute("PRAGMA user_version=1")
        database.close()
        service.begin()
        self.assertEqual((service.job(number)["state"], service.job(number)["place"]), ("finished", ""))
        service.post(f"/api/jobs/{number}/resume")
        self.assertEqual(service.wait(number, "finished", "failed")["code"], 0)

    # ---- telling ----

    def test_events_and_numbers(self):
        service = self.service()
        stream = self.stream(service)
        number = service.submit(self.config(run__iterations=0))["id"]
        states = []
        while "finished" not in states:
            line = stream.readline().decode()
            if line.startswith("data: "):
                states.append(json.loads(line[6:])["state"])
        order = [("queued", "running", "finished").index(state) for state in states]  # a short job may not be seen in all of them
        self.assertEqual(order, sorted(order))
        self.assertIn('meha_jobs{state="finished"} 1', service.call("GET", "/metrics")[2].decode())
        paths = service.get("/openapi.json")["paths"]
        for path in paths:
            self.assertNotEqual(service.call("OPTIONS", path.replace("{id}", str(number)))[0], 404, path)


if __name__ == "__main__":
    support.main()
