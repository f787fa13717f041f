"""JUnit XML: a suite a rule, a case a resource; unknown is an error, waived is skipped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from scanner.results.model import Cause, Finding, Result


def render(result: Result, *, include_passed: bool = False, **_: object) -> str:
    """As the common XSD of JUnit has it: suites with properties, cases, failure, error and skipped."""
    by_rule: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in (*result.shown, *result.passed) if include_passed else result.shown:
        by_rule[finding.rule].append(finding)
    shown = [finding for findings in by_rule.values() for finding in findings]
    root = ElementTree.Element("testsuites", _attributes(name="tierwall", **_count(shown)))
    for number, (rule, findings) in enumerate(sorted(by_rule.items())):
        root.append(_suite(result, number, rule, findings))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(result: Result, number: int, rule: str, findings: Sequence[Finding]) -> ElementTree.Element:
    when = f"{datetime.fromtimestamp(result.as_of, UTC):%Y-%m-%dT%H:%M:%S}"
    suite = ElementTree.Element(
        "testsuite",
        _attributes(name=rule, id=number, package="tierwall", timestamp=when, hostname="tierwall", **_count(findings)),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("severity", findings[0].severity),
        ("title", findings[0].title),
        ("snapshot", result.snapshot.digest),
    ):
        ElementTree.SubElement(properties, "property", _attributes(name=name, value=value))
    suite.extend(_case(finding) for finding in findings)
    return suite


def _case(finding: Finding) -> ElementTree.Element:
    from scanner.safe.xml import clean

    subject = finding.resource
    name = f"{subject.shown} {finding.discriminator}".rstrip()
    case = ElementTree.Element("testcase", _attributes(name=name, classname=finding.rule, time="0"))
    if finding.waived and finding.waiver:
        said = f"waived until {finding.waiver.expires} by {finding.waiver.approver}: {finding.waiver.reason}"
        ElementTree.SubElement(case, "skipped", _attributes(message=said))
    elif finding.status == "not_applicable":
        ElementTree.SubElement(case, "skipped", _attributes(message="not applicable"))
    elif finding.status == "unknown":
        said = "; ".join(map(_said, finding.because)) or finding.message or "could not be told"
        error = ElementTree.SubElement(case, "error", _attributes(message=said, type="unknown"))
        error.text = clean(f"{finding.title}\n{finding.message}\nfinding {finding.id}\n")
    elif finding.status == "fail" and finding.baseline == "unchanged":
        ElementTree.SubElement(case, "skipped", _attributes(message=f"was there before: {finding.message}"))
    elif finding.status == "fail":
        failure = ElementTree.SubElement(case, "failure", _attributes(message=finding.message, type=finding.severity))
        where = subject.environment or "no environment"
        if subject.file:
            where += f"\nfile: {subject.file}" + (f":{subject.line}" if subject.line else "")
        failure.text = clean(
            f"{finding.title}\nenvironment: {where}\nwhy: {finding.why}\nfix: {finding.fix}\nfinding {finding.id}\n"
        )
    return case


def _said(cause: Cause) -> str:
    if cause.call:
        return f"{cause.reason}: {cause.call.name} {cause.call.code}".rstrip()
    return f"{cause.reason}: {cause.detail or cause.table}".rstrip(": ")


def _attributes(**values: object) -> dict[str, str]:
    """Attributes without any character that XML 1.0 forbids."""
    from scanner.safe.xml import clean

    return {name: clean(str(value), multiline=False) for name, value in values.items()}


def _count(findings: Sequence[Finding]) -> dict[str, object]:
    failures = sum(1 for f in findings if f.status == "fail" and not f.waived and f.baseline != "unchanged")
    errors = sum(1 for f in findings if f.status == "unknown")
    known = sum(1 for f in findings if f.status == "fail" and not f.waived and f.baseline == "unchanged")
    skipped = known + sum(1 for f in findings if f.waived or f.status == "not_applicable")
    return {"tests": len(findings), "failures": failures, "errors": errors, "skipped": skipped, "time": "0"}
