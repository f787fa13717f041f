"""What the outside reaches: load balancers, distributions, APIs, certificates, functions, clusters, notebooks."""

from __future__ import annotations

import json
from typing import Any

from scanner.collectors.aws.cidr import is_public
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.network import attached_groups, subnet_of
from scanner.collectors.terraform.policies import TABLES as POLICY_TABLES
from scanner.collectors.terraform.policies import fill_policies, policy
from scanner.collectors.terraform.reading import RUNNING, UNSUPPORTED, Lost, Shape, View, then
from scanner.collectors.terraform.stores import enabled
from scanner.collectors.terraform.tags import fill_tags
from scanner.collectors.terraform.values import OUTSIDE, UNKNOWN
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_acm import AwsCertificate
from scanner.tables.aws_api_gateway import AwsApiStage
from scanner.tables.aws_cloudfront import AwsCloudfrontDistribution, AwsCloudfrontOrigin
from scanner.tables.aws_eks import AwsEksCluster, AwsEksLog, AwsEksPublicCidr
from scanner.tables.aws_emr import AwsEmrCluster
from scanner.tables.aws_lambda import AwsLambdaFunction, AwsLambdaUrl
from scanner.tables.aws_load_balancer import AwsLoadBalancer, AwsLoadBalancerListener
from scanner.tables.aws_network import AwsAttachedSecurityGroup
from scanner.tables.aws_sagemaker import AwsSagemakerNotebook

_TLS = ("https-only", "redirect-to-https")


# --- Load balancers ---------------------------------------------------------------------------------------------------


def _balancer(shape: Shape, parts: Parts) -> None:
    own = parts.own
    logs = enabled(own, "access_logs")
    block = own.block("access_logs")
    shape.resource(
        AwsLoadBalancer,
        kind=own.text("load_balancer_type", absent="application"),
        is_public=then(own.boolean("internal", absent=False), lambda internal: not internal),
        vpc_uid=RUNNING,
        dns_name=RUNNING,
        created=RUNNING,
        deletion_protection=own.boolean("enable_deletion_protection", absent=False),
        access_logs_enabled=logs,
        access_logs_bucket=_bucket(logs, block),
        drops_invalid_headers=own.boolean("drop_invalid_header_fields", absent=False),
    )
    for view in parts.views("aws_lb_listener", "aws_alb_listener"):
        _listener(shape, view)
    if not parts.is_new:
        shape.lost(AwsLoadBalancerListener, "", RUNNING)
    attached_groups(shape, parts, own, "security_groups")
    fill_tags(shape, own)


def _bucket(logs: bool | Lost, block: View | Lost | None) -> str | Lost:
    if logs is False or block is None:
        return ""
    return block if isinstance(block, Lost) else then(logs, lambda _: block.text("bucket", absent=""))


def _listener(shape: Shape, view: View) -> None:
    protocol = view.text("protocol", absent="GENEVE")
    actions = view.blocks("default_action")
    shape.child(
        AwsLoadBalancerListener,
        port=view.integer("port", absent=0),
        protocol=protocol,
        is_encrypted=then(protocol, lambda text: text in ("HTTPS", "TLS")),
        redirects_to_tls=then(actions, _redirects),
        tls_policy=view.text("ssl_policy", absent=""),
    )


def _redirects(actions: list[View]) -> bool | Lost:
    """Whether all that a listener does, beside asking who it is, is to send clients on to HTTPS."""
    answers: list[bool | Lost] = []
    for action in actions:
        kind = action.text("type")
        if isinstance(kind, Lost):
            return kind
        if kind.startswith("authenticate"):
            continue
        redirect = action.block("redirect")
        if kind == "redirect" and isinstance(redirect, View):
            answers.append(then(redirect.text("protocol", absent="#{protocol}"), lambda to: to == "HTTPS"))
        else:
            answers.append(redirect if kind == "redirect" and isinstance(redirect, Lost) else False)
    if False in answers or not answers:
        return False
    return next((answer for answer in answers if isinstance(answer, Lost)), True)


def _classic(shape: Shape, parts: Parts) -> None:
    own = parts.own
    logs = enabled(own, "access_logs", unset=True)
    shape.resource(
        AwsLoadBalancer,
        kind="classic",
        is_public=then(own.boolean("internal", absent=False), lambda internal: not internal),
        vpc_uid=RUNNING,
        dns_name=RUNNING,
        created=RUNNING,
        deletion_protection=False,  # there is no such thing
        access_logs_enabled=logs,
        access_logs_bucket=_bucket(logs, own.block("access_logs")),
        drops_invalid_headers=False,
    )
    for view in shape.each(AwsLoadBalancerListener, own.blocks("listener")):
        protocol = then(view.text("lb_protocol"), str.upper)
        shape.child(
            AwsLoadBalancerListener,
            port=view.integer("lb_port"),
            protocol=protocol,
            is_encrypted=then(protocol, lambda text: text in ("HTTPS", "SSL")),
            redirects_to_tls=False,
            tls_policy=RUNNING,
        )
    attached_groups(shape, parts, own, "security_groups")
    fill_tags(shape, own)


