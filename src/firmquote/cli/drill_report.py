"""A drill's report: for a terminal, as a page, and as the one JSON object that scripts read."""

import json
from html import escape
from pathlib import Path

import typer

from firmquote.model.drill import DrillCheck, DrillReport


def finish(report: DrillReport, *, as_json: bool, html: Path | None = None) -> None:
    """Print the report, write it as a page where one is wanted, and exit with 1 unless everything passed.

    The JSON has stdout for itself; notes, which are for people, then go to stderr.
    """
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
    if as_json:
        for note in report.notes:
            typer.echo(note, err=True)
        typer.echo(json.dumps(report.to_document()))
    else:
        typer.echo(text(report))
    raise typer.Exit(0 if report.passed else 1)


def text(report: DrillReport) -> str:
    """Return the report for a terminal: every check, the notes, the verdict."""
    width = max((len(check.name) for check in report.checks), default=0)
    lines = [
        f"{'pass' if check.passed else 'FAIL'}  {check.name:{width}}  {_value(check)} {check.unit} "
        f"(limit {check.limit:g}) {check.words}".rstrip()
        for check in report.checks
    ]
    failed = sum(not check.passed for check in report.checks)
    verdict = "passed" if report.passed else "FAILED"
    return "\n".join([*lines, *report.notes, f"drill {report.drill}: {verdict}, {len(lines)} checks, {failed} failed"])


def page(report: DrillReport) -> str:
    """Return the report as one page without scripts."""
    rows = "".join(
        f"<tr class={'ok' if check.passed else 'bad'}><td>{escape(check.name)}<td>"
        f"{_value(check)}<td>{escape(check.unit)}<td>{check.limit:g}"
        f"<td>{'pass' if check.passed else 'fail'}<td>{escape(check.words)}"
        for check in report.checks
    )
    notes = escape("\n".join(report.notes))
    title = f"Firmquote drill {escape(report.drill)}: {'passed' if report.passed else 'failed'}"
    style = "body{font:15px system-ui;margin:2em}td,th{padding:.2em .8em;text-align:left}.bad{background:#fcc}"
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{style}</style>"
    table = f"<table><tr><th>check<th>value<th>unit<th>limit<th>verdict<th>{rows}</table>"
    return f"{head}<h1>{title}</h1><pre>{notes}</pre>{table}\n"


def _value(check: DrillCheck) -> str:
    return "-" if check.value is None else f"{check.value:.4g}"
