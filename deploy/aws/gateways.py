"""API Gateway: REST as it is, and a WebSocket that asks it.

API Gateway ends WebSockets itself and hands each message over as an HTTP request; it can't pass a
socket on. So this one asks and is answered, and streams of market data go by CloudFront and the
ALB, which do pass sockets on, to the feed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from deploy.aws.network import retention
from deploy.aws.sizes import Size

REQUESTS_PER_S = 5_000
REQUESTS_BURST = 10_000
LOG_FIELDS = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latency": "$context.responseLatency",
}
# By the method that the message names: the path asked, and which parameters go along.
QUESTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ping": ("/api/v3/ping", ()),
    "time": ("/api/v3/time", ()),
    "exchangeInfo": ("/api/v3/exchangeInfo", ()),
    "depth": ("/api/v3/depth", ("symbol", "limit")),
    "trades.recent": ("/api/v3/trades", ("symbol", "limit")),
    "klines": ("/api/v3/klines", ("symbol", "interval", "limit")),
    "ticker.24hr": ("/api/v3/ticker/24hr", ("symbol",)),
}


class RestApi(Construct):
    """Every request to the gateways behind the ALB, throttled and logged."""

    def __init__(
        self,
        scope: Construct,
        size: Size,
        vpc: ec2.IVpc,
        listener: elb.ApplicationListener,
        certificate: acm.ICertificate,
        domain: str,
    ) -> None:
        super().__init__(scope, "Rest")
        group = ec2.SecurityGroup(self, "Group", vpc=vpc, allow_all_outbound=False)
        group.add_egress_rule(ec2.Peer.ipv4(vpc.vpc_cidr_block), ec2.Port.tcp(443))
        made = api.CfnApi(
            self, "Api", name="agio-rest", protocol_type="HTTP", disable_execute_api_endpoint=True
        )
        link = api.CfnVpcLink(
            self,
            "Link",
            name="agio",
            subnet_ids=vpc.select_subnets(subnet_group_name="nodes").subnet_ids,
            security_group_ids=[group.security_group_id],
        )
        integration = api.CfnIntegration(
            self,
            "ToGateway",
            api_id=made.ref,
            integration_type="HTTP_PROXY",
            integration_method="ANY",
            integration_uri=listener.listener_arn,
            connection_type="VPC_LINK",
            connection_id=link.ref,
            payload_format_version="1.0",
            tls_config=api.CfnIntegration.TlsConfigProperty(server_name_to_verify=domain),
        )
        api.CfnRoute(
            self,
            "Everything",
            api_id=made.ref,
            route_key="ANY /api/{proxy+}",
            target=f"integrations/{integration.ref}",
        )
        self.api_id = made.ref
        stage = _make_stage(self, size, made, "$default")
        self.alias = _name_it(self, made, stage, certificate, domain)


class SocketApi(Construct):
    """Questions over a WebSocket, each `{"method": NAME, "params": {…}}`, answered by REST."""

    def __init__(
        self, scope: Construct, size: Size, certificate: acm.ICertificate, domain: str
    ) -> None:
        super().__init__(scope, "Sockets")
        made = api.CfnApi(
            self,
            "Api",
            name="agio-socket",
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.method",
            disable_execute_api_endpoint=True,
        )
        stage = _make_stage(self, size, made, "live")
        for method, (path, parameters) in QUESTIONS.items():
            integration = api.CfnIntegration(
                self,
                f"Ask-{method}",
                api_id=made.ref,
                integration_type="HTTP_PROXY",
                integration_method="GET",
                integration_uri=f"https://api.{domain}{path}",
                request_parameters={
                    f"integration.request.querystring.{name}": f"route.request.body.params.{name}"
                    for name in parameters
                },
            )
            route = api.CfnRoute(
                self,
                f"Route-{method}",
                api_id=made.ref,
                route_key=method,
                target=f"integrations/{integration.ref}",
                route_response_selection_expression="$default",
            )
            api.CfnRouteResponse(
                self,
                f"Answer-{method}",
                api_id=made.ref,
                route_id=route.ref,
                route_response_key="$default",
            )
        self.alias = _name_it(self, made, stage, certificate, f"socket.{domain}")


def _make_stage(scope: Construct, size: Size, made: api.CfnApi, name: str) -> api.CfnStage:
    group = logs.LogGroup(
        scope, "Log", retention=retention(size), removal_policy=cdk.RemovalPolicy.RETAIN
    )
    return api.CfnStage(
        scope,
        "Stage",
        api_id=made.ref,
        stage_name=name,
        auto_deploy=True,
        default_route_settings=api.CfnStage.RouteSettingsProperty(
            throttling_rate_limit=REQUESTS_PER_S, throttling_burst_limit=REQUESTS_BURST
        ),
        access_log_settings=api.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format=json.dumps(LOG_FIELDS)
        ),
    )


def _name_it(
    scope: Construct,
    made: api.CfnApi,
    stage: api.CfnStage,
    certificate: acm.ICertificate,
    domain: str,
) -> targets.ApiGatewayv2DomainProperties:
    """Give an API its name, and return what a record in the zone points at."""
    name = api.CfnDomainName(
        scope,
        "Domain",
        domain_name=domain,
        domain_name_configurations=[
            api.CfnDomainName.DomainNameConfigurationProperty(
                certificate_arn=certificate.certificate_arn,
                endpoint_type="REGIONAL",
                security_policy="TLS_1_2",
            )
        ],
    )
    api.CfnApiMapping(scope, "Mapping", api_id=made.ref, domain_name=name.ref, stage=stage.ref)
    return targets.ApiGatewayv2DomainProperties(
        name.attr_regional_domain_name, name.attr_regional_hosted_zone_id
    )