# --- Distributions, APIs, certificates --------------------------------------------------------------------------------


def _distribution(shape: Shape, parts: Parts) -> None:
    own = parts.own
    certificate = own.block("viewer_certificate")
    shape.resource(
        AwsCloudfrontDistribution,
        domain_name=RUNNING,
        is_enabled=own.boolean("enabled"),
        https_only=_https_only(own),
        tls_policy=certificate.text("minimum_protocol_version", absent="TLSv1")
        if isinstance(certificate, View)
        else certificate or "TLSv1",
        web_acl_uid=own.text("web_acl_id", absent=""),
        logging_enabled=then(own.blocks("logging_config"), bool),
    )
    for view in shape.each(AwsCloudfrontOrigin, own.blocks("origin")):
        custom, bucket = view.block("custom_origin_config"), view.block("s3_origin_config")
        control = view.ref("origin_access_control_id", "aws_cloudfront_origin_access_control", known=str, absent="")
        identity: str | Lost = ""
        if isinstance(bucket, View):
            identity = bucket.ref(
                "origin_access_identity", "aws_cloudfront_origin_access_identity", known=str, absent=""
            )
        shape.child(
            AwsCloudfrontOrigin,
            origin=view.text("origin_id"),
            domain_name=view.text("domain_name"),
            protocol_policy=custom.text("origin_protocol_policy") if isinstance(custom, View) else custom or "",
            has_access_control=_either(control, identity),
        )
    fill_tags(shape, own)


def _https_only(own: View) -> bool | Lost:
    answers: list[bool | Lost] = []
    for name in ("default_cache_behavior", "ordered_cache_behavior"):
        blocks = own.blocks(name)
        if isinstance(blocks, Lost):
            answers.append(blocks)
        else:
            answers += [then(b.text("viewer_protocol_policy"), lambda policy: policy in _TLS) for b in blocks]
    if False in answers:
        return False
    return next((answer for answer in answers if isinstance(answer, Lost)), True)


def _either(one: str | Lost, other: str | Lost) -> bool | Lost:
    """Whether one of two is set. Something that refers to what is still to be made is set, whatever it will be."""
    if (isinstance(one, str) and one) or (isinstance(other, str) and other):
        return True
    return next((found for found in (one, other) if isinstance(found, Lost)), False)


def _rest_stage(shape: Shape, parts: Parts) -> None:
    own = parts.own
    caches = own.boolean("cache_cluster_enabled", absent=False)
    api, acl = _api(parts, "aws_api_gateway_rest_api"), parts.only("aws_wafv2_web_acl_association")
    shape.resource(
        AwsApiStage,
        api=own.ref("rest_api_id", "aws_api_gateway_rest_api", known=str),
        api_name=api.text("name"),
        protocol="REST",
        is_private=_is_private(api),
        access_logs_enabled=then(own.blocks("access_log_settings"), bool),
        execution_logs_enabled=RUNNING,
        tracing_enabled=own.boolean("xray_tracing_enabled", absent=False),
        web_acl_uid=acl.ref("web_acl_arn", "aws_wafv2_web_acl", known=str)
        if acl
        else ""
        if parts.is_new or parts.is_gone("aws_wafv2_web_acl_association")
        else RUNNING,
        cache_encrypted=True if caches is False else RUNNING,
    )
    fill_tags(shape, own)


def _api(parts: Parts, kind: str) -> View:
    """The API of a stage; a view that knows nothing where the plan does not have it."""
    return next(iter(parts.views(kind)), View({OUTSIDE: "the API"}, kind))


def _is_private(api: View) -> bool | Lost:
    """Reached from VPC endpoints alone; an API that says nothing is reached from everywhere."""
    block = api.block("endpoint_configuration")
    if block is None or isinstance(block, Lost):
        return False if block is None else block
    return then(block.texts("types"), lambda types: types == ["PRIVATE"])


def _http_stage(shape: Shape, parts: Parts) -> None:
    own = parts.own
    api = _api(parts, "aws_apigatewayv2_api")
    routes = own.block("default_route_settings")
    level = routes.text("logging_level", absent="OFF") if isinstance(routes, View) else routes or "OFF"
    shape.resource(
        AwsApiStage,
        api=own.ref("api_id", "aws_apigatewayv2_api", known=str),
        api_name=api.text("name"),
        protocol=api.text("protocol_type"),
        is_private=False,
        access_logs_enabled=then(own.blocks("access_log_settings"), bool),
        execution_logs_enabled=then(level, lambda text: text not in ("OFF", "")),
        tracing_enabled=False,
        web_acl_uid="",
        cache_encrypted=True,
    )
    fill_tags(shape, own)


