"""Tags of what is kept here; everything else is asked of moto."""

from collections.abc import Callable, Mapping

from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.reading import items, mapping, texts
from rehearsal.cloud.store import STORE, Record, Refusal


def eks_tag(request: Request) -> Record:
    def change(record: Record) -> None:
        record["tags"] = {**mapping(record.get("tags")), **mapping(request.parameters["tags"])}

    return _changed(request, "resourceArn", change)


def eks_untag(request: Request) -> Record:
    def change(record: Record) -> None:
        gone = texts(request.parameters["tagKeys"])
        tags = mapping(record.get("tags"))
        record["tags"] = {key: value for key, value in tags.items() if key not in gone}

    return _changed(request, "resourceArn", change)


def elasticache_tag(request: Request) -> Record:
    def change(record: Record) -> None:
        fresh = [mapping(tag) for tag in items(request.parameters["Tags"])]
        record["Tags"] = _pairs({**_tags(record), **{str(t["Key"]): t["Value"] for t in fresh}})

    return _changed(request, "ResourceName", change)


def elasticache_untag(request: Request) -> Record:
    def change(record: Record) -> None:
        gone = texts(request.parameters["TagKeys"])
        kept = {key: value for key, value in _tags(record).items() if key not in gone}
        record["Tags"] = _pairs(kept)

    return _changed(request, "ResourceName", change)


def elasticache_list(request: Request) -> Record:
    found: list[object] = []
    _changed(request, "ResourceName", lambda record: found.extend(_pairs(_tags(record))))
    return {"TagList": found}


def _changed(request: Request, key: str, change: Callable[[Record], object]) -> Record:
    arn = request.text(key)
    if not STORE.by_arn(request.region, arn, change):
        raise Refusal("InvalidARN", f"{arn} is none of a resource here")
    return {}


def _tags(record: Mapping[str, object]) -> Record:
    pairs = (mapping(tag) for tag in items(record.get("Tags")))
    return {str(pair["Key"]): pair["Value"] for pair in pairs}


def _pairs(tags: Mapping[str, object]) -> list[object]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


EKS: dict[str, Handler] = {"tag_resource": eks_tag, "untag_resource": eks_untag}
ELASTICACHE: dict[str, Handler] = {
    "add_tags_to_resource": elasticache_tag,
    "remove_tags_from_resource": elasticache_untag,
    "list_tags_for_resource": elasticache_list,
}
