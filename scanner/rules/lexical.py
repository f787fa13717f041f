"""The words of a rule's SQL, and what is refused before SQLite sees it.

SQLite is lenient where a rule must not be: a misspelt name in double quotes is a text, a name beside `AND 0` or in
`IN ()` is never looked up, `x IN name` reads a table. Here those are errors, and so is all that no rule needs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

LONGEST = 20_000  # characters of one expression or query

SCALARS = frozenset(
    {
        "abs", "coalesce", "glob", "ifnull", "iif", "instr", "length", "like", "lower", "ltrim", "max", "min", "nullif",
        "replace", "round", "rtrim", "substr", "trim", "upper",
    }
)  # fmt: skip
AGGREGATES = frozenset({"avg", "max", "min", "sum", "total"})

_EXPRESSION_WORDS = frozenset(
    {
        "and", "or", "not", "is", "null", "isnull", "notnull", "in", "like", "glob", "escape", "between", "case",
        "when", "then", "else", "end", "true", "false",
    }
)  # fmt: skip
_QUERY_WORDS = _EXPRESSION_WORDS | {
    "with", "as", "materialized", "select", "distinct", "from", "join", "left", "inner", "cross", "on", "where",
    "group", "by", "having", "union", "all", "except", "intersect", "order", "asc", "desc",
}  # fmt: skip
_OPERATORS = frozenset({"(", ")", ",", ".", "+", "-", "*", "/", "%", "=", "==", "<>", "!=", "<", "<=", ">", ">=", "||"})
COMPARISONS = frozenset({"=", "==", "<>", "!=", "<", "<=", ">", ">=", "is", "like", "glob"})

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<comment>--|/\*)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<parameter>[:@$?][A-Za-z0-9_]*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator><>|!=|<=|>=|==|\|\||.)",
    re.DOTALL,
)


class Refused(ValueError):
    """A text that no rule may hold. Says what and why."""


class Token(NamedTuple):
    kind: str  # string, number, parameter, word, operator
    text: str  # words in lower case
    start: int


class Name(NamedTuple):
    """A column as it is written: `qualifier.column`, or the column alone."""

    qualifier: str
    column: str
    first: int  # index of its first token
    last: int  # and of its last

    def __str__(self) -> str:
        return f"{self.qualifier}.{self.column}" if self.qualifier else self.column


class Text(NamedTuple):
    """A text that was accepted: its tokens and the names in it that are no keywords, functions or table names."""

    tokens: tuple[Token, ...]
    names: tuple[Name, ...]


def expression(text: str) -> Text:
    """One SQL expression without any SELECT. Raises Refused."""
    tokens = _tokens(text)
    _refuse_everywhere(tokens)
    for number, token in enumerate(tokens):
        if token.kind != "word":
            continue
        if token.text in ("select", "exists", "values", "with", "from"):
            raise Refused(f"{token.text.upper()} is refused here: use none, any or all, or write a query")
        if token.text == "in" and _text(tokens, number + 1) != "(":
            raise Refused("IN takes a list in parentheses")
    return Text(tokens, tuple(_names(tokens, _EXPRESSION_WORDS, SCALARS)))


def query(text: str) -> Text:
    """One SELECT. Raises Refused."""
    tokens = _tokens(text)
    if _text(tokens, 0) not in ("select", "with"):
        raise Refused("a query begins with SELECT or WITH")
    _refuse_everywhere(tokens)
    for number, token in enumerate(tokens):
        if token.kind != "word":
            continue
        if token.text in ("exists", "count", "natural", "using", "recursive", "values", "limit", "offset", "over"):
            raise Refused(f"{token.text.upper()} is refused{_INSTEAD.get(token.text, '')}")
        if token.text == "in" and _text(tokens, number + 1) != "(":
            raise Refused("IN takes a list or a SELECT in parentheses")
        if (
            token.text == "not"
            and _text(tokens, number + 1) == "in"
            and _text(tokens, number + 3) in ("select", "with")
        ):
            raise Refused("NOT IN (SELECT …) is refused: it holds for every value where the SELECT finds nothing")
    return Text(tokens, tuple(_names(tokens, _QUERY_WORDS, SCALARS | AGGREGATES)))


_INSTEAD = {
    "exists": ": it takes a row that was not read for one that is not there; use none or any",
    "count": ": it takes a row that was not read for one that is not there; use none or any",
    "natural": ": name the columns in ON",
    "using": ": name the columns in ON",
    "limit": ": which rows are left depends on their order",
    "offset": ": which rows are left depends on their order",
}


def _tokens(text: str) -> tuple[Token, ...]:
    if len(text) > LONGEST:
        raise Refused(f"it is longer than {LONGEST:,} characters")
    found: list[Token] = []
    end = -1  # where the token before ended
    for match in _TOKEN.finditer(text):
        kind, value = match.lastgroup or "", match.group()
        if kind == "space":
            continue
        if kind == "comment":
            raise Refused("comments are refused: write them as YAML comments")
        if kind == "parameter" and value != ":as_of":
            raise Refused(f"{value} is refused: the only bound value is :as_of")
        if kind == "operator" and value not in _OPERATORS:
            hint = ": texts take single quotes, names take none" if value in "\"'`[]" else ""
            raise Refused(f"{value!r} is refused{hint}")
        if found and match.start() == end and {kind, found[-1].kind} <= {"number", "word", "string"}:
            raise Refused(f"{found[-1].text}{value} is neither a number nor a name")  # 1x, x'00', 1_000
        found.append(Token(kind, value.lower() if kind == "word" else value, match.start()))
        end = match.end()
    if not found:
        raise Refused("it is empty")
    _balanced(found)
    return tuple(found)


def _balanced(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")") if token.kind == "operator" else 0
        if depth < 0:
            break
    if depth:
        raise Refused("its parentheses do not match")


def _text(tokens: Sequence[Token], number: int) -> str:
    """A token's text; '' before the first and after the last. Strings are no words: they come with their quotes."""
    return tokens[number].text if 0 <= number < len(tokens) else ""