def _certificate(shape: Shape, parts: Parts) -> None:
    own = parts.own
    imported = own.text("certificate_body", absent="")
    is_imported = imported if isinstance(imported, Lost) and imported.reason != UNSUPPORTED else imported != ""
    shape.resource(
        AwsCertificate,
        domain=own.text("domain_name", absent=RUNNING),
        status=RUNNING,
        expires=RUNNING,
        in_use=RUNNING,
        is_imported=is_imported,
        can_renew=False if is_imported is True else RUNNING,
        key_algorithm=own.text("key_algorithm", absent=RUNNING),
    )
    fill_tags(shape, own)


# --- Functions, clusters, notebooks -----------------------------------------------------------------------------------


def _function(shape: Shape, parts: Parts) -> None:
    own = parts.own
    network = own.block("vpc_config")
    environment = own.block("environment")
    variables = environment.get("variables") if isinstance(environment, View) else environment
    shape.resource(
        AwsLambdaFunction,
        runtime=own.text("runtime", absent=""),
        role_uid=own.ref("role", "aws_iam_role", known=str),
        kms_key_uid=own.ref("kms_key_arn", "aws_kms_key", known=str, absent=""),
        vpc_uid="" if network is None else RUNNING,
        has_environment=variables
        if isinstance(variables, Lost) and variables.reason != UNSUPPORTED
        else bool(variables),
        last_modified=RUNNING,
    )
    for view in parts.views("aws_lambda_function_url"):
        cors = view.block("cors")
        origins = cors.texts("allow_origins") if isinstance(cors, View) else cors or []
        shape.child(
            AwsLambdaUrl,
            url=RUNNING,
            is_public=then(view.text("authorization_type"), lambda kind: kind == "NONE"),
            allows_any_origin=then(origins, lambda listed: "*" in listed),
        )
    if not parts.is_new:
        shape.lost(AwsLambdaUrl, "", RUNNING)
    if isinstance(network, View):
        attached_groups(shape, parts, network, "security_group_ids")
    elif isinstance(network, Lost):
        shape.lost(AwsAttachedSecurityGroup, "", network)
    statements = [_permission(view) for view in parts.views("aws_lambda_permission")]
    fill_policies(shape, policy("resource", "", json.dumps({"Statement": statements}) if statements else ""))
    if not parts.is_new:
        for table in POLICY_TABLES:
            shape.lost(table, "", RUNNING)
    fill_tags(shape, own)


def _permission(view: View) -> dict[str, Any]:
    """The statement that Lambda adds for a permission, with a mark for what is known after apply.

    https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
    """
    principal = _word(view, "principal")
    is_account = principal == UNKNOWN or principal.startswith("arn:") or principal.isdigit()
    statement: dict[str, Any] = {
        "Sid": _word(view, "statement_id"),
        "Effect": "Allow",
        "Action": _word(view, "action"),
        "Resource": "*",
        "Principal": "*" if principal == "*" else {"AWS" if is_account else "Service": principal},
    }
    conditions = {
        ("ArnLike", "AWS:SourceArn"): _word(view, "source_arn"),
        ("StringEquals", "AWS:SourceAccount"): _word(view, "source_account"),
        ("StringEquals", "aws:PrincipalOrgID"): _word(view, "principal_org_id"),
        ("StringEquals", "lambda:FunctionUrlAuthType"): _word(view, "function_url_auth_type"),
    }
    for (operator, key), value in conditions.items():
        if value:
            statement.setdefault("Condition", {}).setdefault(operator, {})[key] = value
    return statement


def _word(view: View, name: str) -> str:
    """A text, '' where it is not set, UNKNOWN where it is not known yet."""
    if name not in view.values:
        return ""
    value = view.text(name, absent="")
    return UNKNOWN if isinstance(value, Lost) else value


