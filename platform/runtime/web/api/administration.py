"""Every operation of the API that belongs to no entity's records, in the order the description shows them."""

from __future__ import annotations

from typing import Final

from dacheng.runtime.web.api import (
    account,
    apps,
    attachments,
    bulk,
    claims,
    collaboration,
    duplicates,
    exports,
    failed_jobs,
    files,
    groups,
    handovers,
    imports,
    jobs,
    labels,
    people,
    place,
    publications,
    views,
)
from dacheng.runtime.web.api.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *account.OPERATIONS,
    *views.OPERATIONS,
    *collaboration.OPERATIONS,
    *attachments.OPERATIONS,
    *handovers.OPERATIONS,
    *place.OPERATIONS,
    *files.OPERATIONS,
    *duplicates.OPERATIONS,
    *claims.OPERATIONS,
    *bulk.OPERATIONS,
    *groups.OPERATIONS,
    *exports.OPERATIONS,
    *imports.OPERATIONS,
    *jobs.OPERATIONS,
    *failed_jobs.OPERATIONS,
    *labels.OPERATIONS,
    *apps.OPERATIONS,
    *people.OPERATIONS,
    *publications.OPERATIONS,
)
