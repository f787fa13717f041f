"""Outside text stays text in every output."""

import csv as stdlib_csv
import io
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

import jinja2
import markdown_it
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.safe import csv, github, html, markdown, terminal, xml
from scanner.safe.text import plain, storable

HOSTILE = st.text(
    st.characters()
    | st.sampled_from("\x1b\x9b\x9d\x07\0\n\r\t\u202e\u2066\u200f\ufeff\u2028\ud800=+-@|`*_<>[]()!&\"'%:,#\\~{}$")
)
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def controls(text: str, allowed: str = "") -> set[str]:
    return {
        char
        for char in text
        if (unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in BIDI) and char not in allowed
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred\x9d0;title\x9ctext", "redtext"),
        ("\x1bPq#0\x1b\\x\x1b(By\x1bcz", "xyz"),
        ("a\x1b]0;never closed", "a0;never closed"),
        ("a\r\nb\rc\u2028d\x85e\tf", "a b c d e f"),
        ("user\u202egnp.exe\u2066x\ufeff", "usergnp.exex"),
        ("a\x00b\x08c\x7f\ud800", "abc\ufffd"),
        ("naïve 😀 日本", "naïve 😀 日本"),
    ],
)
def test_a_terminal_sees_text_only(text: str, expected: str) -> None:
    assert terminal.clean(text) == expected


def test_a_terminal_may_be_given_lines() -> None:
    assert terminal.clean("a\r\n\tb\x1b[2J", multiline=True) == "a\n\tb"


@given(HOSTILE)
def test_no_control_survives_any_writer(text: str) -> None:
    assert controls(terminal.clean(text)) == set()
    assert controls(terminal.clean(text, multiline=True), "\n\t") == set()
    assert controls(str(csv.cell(text))) == set()
    assert controls(markdown.inline(text)) == set()
    assert controls(markdown.cell(text)) == set()
    assert controls(xml.clean(text), "\n\t") == set()
    assert controls(github.data(text), "\t") == set()
    assert controls(github.prop(text), "\t") == set()
    assert controls(html.safe_url(text)) == set()


@given(HOSTILE)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert storable(storable(text)) == storable(text)
    assert csv.cell(csv.cell(text)) == csv.cell(text)


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\uff1d", " =", "\n@"])
def test_a_spreadsheet_calculates_nothing(first: str) -> None:
    assert str(csv.cell(f'{first}HYPERLINK("https://evil.example")')).startswith("'")


def test_numbers_and_absence_are_cells_as_they_are() -> None:
    values = [csv.cell(value) for value in (-5, 1.5, None, True, "", "'quoted", "a=b")]

    assert values == [-5, 1.5, "", "true", "", "'quoted", "a=b"]


@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_rows_keep_their_number_of_cells(texts: list[str]) -> None:
    stream = io.StringIO()
    stdlib_csv.writer(stream).writerow([csv.cell(text) for text in texts] + ["end"])
    rows = list(stdlib_csv.reader(io.StringIO(stream.getvalue())))

    assert rows == [[str(csv.cell(text)) for text in texts] + ["end"]]


