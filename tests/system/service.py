# SPDX-License-Identifier: MIT
"""A meha serve of a test, and its HTTP."""
import http.client
import json
import subprocess
import time

import support

HOSTILE = ["</script><img src=x onerror=alert(1)>", "größe \"ピンク\" & <b>", "$(touch /tmp/no); `id` | cat '", "--out=/etc", "../../x"]


class Service:
    """A service of a test. Its jobs end with the test."""

    def __init__(self, case, *more, slots=2, environment=None):
        self.case, self.spool = case, case.folder / "spool"
        self.environment = support.environment() | (environment or {})
        self.more = ["--slots", slots, *more]
        self.process = self.port = None
        case.addCleanup(self.end)
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(
            support.command(["serve", "--spool", self.spool, "--listen", "127.0.0.1:0", *self.more]),
            stdout=subprocess.PIPE, text=True, env=self.environment)
        said = self.process.stdout.readline()
        self.case.assertRegex(said, r"^meha serve: http://127\.0\.0\.1:\d+, jobs in ")
        self.port = int(said.split(",")[0].rsplit(":", 1)[1])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self):
        if self.process.poll() is None:
            for job in self.get("/api/jobs?limit=1000")["jobs"]:
                if job["state"] in ("queued", "running"):
                    status, _, body = self.call("POST", f"/api/jobs/{job['id']}/cancel", "{}", Content_Type="application/json")
                    self.case.assertIn(status, (200, 409), body)  # 409: it has ended by itself meanwhile
            support.wait_for(lambda: not {"queued", "running", "stopping"} & set(self.get("/api/jobs")["counts"]), what="end of all jobs")
            self.process.terminate()
            self.process.wait(timeout=20)
        self.process.stdout.close()

    def call(self, method, path, body=None, **headers):
        """@return (status, headers, bytes)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        result = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return result

    def get(self, path):
        status, _, body = self.call("GET", path)
        self.case.assertEqual(status, 200, body)
        return json.loads(body)

    def post(self, path, request=None, expect=200, **headers):
        status, _, body = self.call("POST", path, json.dumps(request or {}), Content_Type="application/json", **headers)
        self.case.assertEqual(status, expect, body)
        return json.loads(body)

    def submit(self, config, expect=201, **more):
        headers = {"Idempotency_Key": more.pop("key")} if "key" in more else {}
        return self.post("/api/jobs", {"config": config.read_text(), **more}, expect, **headers)

    def job(self, number):
        return self.get(f"/api/jobs/{number}")

    def wait(self, number, *states):
        support.wait_for(lambda: time.sleep(0.02) or self.job(number)["state"] in states, what=f"job {number}: {states}")
        return self.job(number)

    def run_of(self, number):
        return self.spool / "runs" / str(number)


class ServeCase(support.Case):
    """A test of services."""
    n_train, n_validation, n_test = 120, 40, 40

    def service(self, *more, **options):
        """With the test's folder as a root, unless `more` names others."""
        roots = [] if "--roots" in more else ["--roots", self.folder]
        return Service(self, *roots, *more, **options)

    def config(self, name="config", without=(), **settings):
        return super().config(name, without, **{"run__name": "job", "run__time_limit_s": 120, **settings})

    def stream(self, service):
        """Of events, from now on."""
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/events")
        stream = connection.getresponse()
        self.assertEqual(stream.getheader("Content-Type"), "text/event-stream")
        stream.readline()
        return stream