def _refuse_everywhere(tokens: tuple[Token, ...]) -> None:
    for number, token in enumerate(tokens):
        if token.text == "in" and [t.text for t in tokens[number + 1 : number + 3]] == ["(", ")"]:
            raise Refused("IN () is refused: SQLite does not look up the name before it")
        literal = token.kind == "number" or token.text in ("true", "false")
        if literal and _is_condition(tokens, number):
            raise Refused(f"{token.text} beside AND or OR is refused: SQLite does not look up the other side")


_OPERATIONS = COMPARISONS | {"+", "-", "*", "/", "%", "||", "between", "escape", "in", "isnull", "notnull", "not"}
_SIGNS = frozenset({"not", "-", "+"})


def _is_condition(tokens: tuple[Token, ...], number: int) -> bool:
    """A literal, perhaps in parentheses or after NOT, that is itself one side of an AND or an OR."""
    left, right = number - 1, number + 1
    while True:
        signed = _text(tokens, left) in _SIGNS
        if signed and _text(tokens, left - 1) in _SIGNS | {"", "(", "and", "or"}:
            left -= 1
        elif _text(tokens, left) == "(" and _text(tokens, right) == ")" and not _calls(tokens, left):
            left, right = left - 1, right + 1
        else:
            break
    before, after = _text(tokens, left), _text(tokens, right)
    if before == "and" and _in_between(tokens, left):
        return False
    return (before in ("and", "or") and after not in _OPERATIONS) or (
        after in ("and", "or") and before not in _OPERATIONS
    )


def _calls(tokens: tuple[Token, ...], number: int) -> bool:
    """The parenthesis at `number` opens arguments or a list, not a group."""
    return _text(tokens, number - 1) in SCALARS | AGGREGATES | {"in"}


def _in_between(tokens: tuple[Token, ...], number: int) -> bool:
    """The AND at `number` belongs to BETWEEN."""
    depth = 0
    for token in reversed(tokens[:number]):
        depth += (token.text == ")") - (token.text == "(")
        if depth < 0 or (depth == 0 and token.text in ("and", "or")):
            return False
        if depth == 0 and token.text == "between":
            return True
    return False


def _names(tokens: tuple[Token, ...], words: Collection[str], functions: Collection[str]) -> Iterator[Name]:
    number = 0
    while number < len(tokens):
        token = tokens[number]
        if token.kind != "word":
            number += 1
        elif _text(tokens, number + 1) == ".":
            if number + 2 >= len(tokens) or tokens[number + 2].kind != "word" or _text(tokens, number + 3) == ".":
                raise Refused(f"{token.text}. wants the name of one column after the dot")
            yield Name(token.text, tokens[number + 2].text, number, number + 2)
            number += 3
        elif _text(tokens, number + 1) == "(" and token.text not in words:
            if token.text not in functions:
                raise Refused(f"{token.text}() is refused: it is none of {', '.join(sorted(functions))}")
            number += 1
        elif token.text in words:
            number += 1
        else:
            yield Name("", token.text, number, number)
            number += 1


def qualified(sql: str, text: Text, bare: str) -> str:
    """The expression with `bare.` before every name that is written alone, so that nothing around it is captured."""
    parts, end = [], 0
    for name in text.names:
        if not name.qualifier:
            start = text.tokens[name.first].start
            parts += [sql[end:start], f"{bare}."]
            end = start
    return "".join([*parts, sql[end:]])


