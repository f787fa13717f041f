"""A stage that is left behind is taken up by whole units, and by nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import StoreError, UsageError
from scanner.store import About, Stage, Store
from scanner.store.stage import Halted, Unit
from scanner.tables import Call, Gap, Kinds, Requested, Scope
from scanner.tables.aws_rds import AwsRdsInstance
from tests.support.estates import OTHER, SCOPE, TABLES, database, kinds, open_store, redactor

NOW = About(1_000.0, "1.0", "digest", "key", ())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


class Killed(BaseException):
    """Stands for whatever ends a process."""


def later(about: About = NOW, seconds: float = 60.0) -> About:
    return About(about.started + seconds, about.tool, about.config, about.key, about.sources)


def read(stage: Stage | Unit, *names: str, scope: Scope = SCOPE, reason: str = "", number: int = 0) -> int:
    """Ask a scope for databases; with a reason, the listing was refused. `number` is of another's refused call."""
    stage.scope(scope, TABLES)
    status = reason or "ok"
    call = number or stage.call(Call(scope=scope.id, service="rds", operation="Describe", status=status, started=5.0))
    for name in names:
        stage.document(database(name, scope))
    if reason:
        stage.gap(Gap(scope=scope.id, table_name=AwsRdsInstance.table, reason=reason, call=call))
    return call


def begun(stage: Stage, name: str) -> Unit:
    unit = stage.unit(name)
    assert unit is not None
    return unit


def names(stage: Stage) -> list[str | None]:
    return [row.name for row in stage.flush().rows(AwsRdsInstance)]


def interrupt(store: Store) -> None:
    """Two units, of which one has ended, and something outside of any."""
    with contextlib.suppress(Killed), store.collecting(redactor(), kinds(), NOW) as stage:
        one, two = begun(stage, "one"), begun(stage, "two")
        read(stage, "loose")
        read(one, "a", "b")
        read(two, "c", scope=OTHER)
        one.done()
        stage.flush()
        raise Killed


def test_an_ended_unit_is_taken_up_and_nothing_else(store: Store) -> None:
    interrupt(store)
    with store.resuming(redactor(), kinds(), later()) as stage:
        assert names(stage) == []
        assert stage.unit("one") is None
        assert begun(stage, "two")
        assert names(stage) == ["a", "b"]
        assert [(c.operation, c.started) for c in stage.estate.rows(Call)] == [("Describe", 5.0)]
        assert {r.scope for r in stage.estate.rows(Requested)} == {SCOPE.id}


def test_what_nobody_asks_for_any_more_is_not_published(store: Store) -> None:
    """A region that was switched off meanwhile: its unit must not stand for a scope that nobody asked."""
    interrupt(store)
    with store.resuming(redactor(), kinds(), later()) as stage:
        two = begun(stage, "two")
        read(two, "d", scope=OTHER)
        two.done()
        snapshot = store.publish(stage, started=1.0, finished=2.0, tool="1.0", config="")
    assert [d.name for d in store.documents(snapshot.id)] == ["d"]


def test_it_can_be_interrupted_again_and_again(store: Store) -> None:
    interrupt(store)
    for number in range(3):
        with contextlib.suppress(Killed), store.resuming(redactor(), kinds(), later()) as stage:
            if number != 1:  # the second is interrupted before it asks for what is there
                assert stage.unit("one") is None
            raise Killed
    with store.resuming(redactor(), kinds(), later()) as stage:
        assert stage.about == NOW
        assert stage.unit("one") is None
        assert names(stage) == ["a", "b"]


def test_numbers_of_calls_go_on_from_those_that_were_given(store: Store) -> None:
    interrupt(store)
    with store.resuming(redactor(), kinds(), later()) as stage:
        stage.unit("one")
        assert read(stage, "e", scope=OTHER) == 4


def test_a_refusal_that_may_pass_is_asked_again_and_one_that_stays_is_not(store: Store) -> None:
    reasons = ("denied", "unsupported", "expired", "throttled", "deadline", "error")
    with contextlib.suppress(Killed), store.collecting(redactor(), kinds(), NOW) as stage:
        for reason in reasons:
            unit = begun(stage, reason)
            read(unit, reason=reason)
            unit.done()
        raise Killed
    with store.resuming(redactor(), kinds(), later()) as stage:
        assert [reason for reason in reasons if not stage.unit(reason)] == ["denied", "unsupported"]


