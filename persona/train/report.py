"""A training's report in words, from the same data as report.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_MOST_LINES = 50
_MOST_TEXTS = 8


def writer_report(report: Mapping[str, Any]) -> str:
    """Return report.md of a writer."""
    loss, base, recipe = report["loss"], report["base"], report["recipe"]
    counts = report["samples"]["counts"]
    what = "an adapter" if recipe["method"] == "lora" else "a whole model"
    rows = [
        ("loss a token (nats)", loss["before"], loss["after"], ""),
        ("perplexity", _power(loss["before"]), _power(loss["after"]), ""),
        *(
            (name, counts["before"][key], counts["after"][key], report["samples"]["references"][key])
            for key, name in _COUNTS.items()
        ),
    ]
    lines = [
        f"# {what.capitalize()} trained on {base['given']}",
        "",
        _verdict(loss),
        "",
        "| | before | after | the texts themselves |",
        "|---|---|---|---|",
        *(f"| {name} | {_cell(before)} | {_cell(after)} | {_cell(own)} |" for name, before, after, own in rows),
        "",
        f"Loss on {loss['texts']} texts that were not trained on; "
        + ("they had no part in choosing when to stop." if loss["apart"] else _SAME)
        + f" The other lines: {len(report['samples']['texts'])} texts written with the same seeds.",
        "",
        "![loss curve](curve.png)",
        "",
        "## Texts before and after",
        "",
        "Chosen by a digest, not by a reader.",
        "",
        *_texts(report["samples"]["texts"]),
        *_data(report["data"]),
        *_run(report),
        "## Licence",
        "",
        f"The base model: {base['licence']}. The result holds its weights or stands on them, so its licence applies. "
        "Whether your texts may be used for training, and who may have the result, is for you to settle with their "
        "authors: a model can repeat what it was trained on.",
        "",
    ]
    return "\n".join(lines)


def embedding_report(report: Mapping[str, Any]) -> str:
    """Return report.md of an embedding model."""
    recall, base = report["recall"], report["base"]
    before, after = recall["before"], recall["after"]
    kept = "kept" if report["kept"] else "NOT kept: recall on held-out pairs did not improve"
    lines = [
        f"# Embedding model trained on {base['given']}",
        "",
        f"The result is {kept}.",
        "",
        "| recall on held-out pairs | before | after |",
        "|---|---|---|",
        *(f"| @{k} | {_cell(before[f'at_{k}'])} % | {_cell(after[f'at_{k}'])} % |" for k in (1, 10)),
        "",
        f"{recall['queries']} queries against {recall['texts']} texts. At 1, {recall['gained']} queries were won and "
        f"{recall['lost']} lost.",
        "",
        *(["![loss curve](curve.png)", ""] if report["kept"] else []),
        *_data(report["data"]),
        *_run(report),
        "## Licence",
        "",
        f"The base model: {base['licence']}. The result holds its weights, so its licence applies.",
        "",
    ]
    return "\n".join(lines)


def _verdict(loss: Mapping[str, Any]) -> str:
    before, after = loss["before"], loss["after"]
    if before is None or after is None or after >= before:
        return "Training did not help: the loss on texts that were not trained on did not fall."
    return f"The loss on texts that were not trained on fell by {100 * (1 - after / before):.1f} %."


def _texts(texts: Sequence[Mapping[str, str]]) -> list[str]:
    lines = []
    for each in texts[:_MOST_TEXTS]:
        lines += [
            f"**{_line(each['asked'])}**",
            "",
            f"- before: {_line(each['before'])}",
            f"- after: {_line(each['after'])}",
            f"- wanted: {_line(each['reference'])}",
            "",
        ]
    return lines


def _data(data: Mapping[str, Any]) -> list[str]:
    parts = data["split"]
    lines = [
        "## The texts",
        "",
        f"{_line(data['from'])}, read as {data['encoding']}: {data['lines']} lines, {data['kept']} kept "
        f"({', '.join(f'{name} {count}' for name, count in parts.items())}).",
        "",
    ]
    for title, counted, rows in (
        ("left out", data["left_out"], data["lines_left_out"]),
        ("kept, and worth a look", data["notes"], data["lines_noted"]),
    ):
        if counted:
            lines += [f"| {title} | lines |", "|---|---|", *(f"| {why} | {count} |" for why, count in counted.items())]
            lines += ["", *(_told(row) for row in rows[:_MOST_LINES])]
            if len(rows) > _MOST_LINES:
                lines.append(f"- and {len(rows) - _MOST_LINES} more, all in report.json")
            lines.append("")
    return lines


def _run(report: Mapping[str, Any]) -> list[str]:
    cost, recipe = report["cost"], report["recipe"]
    starts = f" in {cost['starts']} starts" if cost["starts"] > 1 else ""
    recipes = recipe if isinstance(recipe, list) else [recipe]
    ends = report["progress"] if isinstance(report["progress"], list) else [report["progress"]]
    return [
        "## The run",
        "",
        *(
            f"- {_recipe(each)}; {end['step']} of {end['steps']} steps, {end['ended']}"
            for each, end in _both(recipes, ends)
        ),
        f"- {report['numbers_trained']:,} numbers trained, on {report['device']}",
        f"- {cost['seconds']:.0f} s, {cost['cpu_seconds']:.0f} processor seconds{starts}",
        f"- {cost['watt_hours']:.2f} Wh ({cost['energy_from']})",
        "",
    ]


def _both(recipes: Sequence[Any], ends: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(recipes, ends, strict=True))


def _recipe(recipe: Mapping[str, Any]) -> str:
    name = f"{recipe['name']}: " if "name" in recipe else ""
    rank = f", rank {recipe['rank']}" if recipe["method"] == "lora" else ""
    return (
        f"{name}{recipe['method']}{rank}, rate {recipe['rate']:g}, {recipe['epochs']:g} epochs, seed {recipe['seed']}, "
        f"{recipe['precision']}"
    )


def _told(row: Mapping[str, Any]) -> str:
    detail = f" ({_line(str(row['detail']))})" if row["detail"] else ""
    return f"- line {row['line']}: {row['reason']}{detail}"


def _line(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split()) or "(nothing)"


def _cell(value: object) -> str:
    return "" if value in ("", None) else f"{value:.2f}" if isinstance(value, float) else str(value)


def _power(loss: float | None) -> float | None:
    return None if loss is None or loss > 50 else math.exp(loss)


_COUNTS = {
    "as_long_as_asked": "as many sentences as asked (%)",
    "distinct_2": "different word pairs (%)",
    "different_texts": "different texts (%)",
    "words": "words a text",
}
_SAME = "the same texts chose when to stop, so the fall is a little flattered."
