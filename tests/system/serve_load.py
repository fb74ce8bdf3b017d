# SPDX-License-Identifier: MIT
"""meha serve under load: many small jobs, clients that watch all of them, and random deaths of the service and of ranks.

    /usr/bin/python3 -B tests/system/serve_load.py build/meha . --jobs 1000 --clients 50 --kills 20 --rank-kills 20

Every job ends once, with the bits of an undisturbed run, and every client sees it end. What was measured is printed.
`--listed N`: jobs of which the page's list is timed. serve_test.py runs a short version."""
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import statistics
import threading
import time

import support
from service import Service

N_CONFIGS = 8  # of which there are undisturbed runs


class Client(threading.Thread):
    """Watches all jobs, by one stream of events after the other."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.states, self.ends, self.errors = service, {}, {}, []
        self.listed = {}  # which an event that is still under way may be older than
        self.n_events, self.must_end = 0, False

    def take(self, job):
        number, before = job["id"], self.states.get(job["id"])
        if before in ("finished", "failed") and job["state"] != before:
            self.errors.append(f"job {number}: {job['state']} after {before}")
        self.states[number] = job["state"]
        if job["ended"]:
            self.ends.setdefault(number, set()).add(job["ended"])

    def watch(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)
        try:
            connection.request("GET", "/api/events")
            stream = connection.getresponse()
            if stream.status != 200:
                raise ConnectionError(stream.read())
            for job in self.all_jobs():
                self.listed[job["id"]] = job["state"]
            for line in stream:
                if line.startswith(b"data: "):
                    self.n_events += 1
                    self.take(json.loads(line[6:]))
                if self.must_end:
                    return
        finally:
            connection.close()

    def all_jobs(self):
        before = 0
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)
            connection.request("GET", f"/api/jobs?limit=1000&before={before}")
            jobs = json.loads(connection.getresponse().read())["jobs"]
            connection.close()
            yield from jobs
            if len(jobs) < 1000:
                return
            before = jobs[-1]["id"]

    def sees_end(self, number):
        return "finished" in (self.states.get(number), self.listed.get(number))

    def run(self):
        while not self.must_end:
            try:
                self.watch()
            except (OSError, http.client.HTTPException, ValueError):  # the service was killed
                time.sleep(0.05)


def kill_rank(service, draw):
    """Of a job that runs. @return whether there was one"""
    running = service.get("/api/jobs?state=running")["jobs"]
    draw.shuffle(running)
    for job in running:
        directory = service.run_of(job["id"])
        try:
            holder = int((directory / "run.lock").read_text().split()[-1])
            if str(directory).encode() in pathlib.Path(f"/proc/{holder}/cmdline").read_bytes():
                os.kill(holder, signal.SIGKILL)
                return True
        except (OSError, ValueError, IndexError):  # it begins, or ends
            pass
    return False


def finished(service):
    return service.get("/api/jobs?limit=1")["counts"].get("finished", 0)


def run(case, jobs, clients, kills, rank_kills, slots=2):
    """@return the service, when all jobs have ended as they must"""
    draw = random.Random(support.SEED)
    configs = [case.config(f"load{i}", run__seed=i, run__iterations=200, run__report_every=50, checkpoint__every=50) for i in range(N_CONFIGS)]
    wholes = []
    for i, config in enumerate(configs):
        case.ran("run", config, "--out", case.folder / f"undisturbed{i}")
        wholes.append(support.read_state(case.folder / f"undisturbed{i}"))
    service = Service(case, "--roots", case.folder, "--rate", 0, slots=slots)
    watchers = [Client(service) for _ in range(clients)]
    for watcher in watchers:
        watcher.start()
    began = time.monotonic()
    numbers = [service.submit(configs[i % N_CONFIGS], key=f"load-{i}")["id"] for i in range(jobs)]
    print(f"{jobs} jobs submitted in {time.monotonic() - began:.1f} s", flush=True)
    deaths = sorted([(draw.randrange(jobs), "service") for _ in range(kills)] + [(draw.randrange(jobs), "rank") for _ in range(rank_kills)])
    n_ranks = 0
    for at, victim in deaths:
        support.wait_for(lambda at=at: time.sleep(0.05) or finished(service) >= at, 600, f"{at} jobs")
        time.sleep(draw.uniform(0, 0.5))
        if victim == "service":
            service.kill()
            time.sleep(draw.choice([0, 0.3]))
            service.begin()
        else:
            n_ranks += any(kill_rank(service, draw) or time.sleep(0.05) for _ in range(100))
    support.wait_for(lambda: time.sleep(0.1) or not {"queued", "running"} & set(service.get("/api/jobs?limit=1")["counts"]), 600, "all jobs")
    print(f"{jobs} jobs, {clients} clients, {kills} kills of the service, {n_ranks} of ranks: {time.monotonic() - began:.0f} s", flush=True)
    check_jobs(case, service, numbers, wholes)
    check_clients(case, watchers, numbers)
    return service


def check_jobs(case, service, numbers, wholes):
    found = {job["id"]: job for job in Client(service).all_jobs()}
    case.assertEqual(sorted(found), sorted(numbers))
    for i, number in enumerate(numbers):
        job = found[number]
        case.assertEqual((job["state"], job["code"]), ("finished", 0), job)
        case.assertEqual(support.different_fields(support.read_state(service.run_of(number)), wholes[i % N_CONFIGS]), [], job)
        iterations = [line["iteration"] for line in support.read_metrics(service.run_of(number))]
        case.assertEqual(iterations, sorted(set(iterations)), job)
    print(f"{sum(job['starts'] for job in found.values())} lives by the service", flush=True)


def check_clients(case, watchers, numbers):
    for watcher in watchers:
        support.wait_for(lambda watcher=watcher: time.sleep(0.05) or all(watcher.sees_end(number) for number in numbers), what="what a client sees")
        case.assertEqual(watcher.errors, [])
        case.assertLessEqual({len(ends) for ends in watcher.ends.values()}, {1})
    print(f"{sum(watcher.n_events for watcher in watchers)} events seen", flush=True)
    for watcher in watchers:
        watcher.must_end = True


def measure_idle(service, what, seconds=20):
    """Prints memory and processor time of a service that has nothing to do."""
    pid = service.process.pid

    def used():
        words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    before = used()
    time.sleep(seconds)
    share = (used() - before) / seconds
    sizes = dict(line.split(":") for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    print(f"idle, {what}: {int(sizes['Rss'].split()[0]) / 1024:.1f} MiB resident, {int(sizes['Pss'].split()[0]) / 1024:.1f} MiB proportional, "
          f"{100 * share:.2f} % of a processor", flush=True)


def measure_list(service, listed):
    """Prints how long the page waits for its list when there are so many jobs, each with reports."""
    template = service.get("/api/jobs?limit=1")["jobs"][0]["id"]
    service.kill()
    database = sqlite3.connect(service.spool / "jobs.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(jobs)") if row[1] not in ("id", "request_key")]
    there, = database.execute("SELECT count(*) FROM jobs").fetchone()
    names = ", ".join(columns)
    for _ in range(listed - there):
        database.execute(f"INSERT INTO jobs({names}) SELECT {names} FROM jobs WHERE id=?", (template,))
    database.commit()
    for number, in database.execute("SELECT id FROM jobs ORDER BY id DESC LIMIT 200").fetchall():
        service.run_of(number).mkdir(exist_ok=True)
        if not (service.run_of(number) / "metrics.jsonl").exists():
            shutil.copy(service.run_of(template) / "metrics.jsonl", service.run_of(number))
    database.close()
    service.begin()
    for path in ("/api/jobs?limit=200", "/"):
        times = []
        for _ in range(31):
            began = time.perf_counter()
            service.call("GET", path)
            times.append(1000 * (time.perf_counter() - began))
        print(f"{max(listed, there)} jobs, GET {path}: median {statistics.median(times):.1f} ms, longest {max(times):.1f} ms", flush=True)


class ServeLoad(support.Case):
    n_train, n_validation, n_test = 120, 40, 40

    def test_load(self):
        service = run(self, **NUMBERS)
        measure_idle(service, f"after {NUMBERS['jobs']} jobs")
        measure_list(service, LISTED)
        measure_idle(service, f"{LISTED} jobs")


if __name__ == "__main__":
    NUMBERS = {name: support.option("--" + name.replace("_", "-"), default)
               for name, default in (("jobs", 1000), ("clients", 50), ("kills", 20), ("rank_kills", 20), ("slots", 2))}
    LISTED = support.option("--listed", 10000)
    support.main()