def test_the_call_that_a_kept_gap_names_is_kept_with_it(store: Store) -> None:
    """Two services ask once for what both need; the one that met the refusal had not ended."""
    with contextlib.suppress(Killed), store.collecting(redactor(), kinds(), NOW) as stage:
        first, second = begun(stage, "first"), begun(stage, "second")
        number = read(first, reason="denied")
        read(second, reason="denied", scope=OTHER, number=number)
        second.done()
        raise Killed
    with store.resuming(redactor(), kinds(), later()) as stage:
        assert stage.unit("second") is None
        (gap,) = stage.flush().rows(Gap)
        assert [(c.id, c.status) for c in stage.estate.rows(Call)] == [(gap.call, "denied")]


@pytest.mark.parametrize("ended", [("one",), ("two",), ("one", "two")])
def test_a_contradiction_between_units_stays_one(store: Store, ended: tuple[str, ...]) -> None:
    def say(unit: Unit, encrypted: bool) -> None:
        unit.scope(SCOPE, TABLES)
        unit.document(database("a", Encrypted=encrypted))

    with contextlib.suppress(Killed), store.collecting(redactor(), kinds(), NOW) as stage:
        units = {"one": begun(stage, "one"), "two": begun(stage, "two")}
        say(units["one"], True)
        say(units["two"], False)
        stage.flush()
        for name in ended:
            units[name].done()
        raise Killed
    with store.resuming(redactor(), kinds(), later()) as stage:
        for name in ("one", "two"):
            if unit := stage.unit(name):
                say(unit, name == "one")
        assert {g.uid for g in stage.flush().rows(Gap)} == {database("a").uid}


def test_a_stage_that_fails_is_not_left(store: Store) -> None:
    with pytest.raises(UsageError), store.collecting(redactor(), kinds(), NOW) as stage:
        raise UsageError("nothing to read")
    assert not stage.estate.path.exists()
    assert not store.path.with_name("tierwall.db-lock").exists()


def test_nothing_is_written_once_it_is_given_up(store: Store) -> None:
    """Threads that still collect when the user interrupts must end, not write to a closed file."""
    with store.collecting(redactor(), kinds()) as stage:
        unit = begun(stage, "one")
        stage.discard()
        for write in (lambda: read(unit, "a"), unit.done, lambda: stage.unit("two")):
            with pytest.raises(Halted):
                write()


def test_a_damaged_document_is_not_taken_up(store: Store) -> None:
    interrupt(store)
    with Stage.take_up(store.stage_path, redactor(), kinds()) as stage:
        stage.estate.connection.execute("UPDATE stage_waiting SET body = x'00'")
    with (
        pytest.raises(StoreError, match="the interrupted scan is damaged; run `tierwall scan`"),
        store.resuming(redactor(), kinds(), later()) as stage,
    ):
        stage.unit("one")
    assert not store.stage_path.exists()


Step = tuple[str, str, bool]  # unit, database, encrypted


@pytest.mark.slow
@settings(max_examples=20)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["u1", "u2", "u3"]), st.sampled_from("abcd"), st.booleans()), max_size=12),
    ended=st.sets(st.sampled_from(["u1", "u2", "u3"])),
)
def test_whatever_had_ended_the_result_is_that_of_an_undisturbed_collection(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], ended: set[str]
) -> None:
    everything = Kinds()
    everything.add(*kinds().by_name.values())

    def collect(stage: Stage, only: set[str] | None = None) -> None:
        """Each unit on its own, or as far as it ended before the kill."""
        for name in ("u1", "u2", "u3"):
            unit = stage.unit(name)
            if unit is None:
                continue
            read(unit, *dict.fromkeys(f"{name}-{database}" for u, database, _ in steps if u == name))
            if only is None or name in only:
                unit.done()

    def rows(stage: Stage) -> list[list[object]]:
        estate = stage.flush()
        return [
            sorted((row.name for row in estate.rows(AwsRdsInstance)), key=str),
            sorted(c.operation for c in estate.rows(Call)),
        ]

    folder = tmp_path_factory.mktemp("law")
    with open_store(folder) as store:
        with store.collecting(redactor(), everything, NOW) as stage:
            collect(stage)
            wanted = rows(stage)
        with contextlib.suppress(Killed), store.collecting(redactor(), everything, NOW) as stage:
            collect(stage, ended)
            raise Killed
        with store.resuming(redactor(), everything, later()) as stage:
            assert stage.waiting == len(ended)
            collect(stage)
            assert rows(stage) == wanted


def test_a_stage_that_cannot_be_made_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.store.stage._TABLES", ("CREATE TABLE one (a)", "CREATE TABLE one (a)"))
    with pytest.raises(StoreError, match="already exists"), store.collecting(redactor(), kinds()):
        pass
    assert [path.name for path in store.path.parent.glob("tierwall.db-[sl]*") if "shm" not in path.name] == []
