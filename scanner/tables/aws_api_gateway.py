"""API Gateway: REST APIs and HTTP and WebSocket APIs, with their stages."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsApiStage(Resource, title="A stage of an API, which is what callers reach"):
    """uid: the ARN of the stage. `api` is the API's id."""

    api: str | None = column("Id of the API.")
    api_name: str | None = column("Name of the API.")
    protocol: str | None = column("REST, HTTP or WEBSOCKET.")
    is_private: bool | None = column("Reached from VPC endpoints alone.")
    access_logs_enabled: bool | None = column("Access logs are written.")
    execution_logs_enabled: bool | None = column("Calls are logged, errors at least, for every method.")
    tracing_enabled: bool | None = column("Calls are traced.")
    web_acl_uid: str | None = column("Web ACL in front of it; '' if none.")
    cache_encrypted: bool | None = column("What it caches is encrypted; true where it caches nothing.")
