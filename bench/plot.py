#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws what bench.py measured: one page, index.html, that needs nothing else, and its pictures as SVG and PNG.

usage: bench/plot.py DIR      where results.json or curves.json are, or both
"""

import html
import io
import json
import os
import sys

try:
    import matplotlib
except ImportError:
    sys.exit("bench/plot.py: python3-matplotlib is not installed: no plots")
matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.hashsalt": "weakrt", "font.size": 9, "axes.spines.top": False,
                            "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402 (the backend comes first)

OURS = {"weakrt-inline": "#c0392b", "weakrt-calls": "#e59866"}
PEERS = ["#2e4053", "#2980b9", "#27ae60", "#8e44ad", "#7f8c8d", "#b7950b", "#16a085", "#d35400", "#5d6d7e"]


def colours(programs):
    peers = iter(PEERS * 3)
    return {name: OURS.get(name) or next(peers) for name in programs}


def ratios(results):
    """A bar for each row that has a ratio: weakrt's time in parts of the best peer's; a tick is the goal."""
    rows = [(row["title"], row["programs"]["weakrt-inline"]) for row in results["rows"]
            if row["programs"].get("weakrt-inline", {}).get("ratio")]
    if not rows:
        return None
    figure, axes = plt.subplots(figsize=(9, 0.7 + 0.21 * len(rows)))
    for y, (_, cell) in enumerate(rows):
        axes.barh(y, cell["ratio"] - 1, left=1, height=0.7, color="#27ae60" if cell["ratio"] <= 1 else "#c0392b")
        if cell["goal"] is not None:
            axes.plot([cell["goal"]] * 2, [y - 0.45, y + 0.45], color="black", linewidth=1.5)
    axes.axvline(1, color="#7f8c8d", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)))
    axes.set_yticklabels([title for title, _ in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    ticks = [0.01, 0.03, 0.1, 0.3, 1, 3]
    axes.set_xticks(ticks)
    axes.set_xticklabels(["%g" % tick for tick in ticks])
    axes.set_xlabel("time of weakrt / time of the best peer, or of what the row says; black: the goal")
    return figure


def growth(curve, colour):
    figure, axes = plt.subplots(figsize=(6.2, 3.4))
    for name, line in curve["programs"].items():
        xs, ns, low, high = zip(*line)
        ys = [ns, low, high]
        if curve["axis"] == "threads":  # of all threads, a microsecond
            ys = [[1000 * x / y for x, y in zip(xs, values)] for values in ys]
        ours = name in OURS
        axes.plot(xs, ys[0], "o-" if ours else "s-", color=colour[name], label=name, markersize=3,
                  linewidth=2 if ours else 1, zorder=3 if ours else 2)
        axes.fill_between(xs, ys[1], ys[2], color=colour[name], alpha=0.12, linewidth=0)
    if curve["axis"] == "threads":
        axes.set_xticks(xs)
        axes.set_xlabel("threads")
        axes.set_ylabel("operations of all threads in a µs")
    else:
        axes.set_xscale("log")
        axes.set_xlabel("how many")
        axes.set_ylabel("ns")
    axes.set_yscale("log")
    axes.set_title(curve["title"], fontsize=9)
    axes.legend(fontsize=6, ncol=2, frameon=False)
    return figure


def save(figure, folder, name):
    """Write the picture as SVG and PNG. Returns the SVG element."""
    figure.tight_layout()
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    figure.savefig(os.path.join(folder, name + ".png"), dpi=130)
    plt.close(figure)
    with open(os.path.join(folder, name + ".svg"), "w", encoding="utf-8") as file:
        file.write(text.getvalue())
    return text.getvalue()[text.getvalue().index("<svg"):]


def table(results):
    lines = ["<table><tr><th>work<th>unit<th>" + "<th>".join(map(html.escape, results["programs"])) +
             "<th>ratio<th>goal<th></tr>"]
    for row in results["rows"]:
        ours = row["programs"].get("weakrt-inline", {})
        cells = ["%.3g" % row["programs"][name]["median"] if name in row["programs"] else ""
                 for name in results["programs"]]
        met = {True: "met", False: "<b>missed</b>", None: ""}[ours.get("met")]
        lines.append("<tr><td>%s<td>%s<td>%s<td>%s<td>%s<td>%s</tr>" % (
            html.escape(row["title"]), row["unit"], "<td>".join(cells),
            "%.2f" % ours["ratio"] if ours.get("ratio") else "", ours.get("goal") or "", met))
    return "\n".join(lines + ["</table>"])


def read(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


STYLE = """body { font: 14px/1.45 sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; font-size: 12px } td, th { padding: .15em .5em; border-bottom: 1px solid #ddd;
text-align: right } td:first-child, th:first-child { text-align: left } svg { max-width: 100%; height: auto }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(26em, 1fr)) }"""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    results, curves = read(folder, "results.json"), read(folder, "curves.json")
    if not results and not curves:
        sys.exit("bench/plot.py: %s has neither results.json nor curves.json" % folder)
    any_of = results or curves
    page = ["<!DOCTYPE html><html lang=en><meta charset=utf-8><title>weakrt: benchmarks</title><style>" + STYLE +
            "</style><h1>weakrt and its peers</h1><p>%s, %d processors; %s; %s; %d rounds of %d ms, in turns.</p><ul>" %
            (html.escape(any_of["machine"]["processor"]), any_of["machine"]["processors"],
             html.escape(any_of["machine"]["system"]), any_of["machine"]["time"], any_of["rounds"], any_of["ms"])]
    page += ["<li>%s: %s" % (name, html.escape(title)) for name, title in any_of["programs"].items()] + ["</ul>"]
    if results:
        figure = ratios(results)
        if figure:
            page += ["<h2>Beside the best peer</h2>", save(figure, folder, "ratios")]
        page += ["<h2>Medians</h2>", table(results)]
    if curves:
        colour = colours(curves["programs"])
        page.append("<h2>Growth</h2><div class=curves>")
        page += [save(growth(curve, colour), folder, curve["name"]) for curve in curves["curves"] if curve["programs"]]
        page.append("</div>")
    with open(os.path.join(folder, "index.html"), "w", encoding="utf-8") as file:
        file.write("\n".join(page) + "\n</html>\n")
    print("plots are in %s/index.html" % folder)


main()