class Elements(HTMLParser):
    """All tags with their attributes, comments and declarations."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[object] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.found.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.found.append("instruction")

    def handle_data(self, data: str) -> None:
        self.text += data


def elements(page: str) -> Elements:
    parser = Elements()
    parser.feed(page)
    parser.close()
    return parser


PAGE = '<p title="{{ x }}"><a href="{{ x|safe_url }}">{{ x }}</a></p>'


def render(source: str, **values: object) -> str:
    return html.environment(jinja2.DictLoader({"report.html.j2": source})).get_template("report.html.j2").render(values)


@settings(deadline=None)
@given(
    HOSTILE
    | st.sampled_from(['"><script>alert(1)</script>', "'><img src=x onerror=y>", "<!-- x", "]]><b>", "&#60;b&#62;"])
)
def test_no_value_adds_an_element_or_an_attribute(text: str) -> None:
    page = elements(render(PAGE, x=text))

    assert page.found == [("p", ["title"]), ("a", ["href"]), "/a", "/p"]
    assert page.text == plain(text, multiline=True)


def test_escaping_does_not_depend_on_the_templates_name() -> None:
    env = html.environment(jinja2.DictLoader({"a.j2": "{{ x }}", "b.html": "{{ x }}", "c": "{{ x }}"}))

    assert {env.get_template(name).render(x="<b>") for name in ("a.j2", "b.html", "c")} == {"&lt;b&gt;"}
    assert env.from_string("{{ x }}").render(x="<b>\u202e\x00") == "&lt;b&gt;"


def test_an_undefined_name_is_an_error_and_pythons_insides_are_out_of_reach() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("{{ missing }}")
    with pytest.raises(jinja2.exceptions.SecurityError):
        render("{{ ''.__class__.__mro__ }}")
    with pytest.raises(jinja2.exceptions.SecurityError):
        render("{{ x.append(1) }}", x=[])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x?y#z", "https://a.example/x?y#z"),
        ("HTTP://a.example", "HTTP://a.example"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("#finding-1", "#finding-1"),
        ("pages/a.html", "pages/a.html"),
        ("javascript:alert(1)", ""),
        (" java\nscript:alert(1)", ""),
        ("java\tscript:alert(1)", ""),
        ("\x01javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("vbscript:x", ""),
        ("//evil.example", ""),
        ("\\\\evil.example", ""),
    ],
)
def test_links_have_a_listed_scheme_or_none(url: str, expected: str) -> None:
    assert html.safe_url(url) == expected


GFM = markdown_it.MarkdownIt("gfm-like", {"linkify": False, "html": True}).enable("table")


@settings(max_examples=300, deadline=None)
@given(
    HOSTILE
    | st.text(alphabet="`*_<>[]()!|\\#+-=1. &;:/@ab\n~$", max_size=30)
    | st.sampled_from(
        [
            "<img src=x>",
            "[a](javascript:x)",
            "![a](b)",
            "# h",
            "1. x",
            "- x",
            "***",
            "`a`",
            "a|b",
            "<!-- x -->",
            "> q",
            "&lt;b&gt;",
            "===",
        ]
    )
)
def test_markdown_renders_the_text_and_nothing_else(text: str) -> None:
    line = elements(GFM.render("x " + markdown.inline(text)))
    alone = elements(GFM.render(markdown.inline(text)))
    table = elements(GFM.render(f"| a | b |\n|---|---|\n| {markdown.cell(text)} | end |\n"))

    assert line.found == [("p", []), "/p"]
    assert alone.found in ([("p", []), "/p"], [])
    assert [tag for tag in table.found if tag == ("td", [])] == [("td", [])] * 2
    assert table.text.replace("\u200b", "").split() == f"a b {plain(text)} end".replace("\u200b", "").split()


@pytest.mark.parametrize(
    "text", ["@octocat", "ask @acme/admins", "#12", "acme/app#12", "GH-12", "https://evil.example", "www.evil.example"]
)
def test_markdown_mentions_links_and_references_are_broken(text: str) -> None:
    found = markdown.inline(text)

    assert found.replace("\u200b", "").replace("\\", "") == text
    assert not any(live in found for live in ("@o", "@a", "#1", "GH-1", "://", "www."))


@given(HOSTILE)
def test_xml_holds_what_is_left(text: str) -> None:
    case = ElementTree.Element("testcase", name=xml.clean(text, multiline=False))
    case.text = xml.clean(text)
    read = ElementTree.fromstring(ElementTree.tostring(case, encoding="utf-8"))  # noqa: S314

    assert (read.attrib["name"], read.text or "") == (xml.clean(text, multiline=False), xml.clean(text))


def test_xml_has_no_noncharacters() -> None:
    assert xml.clean("a\ufffe\uffff\x0b\x1b[1mb") == "a\nb"


@given(HOSTILE)
def test_a_workflow_command_is_one_line_that_decodes_to_the_text(text: str) -> None:
    message, prop = github.data(text), github.prop(text)

    assert not set("\r\n") & set(message + prop)
    assert not set(":,") & set(prop)
    decoded = prop.replace("%3A", ":").replace("%2C", ",").replace("%0A", "\n").replace("%25", "%")
    assert decoded == plain(text, multiline=True)


def test_a_resource_name_cannot_start_a_command() -> None:
    assert github.data("x\n::add-mask::y%0A") == "x%0A::add-mask::y%250A"
    assert github.prop("a,b:c") == "a%2Cb%3Ac"
