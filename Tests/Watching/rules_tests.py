"""The alert rules and the dashboard."""

import json
import os
import re

from page_tests import documented
from stage import test

NAME = re.compile(r"\b((?:stoa|process)_[a-z_]+)\b")


def known(stage):
    """Every name that a query may use."""
    table = documented(stage)
    parts = {f"{name}_{part}" for name, (kind, _) in table.items() if kind == "histogram" for part in ("bucket", "sum", "count")}
    return set(table) | parts


@test
def rules(stage):
    """promtool accepts the rules, and made-up series set them off."""
    observe = os.path.join(stage.home, "deploy/observe")
    stage.run("promtool", "check", "rules", os.path.join(observe, "alerts.yml"))
    stage.run("promtool", "check", "config", "--syntax-only", os.path.join(observe, "prometheus.yml"))
    stage.run("promtool", "test", "rules", os.path.join(stage.home, "Tests/Watching/alerts_test.yml"))
    # Each of them is tried.
    tried = set(re.findall(r"alertname: (\w+)", stage.read("Tests/Watching/alerts_test.yml")))
    alerts = set(re.findall(r"- alert: (\w+)", stage.read("deploy/observe/alerts.yml")))
    assert tried == alerts, f"not tried: {alerts - tried}; unknown: {tried - alerts}"


@test
def names(stage):
    """Alerts and dashboard ask only for what is on the page, and alerts name pages that the runbook has."""
    for path in ("deploy/observe/alerts.yml", "deploy/observe/dashboard.json"):
        unknown = set(NAME.findall(stage.read(path))) - known(stage)
        assert not unknown, f"{path} asks for {unknown}"
    alerts = stage.read("deploy/observe/alerts.yml")
    blocks = alerts.split("- alert: ")[1:]
    for block in blocks:
        assert "symptom:" in block and "runbook: \"RUNBOOK.md#" in block and "severity:" in block, block
    if os.path.exists(os.path.join(stage.home, "RUNBOOK.md")):
        text = stage.read("RUNBOOK.md")
        heads = {re.sub(r"[^a-z0-9 -]", "", head.strip().lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", text, re.M)}
        anchors = heads | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
        missing = set(re.findall(r"RUNBOOK\.md#([\w-]+)", alerts)) - anchors
        assert not missing, f"RUNBOOK.md has no page {missing}"


@test
def dashboard(stage):
    """The dashboard is whole: each panel has a title, a unit and a query, and none lies on another."""
    board = json.loads(stage.read("deploy/observe/dashboard.json"))
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, f"{panel['title']} lies on another panel"
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["title"] and panel["targets"] and panel["fieldConfig"]["defaults"].get("unit"), panel["title"]
        assert all(target["expr"] for target in panel["targets"])
