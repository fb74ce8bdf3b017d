# SPDX-License-Identifier: MIT
"""meha report: one page for a run, or for several; nothing in the data becomes HTML, and a browser draws it without a
complaint or a request."""
import base64
import csv
import html.parser
import json
import re
import shutil
import unittest

import h5py
import numpy as np

import browser
import support

CHECKPOINT = 5
HOSTILE = ["</script><img src=x onerror=alert(1)>", "größe \"ピンク\" & <b>", "${7*7}' onload='"]
QUICK = ("--set", "run.iterations=4", "--set", "run.report_every=2", "--set", "problem.model=linear")
shared = None  # made once
VOID = {"meta", "link", "br", "img", "input"}


class Page(html.parser.HTMLParser):
    """Elements, the texts outside of scripts, and the data block. Elements that are not closed in order are faults."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.open, self.faults, self.text, self.data = [], [], [], "", ""
        self.bytes = path.read_bytes()
        self.feed(self.bytes.decode("utf-8"))
        self.close()
        self.data = json.loads(self.data)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        kind = self.elements[-1][1].get("type") if self.open and self.open[-1] == "script" else None
        if kind == "application/json":
            self.data += data
        elif not self.open or self.open[-1] not in ("script", "style"):
            self.text += data


class ReportCase(support.Case):
    n_train, n_validation, n_test = 200, 60, 40

    def page(self, path):
        """A page of the form that all have."""
        page = Page(path)
        self.assertLess(len(page.bytes), 3 << 20)
        self.assertEqual((page.faults, page.open), ([], []))
        self.assertEqual([tag for tag, _ in page.elements].count("script"), 3)
        for tag, attributes in page.elements:
            self.assertNotIn(tag, ("img", "iframe", "object", "embed"))
            self.assertFalse([name for name in attributes if name.startswith("on") or name == "style"], attributes)
            for name in ("src", "href"):
                self.assertIn(attributes.get(name, "data:,"), ("data:,",))
        return page

    def clean_table(self, names=HOSTILE, n=240):
        """A table with hostile names in its header, cells and labels, cleaned. @return the directory"""
        draw = np.random.default_rng(1)
        for name, rows, wrong in (("doubtful", n, 0.2), ("trusted", 60, 0)):
            with open(self.folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
                write = csv.writer(file).writerow
                write(["size", "<i>weight</i>", "notes", "label"])
                for i in range(rows):
                    k = i % 3
                    given = (k + 1) % 3 if draw.random() < wrong else k
                    size, weight = draw.normal(4 * k, 1), draw.normal(-4 * k, 1)
                    write([f"{size:.3f}", f"{weight:.3f}", f"row {i}: {draw.choice(['old', 'new'])} {HOSTILE[0]} mill", names[given]])
        out = self.folder / "cleaned"
        self.ended = self.ran("clean", self.folder / "doubtful.csv", "--trusted", self.folder / "trusted.csv", "--out", out,
                             "--column", "notes=ignore", *QUICK)
        return out

    def run_on_images(self, name="images", **settings):
        for part, rows in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            images = np.zeros((len(rows), 6, 7))
            images.reshape(len(rows), -1)[:, :35] = rows.features
            support.write_idx(self.folder / f"{part}-features.idx.gz", images)
        return self.run_ok(name, problem__start="trusted", problem__noise__kind="uniform", problem__noise__rate=0.2,
                           problem__model="linear", problem__data__class_names=["a", "b", "c", "d"], **settings)

    def toy(self, name="toy"):
        config = self.folder / f"{name}.toml"
        config.write_text('[run]\niterations = 60\nreport_every = 10\n[problem]\ntype = "strongly_convex"\n')
        self.ran("run", config, "--out", self.folder / name)
        return self.folder / name


class Shared(ReportCase):
    """Runs that tests only look at, or copy."""

    def setUp(self):
        super().setUp()
        self.table, self.images, self.toy_run = self.clean_table(), self.run_on_images(), self.toy()


def setUpModule():
    global shared
    shared = Shared()
    shared.setUp()


def tearDownModule():
    shared.doCleanups()


class ReportTest(ReportCase):
    def copy(self, run):
        return shutil.copytree(run, self.folder / run.name, symlinks=True)

    def test_clean_writes_a_report_of_hostile_names(self):
        out = shared.table
        self.assertIn(f"report:   {out}/report.html", shared.ended.out)
        page = self.page(out / "report.html")
        run = page.data["runs"][0]
        self.assertEqual(run["classes"]["names"], sorted(HOSTILE))
        self.assertEqual(run["gallery"]["columns"], ["size", "<i>weight</i>", "notes"])
        said = re.search(r"(\d+) of (\d+) labels look wrong; .*", shared.ended.out)
        self.assertIn(said[0], page.text)
        self.assertEqual(sum(map(sum, run["classes"]["counts"])), int(said[2]))
        self.assertEqual(sum(run["histogram"]["rows"]), int(said[2]))
        self.assertEqual(run["gallery"]["suspects"], int(said[1]))
        with open(shared.folder / "doubtful.csv", newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
        rows = run["gallery"]["rows"]
        self.assertEqual(len(rows), 60)
        self.assertEqual([row["p"] for row in rows], sorted(row["p"] for row in rows))
        for row in rows:
            self.assertEqual([*row["cells"], row["given"]], lines[row["line"] - 1])
        before = page.bytes
        self.ran("report", out, ranks=2)
        again = self.page(out / "report.html")
        self.assertEqual(again.data, page.data)
        self.assertEqual(again.bytes, before)

    def test_images(self):
        out = self.copy(shared.images)
        self.assertFalse((out / "report.html").exists())
        self.ran("report", out)
        run = self.page(out / "report.html").data["runs"][0]
        for row in run["gallery"]["rows"]:
            image = row["image"]
            self.assertEqual((image["width"], image["height"], image["channels"]), (7, 6, 1))
            self.assertIn(row["truth"], "abcd")
            self.assertEqual(list(base64.b64decode(image["pixels"]))[:35], list(shared.train.features[row["row"]]))
        self.assertEqual(sum(run["histogram"]["wrong"]), 40)
        self.assertTrue(run["curves"]["groups"])

    def test_other_rows(self):
        rows = support.make_rows(150, n_classes=3, n_features=20, wrong=0.1, seed=1)
        trusted = support.make_rows(60, n_classes=3, n_features=20, seed=2)
        for name, shape, expected in (("numbers", (20,), "cells"), ("large", (80, 100), "image"), ("colour", (3, 5, 4), "image")):
            for part, some in (("noisy", rows), ("trusted", trusted)):
                with h5py.File(self.folder / f"{name}-{part}.h5", "w") as file:
                    file["features"] = np.resize(some.features.repeat(np.prod(shape) // 20, 1), (len(some), *shape))
                    file["labels"] = some.labels
            out = self.folder / name
            self.ran("clean", self.folder / f"{name}-noisy.h5", "--trusted", self.folder / f"{name}-trusted.h5", "--out", out, *QUICK)
            gallery = self.page(out / "report.html").data["runs"][0]["gallery"]
            self.assertTrue(all(expected in row for row in gallery["rows"]), name)
            if name == "large":
                self.assertEqual({(row["image"]["width"], row["image"]["height"]) for row in gallery["rows"]}, {(64, 51)})
        self.assertEqual((len(gallery["rows"][0]["image"]["pixels"]), gallery["rows"][0]["image"]["channels"]), (80, 3))

    def test_toys_and_several_runs(self):
        toy = self.copy(shared.toy_run)
        other = self.folder / "other"
        config = self.folder / "other.toml"
        config.write_text('[run]\niterations = 40\nreport_every = 10\n[problem]\ntype = "strongly_convex"\n[algorithm]\nname = "bome"\n')
        self.ran("run", config, "--out", other)
        self.ran("report", toy)
        run = self.page(toy / "report.html").data["runs"][0]
        self.assertNotIn("gallery", run)
        self.assertNotIn("classes", run)
        names = [s["name"] for group in run["curves"]["groups"] for s in group["series"]]
        self.assertIn("upper_value", names)
        out = self.folder / "both.html"
        self.ran("report", toy, other, "--out", out)
        page = self.page(out)
        self.assertEqual([run["name"] for run in page.data["runs"]], ["toy", "other"])
        self.assertIn("algorithm.name", [d["option"] for d in page.data["differences"]])

    def test_unfinished(self):
        out = self.copy(shared.images)
        (out / "result.h5").unlink()
        self.ran("report", out)
        page = self.page(out / "report.html")
        self.assertIn("the run is unfinished", page.text)
        self.assertTrue(page.data["runs"][0]["gallery"]["rows"])
        for path in support.checkpoints(out):
            path.unlink()
        self.ran("report", out)
        page = self.page(out / "report.html")
        self.assertIn("neither a result nor a valid checkpoint", page.text)
        self.assertNotIn("gallery", page.data["runs"][0])
        self.assertTrue(page.data["runs"][0]["curves"]["groups"])

    def test_changed_data_are_not_shown(self):
        out = self.copy(shared.table)
        changed = self.folder / "changed.csv"
        changed.write_text((shared.folder / "doubtful.csv").read_text(encoding="utf-8").replace("\n0.", "\n1.", 1), encoding="utf-8")
        config = out / "config.toml"
        config.write_text(config.read_text().replace(str(shared.folder / "doubtful.csv"), str(changed)))
        self.ran("report", out, ranks=2)
        page = self.page(out / "report.html")
        self.assertIn("the rows are not shown: data_fingerprint", page.text)
        self.assertIn("the data files changed since", page.text)
        self.assertNotIn("gallery", page.data["runs"][0])
        self.assertEqual(len(page.data["runs"][0]["classes"]["transition"]), 3)

    def test_a_persons_file_stays(self):
        out = self.copy(shared.toy_run)
        path = out / "report.html"
        for content in ("my own\n", None):
            if content is None:
                path.unlink()
                self.ran("report", out)
                content = path.read_text(encoding="utf-8").replace("Report by meha", "My report")
            path.write_text(content, encoding="utf-8")
            ended = support.run("report", out)
            self.assertEqual(ended.code, CHECKPOINT, ended)
            self.assertIn(str(path), ended.err)
            self.assertEqual(path.read_text(encoding="utf-8"), content)
        clean = self.folder / "cleaned"
        clean.mkdir()
        (clean / "report.html").write_text("my own\n")
        with self.assertRaisesRegex(AssertionError, "report.html: is no report"):
            self.clean_table()
        self.assertEqual([p.name for p in clean.iterdir()], ["report.html"])

    def test_what_is_no_run_is_refused(self):
        self.assertEqual(support.run("report", self.folder / "none").code, 2)
        self.assertEqual(support.run("report").code, 2)


@unittest.skipIf(browser.PROGRAM is None, "Chromium is not installed")
class BrowserTest(ReportCase):
    def test_pages_are_drawn(self):
        table = shared.table / "report.html"
        images, toy, both = (self.folder / f"{name}.html" for name in ("images", "toy", "both"))
        self.ran("report", shared.images, "--out", images)
        self.ran("report", shared.toy_run, "--out", toy)
        self.ran("report", shared.images, shared.table, shared.toy_run, "--out", both)
        with browser.Browser() as chromium:
            for path in (table, images, toy, both):
                for width, dark in ((400, False), (1200, True), (2400, False)):
                    with self.subTest(path=path.name, width=width):
                        chromium.show(path, width, dark)
                        self.assertEqual(chromium.complaints, [])
                        self.assertEqual([url for url in chromium.requests if not url.startswith("data:")], [path.as_uri()])
                        self.assertLessEqual(chromium.value("document.documentElement.scrollWidth"), width)
                        self.assertEqual(chromium.value("document.querySelectorAll('img, b b, i').length"), 0)
                        self.assertTrue(chromium.value(ALL_CHARTS_ARE_DRAWN))
            self.walk(chromium, table)
            chromium.pdf(self.folder / "page.pdf")
            self.assertEqual(chromium.complaints, [])

    def walk(self, chromium, path):
        """Charts are reached and read by the keyboard."""
        chromium.show(path)
        self.assertIn("below one half", chromium.value("document.querySelector('#p_correct .chart').getAttribute('aria-label')"))
        chromium.value("document.querySelector('#p_correct .chart').focus()")
        chromium.press("ArrowRight")
        self.assertTrue(chromium.value("Chart.getChart(document.querySelector('#p_correct canvas')).tooltip.opacity > 0"))
        self.assertTrue(chromium.value("[...document.querySelectorAll('.scroll, .chart')].every(e => e.tabIndex === 0)"))
        self.assertEqual(chromium.complaints, [])


ALL_CHARTS_ARE_DRAWN = """[...document.querySelectorAll('.chart canvas')].every((canvas) => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value);
})"""


if __name__ == "__main__":
    support.main()