def _cluster(shape: Shape, parts: Parts) -> None:
    own = parts.own
    network = own.block("vpc_config")
    view = network if isinstance(network, View) else View({})
    public = enabled(own, "vpc_config", "endpoint_public_access", absent=True, unset=True)
    encryption = own.block("encryption_config")
    provider = encryption.block("provider") if isinstance(encryption, View) else encryption
    key = provider.ref("key_arn", "aws_kms_key", known=str) if isinstance(provider, View) else provider or ""
    shape.resource(
        AwsEksCluster,
        created=RUNNING,
        version=own.text("version", absent=RUNNING),
        secrets_encrypted=encryption if isinstance(encryption, Lost) else encryption is not None,
        kms_key_uid=key,
        public_endpoint=public,
        private_endpoint=enabled(own, "vpc_config", "endpoint_private_access"),
        vpc_uid=RUNNING,
        role_uid=own.ref("role_arn", "aws_iam_role", known=str),
        deletion_protection=own.boolean("deletion_protection", absent=False)
        if "deletion_protection" in own.values
        else RUNNING,
    )
    if public is not False:
        cidrs = view.texts("public_access_cidrs") if view.values else network if isinstance(network, Lost) else []
        for cidr in shape.each(AwsEksPublicCidr, cidrs):
            shape.child(AwsEksPublicCidr, cidr=cidr, is_public=then(cidr, is_public))
    for log in shape.each(AwsEksLog, own.texts("enabled_cluster_log_types")):
        shape.child(AwsEksLog, log=log)
    fill_tags(shape, own)


def _notebook(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsSagemakerNotebook,
        kms_key_uid=own.ref("kms_key_id", "aws_kms_key", known=str, absent=""),
        direct_internet_access=then(own.text("direct_internet_access", absent="Enabled"), lambda on: on == "Enabled"),
        root_access=then(own.text("root_access", absent="Enabled"), lambda on: on == "Enabled"),
        subnet_uid=subnet_of(own, parts, absent=""),
        role_uid=own.ref("role_arn", "aws_iam_role", known=str),
    )
    attached_groups(shape, parts, own, "security_groups")
    fill_tags(shape, own)


def _emr(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsEmrCluster,
        state=RUNNING,
        security_configuration=own.text("security_configuration", absent=""),
        log_uri=own.text("log_uri", absent=""),
        public_nodes=RUNNING,
        termination_protected=own.boolean("termination_protection", absent=RUNNING),
    )
    fill_tags(shape, own)


_LISTENS = ((AwsLoadBalancerListener, ""),)

FAMILIES = (
    Family(
        types=("aws_lb", "aws_alb"),
        tables=(AwsLoadBalancer, AwsLoadBalancerListener, AwsAttachedSecurityGroup, AwsTag),
        fill=_balancer,
        satellites={
            "aws_lb_listener": Satellite("load_balancer_arn", _LISTENS),
            "aws_alb_listener": Satellite("load_balancer_arn", _LISTENS),
        },
    ),
    Family(
        types=("aws_elb",),
        tables=(AwsLoadBalancer, AwsLoadBalancerListener, AwsAttachedSecurityGroup, AwsTag),
        fill=_classic,
    ),
    Family(
        types=("aws_cloudfront_distribution",),
        tables=(AwsCloudfrontDistribution, AwsCloudfrontOrigin, AwsTag),
        fill=_distribution,
        is_global=True,
    ),
    Family(
        types=("aws_api_gateway_stage",),
        tables=(AwsApiStage, AwsTag),
        fill=_rest_stage,
        satellites={"aws_wafv2_web_acl_association": Satellite("resource_arn", ((AwsApiStage, "web_acl_uid"),))},
        shared={"aws_api_gateway_rest_api": ("rest_api_id",)},
        settings=("aws_api_gateway_stage.*.variables",),
    ),
    Family(
        types=("aws_apigatewayv2_stage",),
        tables=(AwsApiStage, AwsTag),
        fill=_http_stage,
        shared={"aws_apigatewayv2_api": ("api_id",)},
        settings=("aws_apigatewayv2_stage.*.stage_variables",),
    ),
    Family(
        types=("aws_acm_certificate",),
        tables=(AwsCertificate, AwsTag),
        fill=_certificate,
        secret=("aws_acm_certificate.*.private_key",),
    ),
    Family(
        types=("aws_lambda_function",),
        tables=(AwsLambdaFunction, AwsLambdaUrl, AwsAttachedSecurityGroup, *POLICY_TABLES, AwsTag),
        fill=_function,
        satellites={
            "aws_lambda_function_url": Satellite("function_name", ((AwsLambdaUrl, ""),)),
            "aws_lambda_permission": Satellite("function_name", tuple((table, "") for table in POLICY_TABLES)),
        },
        settings=("aws_lambda_function.*.environment.*.variables",),
    ),
    Family(types=("aws_eks_cluster",), tables=(AwsEksCluster, AwsEksPublicCidr, AwsEksLog, AwsTag), fill=_cluster),
    Family(
        types=("aws_sagemaker_notebook_instance",),
        tables=(AwsSagemakerNotebook, AwsAttachedSecurityGroup, AwsTag),
        fill=_notebook,
    ),
    Family(types=("aws_emr_cluster",), tables=(AwsEmrCluster, AwsTag), fill=_emr),
)
