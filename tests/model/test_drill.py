"""The report that scripts read."""

from firmquote.model.drill import DrillReport, at_least, at_most


def test_a_drill_passes_only_with_checks_that_all_pass() -> None:
    good, bad = at_most("gap", 5.0, 5.0, "ms"), at_least("caught", 0.5, 1.0, "share")
    assert DrillReport(drill="d", checks=(good,)).passed
    assert not DrillReport(drill="d", checks=(good, bad)).passed
    assert not DrillReport(drill="d", checks=()).passed


def test_the_document_has_the_names_of_the_contract() -> None:
    report = DrillReport(drill="quality", checks=(at_most("gap", 7.0, 5.0, "ms"),))
    assert report.to_document() == {
        "drill": "quality",
        "checks": [{"name": "gap", "value": 7.0, "unit": "ms", "limit": 5.0, "pass": False}],
        "pass": False,
    }
