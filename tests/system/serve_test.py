# SPDX-License-Identifier: MIT
"""meha serve: jobs by HTTP give the bits of `meha run`, whoever is killed; files outside of the roots are never read; nothing
that a request brings is the service's fault."""
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

import h5py

import support
from service import Service
from support import ENDLESS

STOPPED = 75
HOSTILE = ["</script><img src=x onerror=alert(1)>", "größe \"ピンク\" & <b>", "$(touch /tmp/no); `id` | cat '", "--out=/etc", "../../x"]

TABLE = "size,species\n" + "".join(f"{i % 3 * 10 + i % 7}.5,{'abc'[i % 3 if i % 11 else 0]}\n" for i in range(150))


class ServeTest(support.Case):
    n_train, n_validation, n_test = 120, 40, 40

    def service(self, *more, **options):
        return Service(self, "--roots", self.folder, *more, **options)

    def config(self, name="config", without=(), **settings):
        return super().config(name, without, **{"run__name": "job", "run__time_limit_s": 120, **settings})

    def whole(self, config, *more):
        out = self.folder / f"whole-{len(list(self.folder.iterdir()))}"
        self.ran("run", config, "--out", out, *more)
        return support.read_state(out)

    def assert_bits(self, service, number, state):
        self.assertEqual(support.different_fields(support.read_state(service.run_of(number)), state), [])

    def stream(self, service):
        """Of events, from now on."""
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/events")
        stream = connection.getresponse()
        self.assertEqual(stream.getheader("Content-Type"), "text/event-stream")
        stream.readline()
        return stream

    # ---- jobs ----

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

    # ---- what is refused ----

    def test_files_outside(self):
        service = Service(self)
        outside = self.folder / "secret.csv"
        outside.write_text("a,b\n1,x\n", encoding="ascii")
        uploads = service.spool / "uploads"
        (uploads / "link.csv").symlink_to(outside)
        (uploads / "folder").symlink_to(self.folder)
        os.mkfifo(uploads / "pipe.csv")
        names = ["../secret.csv", "../../secret.csv", str(outside), "link.csv", "folder/secret.csv", "pipe.csv", "/dev/zero",
                 "/proc/self/environ", "/etc/passwd", "..", ".", "", "/", "none.csv", "a\0b", "x" * 5000, "..%2fsecret.csv", "../jobs.db"]
        answers = set()
        for name in names:
            for request in ({"clean": {"doubtful": name}},
                            {"config": f'[problem]\ntype = "hyper_cleaning"\n[problem.data]\ntrain_features = {json.dumps(name)}\n'}):
                if name or "clean" in request:
                    answers.add(service.post("/api/jobs", request, 400)["error"].split(":")[-1])
        self.assertIn(" must be a file that was uploaded, or one below the folders that the service was given by --roots", answers)
        for setting in ("run.initial_state", "problem.data.train_features", "problem.data", "run"):
            request = {"clean": {"doubtful": "rows.csv", "set": {setting: str(outside)}}}
            service.call("PUT", "/api/files/rows.csv", "a,b\n1,x\n")
            service.post("/api/jobs", request, 400)
        for path in ("/api/jobs/1/files/../../../jobs.db", "/api/jobs/1/files/%2e%2e%2fjobs.db", "/%2e%2e/%2e%2e/etc/passwd",
                     "//etc/passwd", "/assets/../../etc/passwd", "/assets/%2e%2e%2fapi", "/api/jobs/1/files/latest.h5"):
            self.assertEqual(service.call("GET", path)[0], 404, path)
        for name in ("..%2fx", "%2e%2e", ".hidden", "-x", "a%00b", "a%20b", "x" * 200):
            self.assertIn(service.call("PUT", f"/api/files/{name}", "x")[0], (400, 404), name)
        self.assertEqual(service.get("/api/jobs")["jobs"], [])

    def test_hdf5_that_leads_outside(self):
        service = Service(self)
        support.write_rows_hdf5(self.folder / "secret.h5", self.train)
        kinds = {}
        for name in ("link", "virtual", "external"):
            path = self.folder / f"{name}.h5"
            with h5py.File(path, "w") as file:
                file["labels"] = self.train.labels
                if name == "link":
                    file["features"] = h5py.ExternalLink(str(self.folder / "secret.h5"), "/features")
                elif name == "virtual":
                    layout = h5py.VirtualLayout(self.train.features.shape, "u1")
                    layout[:] = h5py.VirtualSource(self.folder / "secret.h5", "features", self.train.features.shape)
                    file.create_virtual_dataset("features", layout)
                else:
                    (self.folder / "raw").write_bytes(self.train.features.tobytes())
                    file.create_dataset("features", self.train.features.shape, "u1",
                                        external=[(str(self.folder / "raw"), 0, self.train.features.size)])
            service.call("PUT", f"/api/files/{name}.h5", path.read_bytes())
            kinds[name] = service.post("/api/jobs", {"clean": {"doubtful": f"{name}.h5"}}, 201)["id"]
        for name, number in kinds.items():
            job = service.wait(number, "finished", "failed")
            self.assertEqual(job["code"], 3, (name, job))
            self.assertIn("values of other files", job["message"])

    def test_other_sites(self):
        service = Service(self)
        body = json.dumps({"config": "x"})
        for status, headers in ((403, {"Host": "evil.example"}), (403, {"Origin": "http://evil.example"}), (403, {"Origin": "null"}),
                                (403, {"Sec_Fetch_Site": "cross-site"}), (415, {"Content_Type": "text/plain"}),
                                (415, {"Content_Type": "application/x-www-form-urlencoded"})):
            headers = {"Content_Type": "application/json", **headers}
            self.assertEqual(service.call("POST", "/api/jobs", body, **headers)[0], status, headers)
        self.assertEqual(service.call("GET", "/api/jobs/1/cancel")[0], 404)
        own = {"Origin": f"http://127.0.0.1:{service.port}", "Content_Type": "application/json"}
        self.assertEqual(service.call("POST", "/api/jobs", body, **own)[0], 400)

    def test_token(self):
        token = self.folder / "token"
        token.write_text("0123456789abcdef\n", encoding="ascii")
        for mode, more, words in ((0o644, ["--listen", "0.0.0.0:0"], "chmod 600"), (0o600, None, "needs --token-file")):
            token.chmod(mode)
            arguments = ["--token-file", token, *more] if more else ["--listen", "0.0.0.0:0"]
            ended = support.run("serve", "--spool", self.folder / "spool", *arguments)
            self.assertEqual(ended.code, 2, ended.err)
            self.assertIn(words, ended.err)
        service = Service(self, "--token-file", token)
        for given in ({}, {"Authorization": "Bearer 0123456789abcdeg"}, {"Authorization": "Bearer "}, {"Authorization": "x"}):
            self.assertEqual(service.call("GET", "/api/jobs", **given)[0], 401)
        self.assertEqual(service.call("GET", "/metrics")[0], 401)
        self.assertEqual(service.call("GET", "/api/jobs", Authorization="Bearer 0123456789abcdef")[0], 200)
        for path in ("/", "/healthz", "/openapi.json", "/assets/page.js"):
            self.assertEqual(service.call("GET", path)[0], 200, path)
        service.process.terminate()
        service.process.wait(timeout=20)

    def test_rate(self):
        """An address that asks too often waits; a stream that it has goes on; 0 is no limit."""
        service = self.service("--rate", 2)
        stream = self.stream(service)
        answers = iter(lambda: service.call("GET", "/api/jobs"), None)
        status, headers, body = next(answer for answer in answers if answer[0] != 200)
        self.assertEqual(status, 429)
        self.assertIn("--rate", json.loads(body)["error"])
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        time.sleep(int(headers["Retry-After"]))
        number = service.submit(self.config(run__iterations=0))["id"]
        line = next(line for line in stream if line.startswith(b"data: "))
        self.assertEqual(json.loads(line[6:])["id"], number)
        service.kill()
        service.more[-1] = 0
        service.begin()
        self.assertEqual({service.call("GET", "/healthz")[0] for _ in range(50)}, {200})

    def test_one_service_a_spool(self):
        Service(self)
        ended = support.run("serve", "--spool", self.folder / "spool", "--listen", "127.0.0.1:0")
        self.assertEqual(ended.code, 5)
        self.assertIn("another meha serve", ended.err)

    def test_bad_requests(self):
        service = self.service()
        good = self.config(run__iterations=0).read_text()
        for body in ("", "{", "[]", "null", '"x"', "[" * 100000, b"\xff\xfe", json.dumps({}), json.dumps({"config": 1}),
                     json.dumps({"config": good, "clean": {}}), json.dumps({"config": good, "x": 1}), json.dumps({"config": "run ="}),
                     json.dumps({"config": "a." * 500 + "b = 1"}), json.dumps({"config": "x = " + "[" * 1000}),
                     json.dumps({"config": good + "\n[nothing]\nx = 1"}), json.dumps({"config": '[problem]\ntype = "no"'}),
                     *(json.dumps({"config": good, "ranks": r}) for r in (0, -1, 3, 1.5, "1", None, 2**70, True)),
                     json.dumps({"config": good, "priority": 10**9}), json.dumps({"config": good, "name": "a\nb"}),
                     json.dumps({"clean": []}), json.dumps({"clean": {"doubtful": 3}})):
            status, _, answer = service.call("POST", "/api/jobs", body, Content_Type="application/json")
            self.assertEqual(status, 400, (body[:80], answer))
            self.assertTrue(json.loads(answer)["error"])
        status, _, answer = service.call("POST", "/api/jobs", b" " * (2**20 + 1), Content_Type="application/json")
        self.assertEqual(status, 413)
        for name in HOSTILE:
            job = service.submit(self.config(run__iterations=0), name=name)
            self.assertEqual(job["name"], name)
        self.assertEqual({job["name"] for job in service.get("/api/jobs")["jobs"]}, set(HOSTILE))
        for job in service.get("/api/jobs")["jobs"]:
            self.assertEqual(service.wait(job["id"], "finished", "failed")["code"], 0, job)
        for path in ("/api/files/x.csv", "/api/jobs"):
            status, _, answer = service.call("PUT" if "files" in path else "POST", path, "--b\r\n\r\nx\r\n--b--\r\n",
                                             Content_Type="multipart/form-data; boundary=b")
            self.assertIn(status, (400, 415), answer)
        self.random_requests(service, random.Random(support.SEED), 400)
        self.raw_requests(service)
        self.assertEqual(service.get("/healthz"), {"status": "ok"})

    def random_requests(self, service, draw, n):
        words = ["api", "jobs", "files", "events", "metrics", "assets", "1", "2", "cancel", "resume", "result.h5", "config.toml", "%00",
                 "..", "%2e%2e", "", "healthz", "-1", "9" * 30, "%ff", "a" * 300, "?since=x", "?since=-5", "?limit=0", "?state=queued"]
        bodies = [None, b"", b"{}", b"[]", b'{"set": {"run.iterations": 1}}', b'{"set": {"x": {}}}', b'{"config": ""}', b"\0" * 50, b"{" * 3000]
        types = ["application/json", "text/plain", "", "multipart/form-data; boundary=x", "application/json; charset=x"]
        for _ in range(n):
            path = "/" + "/".join(draw.choice(words) for _ in range(draw.randrange(1, 6)))
            if path.startswith("/api/events"):
                continue
            headers = {"Content_Type": draw.choice(types), draw.choice(["Range", "X", "Expect", "Idempotency_Key"]): draw.choice(
                ["bytes=0-", "bytes=5-2", "bytes=-1", "x", "bytes=0-1,2-3"])}
            if "Expect" in headers:
                headers.pop("Expect")
            method = draw.choice(["GET", "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])
            status, _, body = service.call(method, path, draw.choice(bodies), **headers)
            self.assertLess(status, 500, (method, path, headers, body))

    def raw_requests(self, service):
        """What no client would send."""
        for text in (b"GET\r\n\r\n", b"\0\xff\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET " + b"/a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n{}",
                     b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20000 + b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
                raw.sendall(text)
                raw.shutdown(socket.SHUT_WR)
                try:
                    answer = raw.recv(1000)
                except ConnectionResetError:
                    answer = b""
                self.assertNotRegex(answer, rb"^HTTP/1\.\d 5", text[:60])

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
