"""What callers reach: load balancers, functions, APIs, distributions, certificates."""

from __future__ import annotations

import io
import zipfile

from tests.support.aws import OTHER, client

TAGS = [{"Key": "environment", "Value": "production"}]


def fill(account: str, region: str) -> None:
    """One of each."""
    _balancers(account, region)
    _function(account, region)
    _apis(account, region)
    certificate = client("acm", region, account).request_certificate(DomainName="shop.example", Tags=TAGS)
    assert certificate["CertificateArn"]
    _distribution(account, region)


def _balancers(account: str, region: str) -> None:
    ec2 = client("ec2", region, account)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{region}{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="edge", Description="edge", VpcId=vpc)["GroupId"]
    elbv2 = client("elbv2", region, account)
    balancer = elbv2.create_load_balancer(
        Name="shop", Subnets=subnets, SecurityGroups=[group], Scheme="internet-facing", Type="application", Tags=TAGS
    )["LoadBalancers"][0]["LoadBalancerArn"]
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[redirect])
    elb = client("elb", region, account)
    listener = {"Protocol": "tcp", "LoadBalancerPort": 25, "InstancePort": 25}
    elb.create_load_balancer(LoadBalancerName="mail", Listeners=[listener], Subnets=subnets[:1], SecurityGroups=[group])
    elb.add_tags(LoadBalancerNames=["mail"], Tags=TAGS)


def _function(account: str, region: str) -> None:
    iam = client("iam", region, account)
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handler(event, context): pass")
    functions = client("lambda", region, account)
    functions.create_function(
        FunctionName="checkout", Runtime="python3.12", Role=role, Handler="main.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"DB_PASSWORD": "hunter2-Tr0ub4dor", "STAGE": "production"}},
        Tags={"environment": "production"},
    )  # fmt: skip
    functions.add_permission(
        FunctionName="checkout", StatementId="friend", Action="lambda:InvokeFunction", Principal=OTHER
    )
    functions.create_function_url_config(FunctionName="checkout", AuthType="NONE", Cors={"AllowOrigins": ["*"]})


def _apis(account: str, region: str) -> None:
    rest = client("apigateway", region, account)
    api = rest.create_rest_api(name="orders")["id"]
    root = rest.get_resources(restApiId=api)["items"][0]["id"]
    rest.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    rest.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    deployment = rest.create_deployment(restApiId=api)["id"]
    rest.create_stage(restApiId=api, stageName="live", deploymentId=deployment, tags={"environment": "production"})
    http = client("apigatewayv2", region, account)
    http_api = http.create_api(Name="events", ProtocolType="HTTP")["ApiId"]
    http.create_stage(ApiId=http_api, StageName="live", Tags={"environment": "production"})


def _distribution(account: str, region: str) -> None:
    origin = {
        "Id": "shop", "DomainName": "shop.example",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
        "CustomHeaders": {
            "Quantity": 1, "Items": [{"HeaderName": "X-Origin-Token", "HeaderValue": "hunter2-Tr0ub4dor"}],
        },
    }  # fmt: skip
    behaviour = {
        "TargetOriginId": "shop", "ViewerProtocolPolicy": "redirect-to-https",
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}, "MinTTL": 0,
    }  # fmt: skip
    distribution = {
        "CallerReference": "one", "Comment": "", "Enabled": True, "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
    }  # fmt: skip
    client("cloudfront", region, account).create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": distribution, "Tags": {"Items": TAGS}}
    )
