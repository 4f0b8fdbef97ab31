"""The kinds of volumes that the node agent can lay out as local folders."""

from pydantic import Field

from rehearsal.node_agent.model.base import Read
from rehearsal.node_agent.model.environment import FieldReference, ResourceReference


class KeyToPath(Read):
    key: str
    path: str
    mode: int | None = None


class EmptyDir(Read):
    medium: str = ""


class ConfigMapVolume(Read):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int | None = None
    optional: bool = False


class SecretVolume(Read):
    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int | None = None
    optional: bool = False


class DownwardItem(Read):
    path: str
    field_ref: FieldReference | None = None
    resource_field_ref: ResourceReference | None = None
    mode: int | None = None


class DownwardVolume(Read):
    items: tuple[DownwardItem, ...] = ()
    default_mode: int | None = None


class SecretProjection(Read):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool = False


class TokenProjection(Read):
    path: str
    audience: str = ""
    expiration_seconds: int = 3600


class ProjectedSource(Read):
    config_map: ConfigMapVolume | None = None
    secret: SecretProjection | None = None
    downward_api: DownwardVolume | None = Field(default=None, alias="downwardAPI")
    service_account_token: TokenProjection | None = None


class ProjectedVolume(Read):
    sources: tuple[ProjectedSource, ...] = ()
    default_mode: int | None = None


class ClaimVolume(Read):
    claim_name: str


class Volume(Read):
    """One volume; none of its kinds set means a kind that is not supported here."""

    name: str
    empty_dir: EmptyDir | None = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    downward_api: DownwardVolume | None = Field(default=None, alias="downwardAPI")
    projected: ProjectedVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None


class VolumeMount(Read):
    name: str
    mount_path: str
    sub_path: str = ""
