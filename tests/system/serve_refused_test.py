# SPDX-License-Identifier: MIT
"""What meha serve refuses: files outside of the roots are never read; nothing that a request brings is the service's fault."""
import json
import os
import random
import socket
import time

import h5py

import support
from service import HOSTILE, Service, ServeCase


class ServeRefusedTest(ServeCase):
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

    def test_labels_that_lead_outside(self):
        """meha clean looks for the labels of IDX images by itself."""
        images, labels = support.idx_bytes(self.train.features), support.idx_bytes(self.train.labels)
        outside = self.folder / "labels"
        outside.mkdir()
        (outside / "pics.idx").write_bytes(labels)
        root = self.folder / "images"
        root.mkdir()
        service = Service(self, "--roots", root)
        kinds = ("link", "pipe", "folder", "device", "elsewhere")
        for kind in kinds:
            (root / f"{kind}-images-idx3-ubyte").write_bytes(images)
        (root / "elsewhere-images-idx3-ubyte").rename(root / "pics.idx")
        (root / "link-labels-idx1-ubyte").symlink_to(outside / "pics.idx")
        os.mkfifo(root / "pipe-labels-idx1-ubyte")
        (root / "folder-labels-idx1-ubyte").mkdir()
        (root / "device-labels-idx1-ubyte").symlink_to("/dev/zero")
        for kind in kinds:
            name = root / ("pics.idx" if kind == "elsewhere" else f"{kind}-images-idx3-ubyte")
            job = service.post("/api/jobs", {"clean": {"doubtful": str(name)}}, 201)["id"]
            support.wait_for(lambda job=job: time.sleep(0.05) or service.get(f"/api/jobs/{job}")["ended"], 60, kind)
            self.assertEqual(service.get(f"/api/jobs/{job}")["state"], "failed", kind)
            config = service.run_of(job) / "config.toml"
            self.assertNotIn("train_labels", config.read_text(encoding="utf-8") if config.exists() else "", kind)

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

    def test_what_the_document_says(self):
        """Ranges, types and methods of /openapi.json are those that the service keeps to."""
        service = Service(self)
        for query in ("limit=0", "limit=1001", "limit=x", "limit=", "before=-1", f"before={10**15}", "state=deleting"):
            self.assertEqual(service.call("GET", f"/api/jobs?{query}")[0], 400, query)
        for method, path, allowed in (("PUT", "/api/jobs", "POST, GET, HEAD"), ("DELETE", "/api/events", "GET, HEAD"), ("GET", "/api/files/x", "DELETE, PUT"),
                                      ("TRACE", "/metrics", "GET, HEAD"), ("POST", "/", "GET, HEAD")):
            status, headers, _ = service.call(method, path)
            self.assertEqual((status, headers.get("Allow")), (405, allowed), path)
        self.assertEqual(service.call("PUT", "/api/files/rows.csv", "")[0], 400)
        service.call("PUT", "/api/files/rows.csv", "a,b\n1,x\n")
        number = service.post("/api/jobs", {"clean": {"doubtful": "rows.csv"}}, 201)["id"]
        service.wait(number, "failed")  # it has one row
        self.assertEqual(service.call("PUT", f"/api/jobs/{number}")[1]["Allow"], "DELETE, GET, HEAD")
        for what, body in (("cancel", '"x"'), ("cancel", '{"x": 1}'), ("report", "[]"), ("resume", '{"set": null}'), ("resume", '{"set": ""}'), ("resume", "null")):
            self.assertEqual(service.call("POST", f"/api/jobs/{number}/{what}", body, Content_Type="application/json")[0], 400, body)

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


if __name__ == "__main__":
    support.main()
