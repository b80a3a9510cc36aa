import sqlalchemy as sa


def test_each_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
        connection.execute(sa.text("CREATE TABLE one (id INTEGER)"))
    engine.dispose()


def test_the_next_test_does_not_see_it(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()


def test_postgresql_orders_text_by_code_point(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT x FROM (VALUES ('b'), ('B'), ('a'), ('中')) t(x) ORDER BY x")
        )
        assert [row[0] for row in rows] == ["B", "a", "b", "中"]
    engine.dispose()
