"""The product's own tables: versions, log, queues, accounts, packages. Their names start with `_`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import postgres_functions
from dacheng.runtime.storage.reader import Link

FORMAT = 1  # of everything in this module; older code refuses to open a newer one
_PREPARE_LOCK = 7_201_001

NO_CAUSE: sa.ColumnElement[str] = sa.literal_column(
    "''"
)  # written out, so that a question's condition equals the index's
WAITING: sa.ColumnElement[str] = sa.literal_column("'waiting'")

metadata = sa.MetaData()

Text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
Integer = sa.BigInteger()
Sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    """A text column that compares by code point on both databases."""
    return sa.Column(name, Text, nullable=null, primary_key=key)


def integer(name: str, *, null: bool = False, default: int | None = None) -> sa.Column[int]:
    """A 64-bit column: figures, or milliseconds since 1970 UTC."""
    given = None if default is None else sa.text(str(int(default)))
    return sa.Column(name, Integer, nullable=null, server_default=given)


def sequence(name: str = "seq") -> sa.Column[int]:
    """A growing number given by the database."""
    return sa.Column(name, Sequence, sa.Identity(), primary_key=True)


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *columns, sqlite_autoincrement=False)


version = _table(
    "_version",
    sa.Column("only", Integer, primary_key=True, autoincrement=False),
    integer("format"),
    integer("definitions"),
    integer("labels"),
    integer("directory"),
)
counter = _table(
    "_counter", text("entity", key=True), text("field", key=True), text("frame", key=True), integer("value")
)
setting = _table("_setting", text("key", key=True), text("value"))

change_log = _table(
    "_change_log",
    sequence(),
    text("entity"),
    text("record"),
    text("parent", null=True),
    text("action"),
    text("changes", null=True),
    text("actor"),
    text("cause_kind"),
    text("cause_id"),
    text("cause", null=True),
    integer("at"),
)
sa.Index("_change_log_record", change_log.c.record, change_log.c.seq)
sa.Index(
    "_change_log_parent",
    change_log.c.parent,
    change_log.c.seq,
    sqlite_where=change_log.c.parent.is_not(None),
    postgresql_where=change_log.c.parent.is_not(None),
)
sa.Index(
    "_change_log_cause",
    change_log.c.cause_id,
    change_log.c.seq,
    sqlite_where=change_log.c.cause_id != NO_CAUSE,
    postgresql_where=change_log.c.cause_id != NO_CAUSE,
)

outbox = _table(
    "_outbox",
    sequence(),
    text("kind"),
    text("key"),
    text("lane", null=True),
    text("payload"),
    text("state"),
    integer("attempts", default=0),
    integer("due_at"),
    integer("lease_until", null=True),
    integer("fence", default=0),
    text("owner", null=True),
    text("reason", null=True),
    integer("created_at"),
    integer("done_at", null=True),
    sa.UniqueConstraint("kind", "key", name="_outbox_key"),
)
sa.Index(
    "_outbox_due",
    outbox.c.due_at,
    outbox.c.seq,
    sqlite_where=outbox.c.state == WAITING,
    postgresql_where=outbox.c.state == WAITING,
)
sa.Index(
    "_outbox_lane",
    outbox.c.lane,
    outbox.c.seq,
    sqlite_where=outbox.c.state == WAITING,
    postgresql_where=outbox.c.state == WAITING,
)

event = sa.Table(
    "_event",
    metadata,
    sa.Column("seq", Sequence, sa.Identity(), nullable=False),
    integer("recorded_at"),
    text("id"),
    text("type"),
    text("subject_kind"),
    text("subject"),
    integer("occurred_at"),
    text("actor"),
    text("trust"),
    text("payload"),
    sa.PrimaryKeyConstraint("seq").ddl_if(dialect="sqlite"),
    postgresql_partition_by="RANGE (recorded_at)",  # its months are made as events arrive
)
sa.Index("_event_seq", event.c.seq).ddl_if(dialect="postgresql")
sa.Index("_event_subject", event.c.subject, event.c.occurred_at)
event_id = _table("_event_id", text("id", key=True), integer("recorded_at"))
sa.Index("_event_id_recorded", event_id.c.recorded_at)
event_cursor = _table("_event_cursor", text("consumer", key=True), integer("position"), integer("at"))

trace = _table(
    "_trace",
    sequence(),
    text("entity"),
    text("record"),
    text("rule"),
    text("outcome"),
    text("body"),
    text("cause_id"),
    integer("at"),
)
sa.Index("_trace_record", trace.c.record, trace.c.seq)
sa.Index("_trace_rule", trace.c.rule, trace.c.seq)

idempotency = _table(
    "_idempotency",
    text("actor", key=True),
    text("key", key=True),
    text("fingerprint"),
    text("answer"),
    integer("at"),
)
sa.Index("_idempotency_at", idempotency.c.at)

credential = _table(
    "_credential",
    text("user", key=True),
    text("login"),
    text("password", null=True),
    text("state"),
    integer("changed_at"),
    sa.UniqueConstraint("login", name="_credential_login"),
)
session = _table(
    "_session",
    text("hash", key=True),
    text("user"),
    integer("created_at"),
    integer("seen_at"),
    integer("expires_at"),
    text("address"),
    text("agent"),
)
sa.Index("_session_user", session.c.user)
sa.Index("_session_expires", session.c.expires_at)
token = _table(
    "_token",
    text("hash", key=True),
    text("id"),
    text("user"),
    text("name"),
    integer("created_at"),
    integer("seen_at", null=True),
    integer("expires_at", null=True),
)
sa.Index("_token_user", token.c.user)
reset_token = _table(
    "_reset_token",
    text("hash", key=True),
    text("purpose"),
    text("user"),
    integer("created_at"),
    integer("expires_at"),
    integer("used_at", null=True),
)
sa.Index("_reset_token_user", reset_token.c.user)
role = _table(
    "_role", text("user", key=True), text("role", key=True), text("granted_by"), integer("granted_at")
)
sa.Index("_role_role", role.c.role)

saved_view = _table(
    "_saved_view",
    text("id", key=True),
    text("entity"),
    text("owner"),
    integer("shared"),
    text("name"),
    text("shape"),
    integer("version"),
    integer("changed_at"),
)
sa.Index("_saved_view_entity", saved_view.c.entity, saved_view.c.shared, saved_view.c.owner)
list_choice = _table(
    "_list_choice",
    text("user", key=True),
    text("entity", key=True),
    text("view", key=True),
    text("choice"),
)

match_key = _table(
    "_match_key",
    text("match", key=True),
    text("key", key=True),
    text("value", key=True),
    text("record", key=True),
)
sa.Index("_match_key_record", match_key.c.record)
match_claim = _table(
    "_match_claim",
    text("id", key=True),
    text("match"),
    text("record"),
    text("claimant"),
    text("values"),
    text("reason"),
    text("state"),
    integer("made_at"),
    text("decided_by", null=True),
    integer("decided_at", null=True),
)
sa.Index("_match_claim_state", match_claim.c.state, match_claim.c.made_at)
publication = _table(
    "_publication",
    text("id", key=True),
    text("token"),
    text("seal"),
    text("entity"),
    text("terms"),
    integer("enabled"),
    integer("count"),
    integer("version"),
    integer("changed_at"),
)
sa.Index("_publication_token", publication.c.token, unique=True)
submission = _table(
    "_submission",
    text("id", key=True),
    text("publication"),
    text("record"),
    text("tracked"),
    text("consent"),
    text("address"),
    integer("at"),
)
sa.Index("_submission_publication", submission.c.publication, submission.c.id)

package = _table(
    "_package",
    text("id", key=True),
    integer("position"),
    text("version"),
    text("hash"),
    sa.Column("files", sa.LargeBinary, nullable=False),
    text("publisher"),
    integer("installed_at"),
    text("installed_by"),
)
layer = _table(
    "_layer",
    text("app", key=True),
    text("owner", key=True),
    integer("position"),
    text("operations"),
    integer("changed_at"),
)
asset = _table(
    "_asset",
    text("app", key=True),
    text("name", key=True),
    text("hash"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
journal = _table("_journal", sequence(), text("cause"), text("kind"), text("detail"), integer("at"))

comment = _table(
    "_comment",
    text("id", key=True),
    text("entity"),
    text("record"),
    text("author"),
    text("body"),
    text("mentions"),
    integer("at"),
    integer("edited_at", null=True),
    integer("deleted_at", null=True),
)
sa.Index("_comment_record", comment.c.record, comment.c.at, comment.c.id)

notification = _table(
    "_notification",
    sequence(),
    text("user"),
    text("key"),
    text("kind"),
    text("entity"),
    text("record"),
    text("detail"),
    integer("at"),
    integer("read_at", null=True),
    sa.UniqueConstraint("user", "key", name="_notification_key"),
)
sa.Index("_notification_user", notification.c.user, notification.c.seq)
sa.Index(
    "_notification_unread",
    notification.c.user,
    sqlite_where=notification.c.read_at.is_(None),
    postgresql_where=notification.c.read_at.is_(None),
)

collaborator = _table(
    "_collaborator",
    text("entity", key=True),
    text("record", key=True),
    text("user", key=True),
    text("right"),
    text("given_by"),
    integer("given_at"),
)
sa.Index(
    "_collaborator_user",
    collaborator.c.user,
    collaborator.c.entity,
    collaborator.c.right,
    collaborator.c.record,
)

claim = _table(
    "_claim",
    text("id", key=True),
    *(text(name) for name in ("entity", "record", "match", "claimant", "said", "reason")),
    integer("at"),
    text("decided_by", null=True),
    integer("decided_at", null=True),
    integer("accepted", null=True),
    text("answer", null=True),
)
sa.Index(
    "_claim_open",
    claim.c.record,
    claim.c.claimant,
    unique=True,
    sqlite_where=claim.c.decided_at.is_(None),
    postgresql_where=claim.c.decided_at.is_(None),
)
sa.Index("_claim_claimant", claim.c.claimant, claim.c.at)
sa.Index("_claim_decided", claim.c.decided_at)

import_run = _table(
    "_import",
    text("id", key=True),
    text("entity"),
    text("actor"),
    text("state"),
    text("file_name"),
    text("file_hash"),
    text("mapping"),
    integer("position", default=0),
    integer("total", default=0),
    integer("stored", default=0),
    integer("failed", default=0),
    integer("started_at"),
    integer("finished_at", null=True),
    text("detail", null=True),
)
import_row = _table(
    "_import_row",
    text("run", key=True),
    sa.Column("line", Integer, primary_key=True, autoincrement=False),
    text("entity", null=True),
    text("record", null=True),
    integer("version", null=True),
    text("outcome"),
    text("problems", null=True),
    text("original", null=True),
)
sa.Index("_import_row_record", import_row.c.record)

sample_record = _table(
    "_sample_record",
    text("record", key=True),
    text("entity"),
    text("app"),
    text("scenario"),
    integer("version"),
)
sa.Index("_sample_record_app", sample_record.c.app, sample_record.c.entity)

projection = _table(
    "_projection", text("id", key=True), text("owner"), text("shape"), integer("built_at", null=True)
)


file = _table(
    "_file",
    text("id", key=True),
    text("hash"),
    text("name"),
    text("type"),
    integer("size"),
    integer("width", null=True),
    integer("height", null=True),
    text("thumbnail", null=True),
    text("source"),
    text("created_by"),
    integer("created_at"),
    integer("used", default=0),
)
sa.Index("_file_waiting", file.c.created_by, file.c.used)
reference = _table(
    "_reference",
    text("record", key=True),
    text("field", key=True),
    text("target", key=True),
    text("entity"),
)
sa.Index("_reference_target", reference.c.target)
attachment = _table(
    "_attachment",
    text("id", key=True),
    text("entity"),
    text("record"),
    text("file"),
    text("added_by"),
    integer("added_at"),
    text("removed_by", null=True),
    integer("removed_at", null=True),
)
sa.Index("_attachment_record", attachment.c.record, attachment.c.added_at, attachment.c.id)
sa.Index("_attachment_file", attachment.c.file)


def prepare(link: Link, *, create: bool) -> None:
    """Refuse a database of newer code (writing nothing), then make what is missing, wholly or not at all."""
    _demand_known_format(link)
    if not create:
        return
    link.command("BEGIN IMMEDIATE" if link.is_sqlite else "BEGIN")
    try:
        if not link.is_sqlite:
            link.driver.execute("SELECT pg_advisory_xact_lock(%s)", (_PREPARE_LOCK,))
            postgres_functions.install(link.connection)
        metadata.create_all(link.connection)
        _first_version(link)
        link.command("COMMIT")
    except BaseException:
        link.rollback()
        raise


def _demand_known_format(link: Link) -> None:
    if not sa.inspect(link.connection).has_table(version.name):
        return
    found = link.connection.execute(sa.select(version.c.format)).scalar()
    if found is not None and found > FORMAT:
        raise refuse("storage.newer", found=found, known=FORMAT)


def _first_version(link: Link) -> None:
    if link.connection.execute(sa.select(version.c.only)).first() is None:
        link.connection.execute(
            version.insert().values(only=1, format=FORMAT, definitions=0, labels=0, directory=0)
        )
