"""The one family of errors. Each says who and what in one line, and carries its exit code.

ScannerError                4  internal: an invariant of ours is broken
├── UsageError              2  the command line asks for something that is not there
├── InputError              2  outside text that does not parse or is refused: where, what, what to do
│   └── ConfigError         2  tierwall.yaml or a governance file is wrong
├── RuleError               2  a rule or framework file is wrong
├── SourceError             3  a source could not be reached at all: nothing can be told
└── StoreError              4  the database is damaged, newer than we are, or cannot be written
"""


class ScannerError(Exception):
    """Base of all errors that a user may see. The command line prints its lines."""

    exit_code = 4

    @property
    def lines(self) -> tuple[str, ...]:
        """What the command line prints; an error that stands for several problems has one for each."""
        return (str(self),)


class UsageError(ScannerError):
    """The command was asked for something that does not exist, such as an unknown rule or snapshot."""

    exit_code = 2


class InputError(ScannerError):
    """Outside text that does not parse, is too large, or is refused."""

    exit_code = 2

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        super().__init__(f"{where}: {problem}" + (f"; {hint}" if hint else ""))
        self.where = where
        self.problem = problem
        self.hint = hint


class ConfigError(InputError):
    """tierwall.yaml, or a file it names, is wrong."""


class RuleError(ScannerError):
    """A rule cannot be accepted: its text, its examples or its soundness."""

    exit_code = 2

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(f"rule {rule}: {problem}")
        self.rule = rule
        self.problem = problem


class SourceError(ScannerError):
    """A source (an account, a cluster) cannot be reached or refuses its credentials."""

    exit_code = 3

    def __init__(self, source: str, problem: str, hint: str = "") -> None:
        super().__init__(f"{source}: {problem}" + (f"; {hint}" if hint else ""))
        self.source = source
        self.problem = problem
        self.hint = hint


class StoreError(ScannerError):
    """The database is damaged, of a newer schema, locked or cannot be written."""

    exit_code = 4

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"database {path}: {problem}")
        self.path = path
        self.problem = problem
