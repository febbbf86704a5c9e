"""Columns that behave alike everywhere."""

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_mock_engine

from shared.database.types import UtcDateTime, storable

DIALECTS = [create_mock_engine(url, lambda *_: None).dialect for url in ("sqlite://", "postgresql+psycopg://")]
TIMES = st.datetimes(
    min_value=datetime(1971, 1, 1), max_value=datetime(2999, 1, 1),  # noqa: DTZ001 - the zones are drawn too
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)  # fmt: skip


@given(TIMES)
def test_time_comes_back_as_the_same_moment(moment: datetime) -> None:
    for dialect in DIALECTS:
        stored = UtcDateTime().process_bind_param(moment, dialect)
        found = UtcDateTime().process_result_value(stored, dialect)
        assert found == moment
        assert found is not None
        assert found.utcoffset() == timedelta(0)


def test_no_time_stays_no_time() -> None:
    for dialect in DIALECTS:
        assert UtcDateTime().process_bind_param(None, dialect) is None
        assert UtcDateTime().process_result_value(None, dialect) is None


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_storable_text_is_left_alone(text: str) -> None:
    assert storable(text) == text


@given(st.text(st.characters(categories=["Cs", "Cc", "Lu"])))
def test_what_no_database_stores_is_replaced(text: str) -> None:
    assert "\0" not in storable(text)
    assert len(storable(text).encode()) >= len(text)
