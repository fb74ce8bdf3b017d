# SPDX-License-Identifier: MIT
"""Random requests to a running meha serve: none is answered by a status of 5xx or by nothing at all, ends the service, or lets
it or one of its jobs open a file outside of the folders that it was given.

    /usr/bin/python3 -B tests/fuzz/serve.py build/meha . --requests 100000

MEHA_TEST_SEED repeats the requests of a failed run."""
import collections
import ctypes
import json
import os
import pathlib
import random
import select
import socket
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import support  # noqa: E402
from service import ServeCase  # noqa: E402

SECRET = b"a secret of somebody else"
IN_ACCESS, IN_OPEN = 0x1, 0x20
MOST_QUEUED = 20  # jobs


class Watch:
    """Notices who opens or reads a file (inotify)."""

    def __init__(self, paths):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.file = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for path in paths:
            assert self.libc.inotify_add_watch(self.file, os.fsencode(path), IN_ACCESS | IN_OPEN) >= 0, path

    def has_seen(self):
        try:
            return bool(os.read(self.file, 4096))
        except BlockingIOError:
            return False


class Requests:
    """Draws requests that are nearly right, and hostile in one place or another."""

    def __init__(self, draw, files, link):
        self.draw, self.files, self.link = draw, files, link
        self.words = ["api", "jobs", "files", "events", "metrics", "assets", "page.js", "page.html", "cancel", "resume", "report", "result.h5",
                      "config.toml", "output.log", "metrics.jsonl", "report.html", "healthz", "openapi.json", "0", "1", "2", "3", "-1", "9" * 15,
                      "9" * 30, "..", ".", "", "a" * 300, "x" * 2000, *files]
        self.strings = ["", "x", "a\0b", "\n", "é" * 50, "$(id)", "`id`", "; id", "--out=/etc", "%s%n", "\ud800", "x" * 5000, *files]

    def pick(self, *choices):
        return self.draw.choice(choices)

    def encoded(self, text):
        """Some of its characters as %XX, now and then twice, or cut short."""
        share = self.pick(0, 0, 0.1, 1)
        result = b""
        for byte in text.encode("utf-8", "surrogatepass"):
            must = byte <= 32 or byte >= 127
            result += b"%%%02x" % byte if must or self.draw.random() < share else bytes([byte])
        if self.draw.random() < 0.05:
            result = result.replace(b"%", b"%25")
        return result[:-1] if self.draw.random() < 0.02 else result

    def path(self):
        kind = self.draw.random()
        if kind < 0.5:
            number = self.pick("1", "2", "3", str(self.draw.randrange(200)), self.draw.choice(self.words))
            words = self.pick(["api", "jobs"], ["api", "jobs", number], ["api", "jobs", number, self.draw.choice(self.words)],
                              ["api", "jobs", number, "files", self.draw.choice(self.words)], ["api", "files", self.draw.choice(self.words)],
                              ["assets", self.draw.choice(self.words)], ["api", "events"], ["metrics"])
        else:
            words = [self.draw.choice(self.words) for _ in range(self.draw.randrange(7))]
        path = b"/" + b"/".join(self.encoded(word) for word in words)
        if self.draw.random() < 0.2:
            name = self.pick("since", "limit", "before", "state", "x", "")
            path += b"?" + name.encode() + b"=" + self.encoded(self.pick("1", "-1", "x", "9" * 15, "9" * 40, "queued", "deleting", "", *self.strings))
        return path

    def value(self, depth=0):
        return self.pick(None, True, 0, -1, 1, 2**31, 2**63, 2**70, 1e308, 0.5, self.draw.choice(self.strings),
                         *([] if depth > 3 else [[self.value(depth + 1)], {self.draw.choice(self.strings): self.value(depth + 1)}]))

    def config(self):
        keys = ["problem.data.train_features", "problem.data.train_labels", "problem.data.test_features", "run.initial_state", "run.name",
                "run.iterations", "problem.start", "algorithm.eta", "x.y"]
        lines = [f"{self.draw.choice(keys)} = {json.dumps(self.value())}" for _ in range(self.draw.randrange(5))]
        return f'problem.type = "{self.pick("hyper_cleaning", "hyper_cleaning", "no")}"\n' + "\n".join(lines)

    def json(self):
        settings = {self.pick("run.iterations", "run.seed", "run.initial_state", "problem.data.train_features", "x", "a=b"): self.value()
                    for _ in range(self.draw.randrange(3))}
        clean = {"doubtful": self.pick(self.files[0], self.files[0], self.link, *self.files)}
        for name in ("labels", "trusted", "test", "label", "format", "header", "fix", "set", "x"):
            if self.draw.random() < 0.15:
                clean[name] = self.pick(settings, self.draw.choice(self.strings), self.value())
        body = self.pick({"clean": clean}, {"clean": clean}, {"config": self.config()}, {"set": settings}, {}, self.value(),
                         {"clean": self.value()}, {"config": self.value()})
        if isinstance(body, dict) and self.draw.random() < 0.3:
            body[self.pick("name", "ranks", "priority", "x")] = self.value()
        return json.dumps(body).encode()

    def damaged(self, data):
        data = bytearray(data)
        for _ in range(self.draw.randrange(1, 4)):
            if data:
                at = self.draw.randrange(len(data))
                data[at:at + self.draw.randrange(3)] = self.draw.randbytes(self.draw.randrange(4))
        return bytes(data)

    def body(self):
        body = self.pick(self.json(), self.json(), self.json(), b"", self.draw.randbytes(self.draw.randrange(200)),
                         b"[" * self.draw.randrange(20000), b"size,species\n1,a\n2,b\n")
        return self.damaged(body) if self.draw.random() < 0.1 else body

    def sane(self):
        """A request that is hostile in its body alone."""
        number = b"%d" % self.draw.randrange(1, 30)
        target = self.pick(b"", b"", b"/" + number + b"/resume", b"/" + number + b"/cancel", b"/" + number + b"/report")
        body = self.json()
        return (b"POST /api/jobs" + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)) + body

    def request(self):
        if self.draw.random() < 0.3:
            return self.sane()
        path, body = self.path(), self.body()
        method = self.pick(b"GET", b"GET", b"POST", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"X" * 40)
        host = self.pick(*[b"127.0.0.1"] * 9, b"localhost:1", b"evil.example", b"", b"[::1]:80")
        lines = [b"Host: " + host]
        if method not in (b"GET", b"HEAD") or self.draw.random() < 0.1:
            if self.draw.random() < 0.1:
                body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:50], body[50:]) if part) + self.pick(b"0\r\n\r\n", b"zz\r\n", b"")
                lines.append(b"Transfer-Encoding: chunked")
            else:
                length = self.pick(*[len(body)] * 30, -5, 2**63, len(body) + 1)
                lines.append(b"Content-Length: %d" % length)
            lines.append(b"Content-Type: " + self.pick(*[b"application/json"] * 6, b"text/plain", b"multipart/form-data; boundary=x", b""))
        else:
            body = b""
        for line in (b"Range: bytes=0-5", b"Range: bytes=9-1,-2", b"Idempotency-Key: k%d" % self.draw.randrange(5), b"Idempotency-Key: " + b"k" * 300,
                     b"Origin: http://evil.example", b"Authorization: Bearer x", b"Expect: 100-continue", b"Accept-Encoding: gzip, br", b"X: " + b"y" * 9000):
            if self.draw.random() < 0.03:
                lines.append(line)
        text = method + b" " + path + b" HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body
        return self.damaged(text) if self.draw.random() < 0.05 else text


