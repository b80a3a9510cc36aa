"""Installed packages and their layers: the source the catalogue is compiled from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from dacheng.metadata.definition import Layer, LayerOperation
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.system_tables import asset, layer, package


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package as installed: the canonical archive of its base, and its layers in the order they are folded."""

    id: str
    version: str
    hash: str
    files: bytes
    publisher: str
    installed_at: int
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a package that people are served: content and its SHA-256."""

    name: str
    hash: str
    content: bytes


_PACKAGE = (
    package.c.id,
    package.c.version,
    package.c.hash,
    package.c.files,
    package.c.publisher,
    package.c.installed_at,
)


def installed(reader: Reader) -> list[InstalledPackage]:
    """All installed packages in the order of their installation."""
    layers: dict[str, list[Layer]] = {}
    query = sa.select(layer.c.app, layer.c.owner, layer.c.operations)
    for app, owner, operations in reader.rows(query.order_by(layer.c.position, layer.c.owner)):
        layers.setdefault(app, []).append(Layer(owner, app, _operations(operations)))
    rows = reader.rows(sa.select(*_PACKAGE).order_by(package.c.position, package.c.id))
    return [
        InstalledPackage(row[0], row[1], row[2], bytes(row[3]), row[4], row[5], tuple(layers.get(row[0], ())))
        for row in rows
    ]


def put_package(tx: Transaction, new: InstalledPackage, by: str, assets: Sequence[Asset] = ()) -> None:
    """Install a package, or put a new version in the place of the old; layers are kept apart (`put_layer`)."""
    place = tx.scalar(sa.select(package.c.position).where(package.c.id == new.id))
    if place is None:
        place = int(tx.scalar(sa.select(sa.func.max(package.c.position))) or 0) + 1
    tx.execute(package.delete().where(package.c.id == new.id))
    tx.execute(
        package.insert().values(
            id=new.id,
            position=place,
            version=new.version,
            hash=new.hash,
            files=new.files,
            publisher=new.publisher,
            installed_at=new.installed_at,
            installed_by=by,
        )
    )
    tx.execute(asset.delete().where(asset.c.app == new.id))
    for each in assets:
        tx.execute(asset.insert().values(app=new.id, name=each.name, hash=each.hash, content=each.content))


def remove_package(tx: Transaction, app: str) -> int:
    """Take a package out with its assets; its layers stay, so that the same app can come back as it was."""
    tx.execute(asset.delete().where(asset.c.app == app))
    return tx.execute(package.delete().where(package.c.id == app))


def put_layer(tx: Transaction, new: Layer, now: int) -> None:
    """Put a layer in the place of the owner's earlier one; an empty one is removed. The workspace's is last."""
    place = 1_000_000 if new.owner == "workspace" else 0
    tx.execute(layer.delete().where(layer.c.app == new.app, layer.c.owner == new.owner))
    if new.operations:
        text = orjson.dumps([_json(each) for each in new.operations]).decode()
        tx.execute(
            layer.insert().values(
                app=new.app, owner=new.owner, position=place, operations=text, changed_at=now
            )
        )


def layer_of(reader: Reader, app: str, owner: str) -> Layer:
    """One owner's layer of an app; without operations when there is none."""
    query = sa.select(layer.c.operations).where(layer.c.app == app, layer.c.owner == owner)
    found = reader.scalar(query)
    return Layer(owner, app, _operations(found) if found is not None else ())


def layers_of(reader: Reader, app: str) -> tuple[Layer, ...]:
    """All layers of an app, installed or not, in the order they are folded."""
    query = sa.select(layer.c.owner, layer.c.operations).where(layer.c.app == app)
    rows = reader.rows(query.order_by(layer.c.position, layer.c.owner))
    return tuple(Layer(owner, app, _operations(operations)) for owner, operations in rows)


def _operations(text: str) -> tuple[LayerOperation, ...]:
    return tuple(
        LayerOperation(
            each["op"],
            each["kind"],
            each["item"],
            tuple(each["path"]),
            each.get("value"),
            each.get("base"),
            each.get("parked", False),
        )
        for each in orjson.loads(text)
    )


def _json(operation: LayerOperation) -> Mapping[str, object]:
    return {
        "op": operation.op,
        "kind": operation.kind,
        "item": operation.item,
        "path": list(operation.path),
        "value": operation.value,
        "base": operation.base,
        "parked": operation.parked,
    }
