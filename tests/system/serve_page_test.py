# SPDX-License-Identifier: MIT
"""The page of meha serve in a real browser: submit, watch the curve grow, stop, resume, report; no complaint, no foreign
request."""
import json
import time
import unittest

import browser
import support
from service import Service
from support import ENDLESS

HOSTILE = "</script><img src=x onerror=alert(1)> größe \"ピンク\" & <b>"


@unittest.skipIf(browser.PROGRAM is None, "Chromium is not installed")
class ServePageTest(support.Case):
    n_train, n_validation, n_test = 120, 40, 40

    def setUp(self):
        super().setUp()
        self.service = Service(self, "--roots", self.folder)
        self.page = browser.Browser()
        self.addCleanup(self.page.__exit__)
        self.address = f"http://127.0.0.1:{self.service.port}/"

    def open(self, width=1200, dark=False):
        self.page.call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        self.page.call("Emulation.setEmulatedMedia", media="",
                       features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.page.call("Page.navigate", url=self.address, until="Page.loadEventFired")

    def wait(self, expression, what):
        support.wait_for(lambda: time.sleep(0.1) or self.page.value(expression), what=f"{what}: {expression}")

    def test_submit_watch_stop_resume_report(self):
        page = self.page
        self.open()
        config = self.config(run__iterations=ENDLESS, run__name="job", run__time_limit_s=120).read_text()
        page.value(f"""(() => {{
            const fields = document.getElementById("submit").elements;
            document.querySelector("input[value=config]").click();
            fields.config.value = {json.dumps(config)};
            fields.name.value = {json.dumps(HOSTILE)};
            document.querySelector("#submit > button").click();
        }})()""")
        self.wait("document.getElementById('job-state').textContent.startsWith('running')", "a running job")
        shown = "(Chart.getChart(document.querySelector('#charts canvas'))?.data.datasets[0].data.length || 0)"
        self.wait(f"{shown} > 1", "a curve")
        before = page.value(shown)
        self.wait(f"{shown} > {before}", "a curve that grows")
        self.assertIn(HOSTILE, page.value("document.getElementById('job-title').textContent"))
        self.assertEqual(page.value("document.querySelectorAll('img').length"), 0)
        page.value("document.getElementById('stop').click()")
        self.wait("document.getElementById('job-state').textContent.startsWith('stopped')", "a stopped job")
        reached = int(support.checkpoints(self.service.run_of(1))[-1].stem.split("-")[1])
        page.value(f"""(() => {{
            const form = document.getElementById("resume");
            form.elements.iterations.value = {reached + 10};
            form.querySelector("button").click();
        }})()""")
        self.wait("document.getElementById('job-state').textContent.startsWith('finished')", "a finished job")
        self.wait("document.querySelector('#jobs progress').value === 1", "a full bar")
        page.value("document.getElementById('report').click()")
        self.wait("[...document.querySelectorAll('#files a')].some((link) => link.textContent === 'Report')", "a report")
        self.assertEqual(page.complaints, [])
        self.assertTrue(all(url.startswith(self.address) or url.startswith("data:") for url in page.requests), page.requests)
        for width in (400, 1200, 2400):
            page.call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
            self.wait(f"document.documentElement.scrollWidth <= {width}", "a page that fits")

    def test_clean_and_its_report(self):
        rows = "size,species\n" + "".join(f"{i % 3 * 10 + i % 7}.5,{'abc'[i % 3 if i % 11 else 0]}\n" for i in range(150))
        self.service.call("PUT", "/api/files/rows.csv", rows)
        self.open(dark=True)
        self.page.value("""(() => {
            document.getElementById("submit").elements.doubtful.value = "rows.csv";
            document.querySelector("#submit > button").click();
        })()""")
        self.wait("[...document.querySelectorAll('#files a')].some((link) => link.textContent === 'Report')", "a report")
        self.assertEqual(self.page.complaints, [])
        self.page.call("Page.navigate", url=f"{self.address}api/jobs/1/files/report.html", until="Page.loadEventFired")
        self.wait("document.querySelectorAll('canvas').length > 1", "the report's charts")
        self.assertEqual(self.page.complaints, [])

    def test_token(self):
        token = self.folder / "token"
        token.write_text("0123456789abcdef\n", encoding="ascii")
        token.chmod(0o600)
        self.service.end()
        self.service.more += ["--token-file", token]
        self.service.begin()
        self.addCleanup(self.service.process.wait)
        self.addCleanup(self.service.process.terminate)
        self.address = f"http://127.0.0.1:{self.service.port}/"
        self.open()
        self.wait("!document.getElementById('token').hidden", "a question for the token")
        self.page.value("""(() => {
            document.querySelector("#token input").value = "0123456789abcdef";
            document.querySelector("#token button").click();
        })()""")
        self.wait("!document.getElementById('none').hidden", "no jobs")


if __name__ == "__main__":
    support.main()