class ServeFuzz(ServeCase):
    n_train, n_validation, n_test = 120, 40, 40

    def setUp(self):
        super().setUp()
        outside, self.root = self.folder / "outside", self.folder / "root"
        for folder in (outside, self.root, self.root / "folder"):
            folder.mkdir()
        (outside / "secret.csv").write_bytes(b"size,species\n1," + SECRET + b"\n")
        with h5py.File(outside / "secret.h5", "w") as file:
            file["features"], file["labels"] = np.ones((4, 2), np.float32), np.arange(4)
        with h5py.File(self.root / "link.h5", "w") as file:
            file["features"], file["labels"] = h5py.ExternalLink(str(outside / "secret.h5"), "/features"), np.arange(4)
        (self.root / "rows.csv").write_text("size,species\n" + "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(40)))
        (self.root / "link.csv").symlink_to(outside / "secret.csv")
        (self.root / "links").symlink_to(outside)
        os.mkfifo(self.root / "pipe.csv")
        self.secrets = [*outside.iterdir(), self.root / "pipe.csv"]
        self.service = self.service("--roots", self.root, "--rate", 0, slots=1)
        (self.service.spool / "uploads" / "link.csv").symlink_to(outside / "secret.csv")
        names = [self.root / "rows.csv", *self.secrets, self.root / "link.csv", self.root / "links/secret.csv", self.root / "link.h5",
                 self.root / "../outside/secret.csv", self.root / "folder", self.service.spool / "jobs.db", self.service.spool / "configs/1.toml"]
        self.files = [*(str(name) for name in names), "rows.csv", "link.csv", "../jobs.db", "../../outside/secret.csv", "/etc/passwd", "/dev/zero",
                      "/proc/self/environ", "//etc/passwd", "..%2f..%2foutside%2fsecret.csv", "..\\outside", "file:///etc/passwd", "~/x"]

    def send(self, request):
        """@return the answer, of a stream its first part; nothing where the service has closed the connection before it"""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=60) as connection:
            try:
                connection.sendall(request)
                if not select.select([connection], [], [], 0.05)[0]:
                    connection.shutdown(socket.SHUT_WR)  # it may wait for a body that will not come
                while part := connection.recv(1 << 16):
                    answer += part
                    if b"text/event-stream" in answer:
                        break
            except TimeoutError:
                raise
            except OSError:  # reset: it has not read all that was sent
                pass
        return answer

    def drain(self):
        """Deletes jobs that wait, where there are many."""
        jobs = self.service.get("/api/jobs?state=queued&limit=1000")["jobs"]
        for job in jobs[:len(jobs) - MOST_QUEUED] if len(jobs) > MOST_QUEUED else []:
            self.service.call("DELETE", f"/api/jobs/{job['id']}")

    def test_requests(self):
        requests, watch = Requests(random.Random(support.SEED), self.files, str(self.root / "link.h5")), Watch(self.secrets)
        statuses = collections.Counter()
        for i in range(N_REQUESTS):
            request = requests.request()
            answer = self.send(request)
            head = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
            status = int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0
            statuses[status] += 1
            said = f"request {i}: {request[:3000]!r}\nanswer: {answer[:2000]!r}"
            self.assertLess(status, 500, said)
            self.assertNotIn(SECRET, answer, said)
            self.assertNotIn(b"root:x:0:0", answer, said)
            self.assertIsNone(self.service.process.poll(), said)
            self.assertFalse(watch.has_seen(), said)
            if i % 200 == 199:
                self.drain()
        counts = self.service.get("/api/jobs?limit=1")["counts"]
        self.service.end()
        self.assertFalse(watch.has_seen(), "a job has opened a file outside")
        print(f"{N_REQUESTS} requests; status (0: connection closed): {dict(sorted(statuses.items()))}; jobs: {counts}", flush=True)


if __name__ == "__main__":
    N_REQUESTS = support.option("--requests", 2000)
    support.main()