def literals(text: Text) -> Iterator[str | int | float]:
    """The texts and numbers written in it: values that the soundness lint tries."""
    for token in text.tokens:
        if token.kind == "string":
            yield token.text[1:-1].replace("''", "'")
        elif token.kind == "number":
            yield int(token.text) if token.text.isdigit() else float(token.text)


def swallowed(text: Text) -> Iterator[tuple[str, Name]]:
    """The names whose NULL is taken for something else, and what takes it.

    Those are all that COALESCE and IFNULL fall back from, that IS compares, and that the condition of a CASE or IIF
    turns on: NULL there is as good as false. WHEN x IS NULL THEN NULL says no more than that x is not known, and who
    says so may ask for x in other conditions.
    """
    found = sorted(_swallowing(text.tokens))
    told = {str(name) for first, last, word in found if not word for name in _within(text, first, last)}
    for first, last, word in found:
        for name in _within(text, first, last):
            if word and not (word in BRANCHES and str(name) in told):
                yield word, name


def _within(text: Text, first: int, last: int) -> list[Name]:
    return [name for name in text.names if first <= name.first and name.last <= last]


def _swallowing(tokens: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    """Index of the first and of the last token of each such operand, and what takes it: '' for who says NULL."""
    for number, token in enumerate(tokens):
        if token.kind != "word":
            continue
        if token.text in ("coalesce", "ifnull", "iif") and _text(tokens, number + 1) == "(":
            end = _stop(tokens, number + 2, 1, {")"})
            commas = [n for n in range(number + 2, end) if tokens[n].text == "," and _depth(tokens, number + 2, n) == 0]
            until = (commas[0] if token.text == "iif" else commas[-1]) if commas else end
            yield number + 2, until - 1, token.text.upper()
        elif token.text in ("is", "isnull", "notnull") or _is_not_null(tokens, number):
            last = _stop(tokens, number + 1, 1, _ENDS) if token.text == "is" else number
            word = "" if _says_unknown(tokens, number) else "IS"
            yield _stop(tokens, number - 1, -1, _BEGINS) + 1, last, word
        elif token.text == "when" and not _then_null(tokens, number):
            yield number + 1, _stop(tokens, number + 1, 1, {"then"}) - 1, "CASE"
        elif token.text == "case":
            yield number + 1, _stop(tokens, number + 1, 1, {"when"}) - 1, "CASE"


BRANCHES = frozenset({"CASE", "IIF"})
_CLAUSES = frozenset({"select", "distinct", "from", "where", "on", "group", "having", "order", "join", "union", "as"})
_ENDS = frozenset({"and", "or", "then", "else", "when", "end", ",", ")", "left", "inner", "cross"}) | _CLAUSES
_BEGINS = frozenset({"and", "or", "not", "then", "else", "when", "case", ",", "(", "by"}) | _CLAUSES


def _stop(tokens: Sequence[Token], start: int, step: int, stops: Collection[str]) -> int:
    """The next token outside parentheses and CASE that is one of these; the end of the text if none is."""
    number, depth = start, 0
    opening, closing = (("(", "case"), (")", "end"))[::step]
    while 0 <= number < len(tokens):
        text = tokens[number].text if tokens[number].kind in ("word", "operator") else ""
        if depth == 0 and text in stops:
            return number
        depth += (text in opening) - (text in closing)
        if depth < 0:
            return number
        number += step
    return number


def _depth(tokens: Sequence[Token], start: int, end: int) -> int:
    texts = [token.text for token in tokens[start:end] if token.kind == "operator"]
    return texts.count("(") - texts.count(")")


def _is_not_null(tokens: Sequence[Token], number: int) -> bool:
    """`x NOT NULL`, which is `x IS NOT NULL`."""
    return [_text(tokens, n) for n in (number, number + 1)] == ["not", "null"] and _text(tokens, number - 1) != "is"


def _says_unknown(tokens: Sequence[Token], number: int) -> bool:
    """An IS NULL that is the condition, or in the condition, of WHEN … THEN NULL."""
    when = _stop(tokens, number - 1, -1, {"when"})
    while when >= 0 and tokens[when].text != "when":  # in parentheses, or an argument
        when = _stop(tokens, when - 1, -1, {"when"})
    return when >= 0 and [_text(tokens, n) for n in (number, number + 1)] == ["is", "null"] and _then_null(tokens, when)


def _then_null(tokens: Sequence[Token], when: int) -> bool:
    """WHEN … THEN NULL, where nothing beside what is not known must hold too."""
    then = _stop(tokens, when + 1, 1, {"then"})
    condition = {token.text for token in tokens[when + 1 : then] if token.kind == "word"}
    return _text(tokens, then + 1) == "null" and not condition & {"and", "not"}
