"""How the world gets in: names, the CDN, balancers and gateways.

browser ► Route 53 ► CloudFront ─ /api ───────────────► API Gateway ► ALB ► gateway   (REST)
                                ├ /ws, /stream ───────► ALB ► feed              (the socket)
                                └ static assets ──────► ALB ► a site's own pods
client ► API Gateway (WebSocket: asks and answers) ───► API Gateway (REST)
FIX client ► Global Accelerator ► NLB ► fix-0, fix-1 …           (one connection for days)
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_globalaccelerator as accelerator
from aws_cdk import aws_globalaccelerator_endpoints as endpoints
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from deploy.aws.cluster import Cluster
from deploy.aws.gateways import RestApi, SocketApi
from deploy.aws.network import Network
from deploy.aws.sizes import Size

FIX_PORTS = {"fix": 9880, "fix-drop-copy": 9881, "fix-market": 9882}
FIX_REPLICAS_APART = 10
"""Replica n is reached at each port + 10 n: a client keeps to the one that knows its session."""

FIX_IDLE_SECONDS = 6000
"""The most that an NLB grants; heartbeats come every 30 s."""

WEB_IDLE_SECONDS = 300
REST_PORT, WEBSOCKET_PORT, ASSETS_PORT = 8080, 8090, 8000
STREAM_PATHS = ["/ws", "/ws/*", "/stream", "/stream/*"]


class Edge(cdk.Stack):
    """Everything between a client and the pods. The cluster fills the target groups."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        size: Size,
        network: Network,
        cluster: Cluster,
        *,
        domain: str,
        **options: object,
    ) -> None:
        super().__init__(scope, name, **options)
        self._vpc, self._pods_group_id = network.vpc, cluster.pods_group_id
        self.zone = route53.PublicHostedZone(self, "Zone", zone_name=domain)
        self.certificate = acm.Certificate(
            self,
            "Certificate",
            domain_name=domain,
            subject_alternative_names=[f"*.{domain}"],
            validation=acm.CertificateValidation.from_dns(self.zone),
        )
        fix = self._make_fix_balancer(size)
        self._make_web_balancer()
        self.rest = RestApi(
            self, size, self._vpc, self.web_listener, self.certificate, f"api.{domain}"
        )
        self.sockets = SocketApi(self, size, self.certificate, domain)
        self.distribution = self._make_distribution(domain)
        self._name(domain, self._accelerate(size, fix))

    def _make_fix_balancer(self, size: Size) -> elb.NetworkLoadBalancer:
        group = ec2.SecurityGroup(self, "FixGroup", vpc=self._vpc, allow_all_outbound=False)
        balancer = elb.NetworkLoadBalancer(
            self,
            "Fix",
            vpc=self._vpc,
            internet_facing=True,
            cross_zone_enabled=True,
            security_groups=[group],
        )
        for replica in range(size.fix_replicas):
            for service, port in FIX_PORTS.items():
                target = elb.NetworkTargetGroup(
                    self,
                    f"Target-{service}-{replica}",
                    target_group_name=f"agio-{service}-{replica}",
                    vpc=self._vpc,
                    port=port,
                    protocol=elb.Protocol.TCP,
                    target_type=elb.TargetType.IP,
                    preserve_client_ip=True,
                    deregistration_delay=cdk.Duration.seconds(60),
                    health_check=elb.HealthCheck(
                        protocol=elb.Protocol.TCP, interval=cdk.Duration.seconds(10)
                    ),
                )
                outside = port + FIX_REPLICAS_APART * replica
                balancer.add_listener(
                    f"Listener-{service}-{replica}",
                    port=outside,
                    protocol=elb.Protocol.TCP,  # TLS ends in the pod, which asks for certificates
                    default_target_groups=[target],
                    tcp_idle_timeout=cdk.Duration.seconds(FIX_IDLE_SECONDS),
                )
                group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(outside))
        self._let_to_pods("Fix", group, min(FIX_PORTS.values()), max(FIX_PORTS.values()))
        return balancer

    def _make_web_balancer(self) -> None:
        group = ec2.SecurityGroup(self, "WebGroup", vpc=self._vpc, allow_all_outbound=False)
        # Nothing outside of the network has a way to it but CloudFront's and API Gateway's.
        group.add_ingress_rule(ec2.Peer.ipv4(self._vpc.vpc_cidr_block), ec2.Port.tcp(443))
        self.web_balancer = elb.ApplicationLoadBalancer(
            self,
            "Web",
            vpc=self._vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="nodes"),
            internet_facing=False,
            security_group=group,
            drop_invalid_header_fields=True,
            idle_timeout=cdk.Duration.seconds(WEB_IDLE_SECONDS),
        )
        self.web_listener = self.web_balancer.add_listener(
            "Https",
            port=443,
            open=False,
            protocol=elb.ApplicationProtocol.HTTPS,
            certificates=[self.certificate],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_target_groups=[self._web_target("assets", ASSETS_PORT, "/")],
        )
        for priority, (service, port, paths) in enumerate(
            (("feed", WEBSOCKET_PORT, STREAM_PATHS), ("gateway", REST_PORT, ["/api/*"])), start=1
        ):
            self.web_listener.add_target_groups(
                f"To-{service}",
                priority=priority,
                conditions=[elb.ListenerCondition.path_patterns(paths)],
                target_groups=[self._web_target(service, port, "/api/v3/ping")],
            )
        self._let_to_pods("Web", group, ASSETS_PORT, WEBSOCKET_PORT)

    def _web_target(self, service: str, port: int, path: str) -> elb.ApplicationTargetGroup:
        is_socket = port == WEBSOCKET_PORT
        return elb.ApplicationTargetGroup(
            self,
            f"Target-{service}",
            target_group_name=f"agio-{service}",
            vpc=self._vpc,
            port=port,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            deregistration_delay=cdk.Duration.seconds(30),
            health_check=elb.HealthCheck(
                path="/" if is_socket else path,
                interval=cdk.Duration.seconds(10),
                # To a plain request the socket's door answers that it wants an upgrade.
                healthy_http_codes="200-499" if is_socket else "200-399",
            ),
        )

    def _let_to_pods(self, name: str, group: ec2.SecurityGroup, first: int, last: int) -> None:
        ports = {"ip_protocol": "tcp", "from_port": first, "to_port": last}
        ec2.CfnSecurityGroupIngress(
            self,
            f"{name}ToPods",
            group_id=self._pods_group_id,
            source_security_group_id=group.security_group_id,
            **ports,
        )
        ec2.CfnSecurityGroupEgress(
            self,
            f"{name}Out",
            group_id=group.security_group_id,
            destination_security_group_id=self._pods_group_id,
            **ports,
        )

    def _accelerate(self, size: Size, fix: elb.NetworkLoadBalancer) -> accelerator.Accelerator:
        """Two addresses for ever, announced near the client, that lead to the FIX balancer."""
        made = accelerator.Accelerator(self, "Accelerator", accelerator_name="agio")
        last = max(FIX_PORTS.values()) + FIX_REPLICAS_APART * (size.fix_replicas - 1)
        listener = made.add_listener(
            "Fix",
            protocol=accelerator.ConnectionProtocol.TCP,
            client_affinity=accelerator.ClientAffinity.SOURCE_IP,
            port_ranges=[accelerator.PortRange(from_port=min(FIX_PORTS.values()), to_port=last)],
        )
        listener.add_endpoint_group(
            "Here",
            endpoints=[endpoints.NetworkLoadBalancerEndpoint(fix, preserve_client_ip=True)],
            health_check_protocol=accelerator.HealthCheckProtocol.TCP,
            health_check_port=FIX_PORTS["fix"],
        )
        return made

    def _make_distribution(self, domain: str) -> cloudfront.Distribution:
        certificate = cdk.CfnParameter(
            self,
            "CloudFrontCertificate",
            description=f"The ARN of a certificate for www.{domain}, in us-east-1",
            allowed_pattern="arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/.+",
        )
        balancer = origins.VpcOrigin.with_application_load_balancer(
            self.web_balancer, protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY
        )
        live = {
            "viewer_protocol_policy": cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            "allowed_methods": cloudfront.AllowedMethods.ALLOW_ALL,
            "cache_policy": cloudfront.CachePolicy.CACHING_DISABLED,
        }
        streams = cloudfront.BehaviorOptions(
            origin=balancer,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
            **live,
        )
        api = cloudfront.BehaviorOptions(
            origin=origins.HttpOrigin(f"api.{domain}"),
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            **live,
        )
        return cloudfront.Distribution(
            self,
            "Site",
            domain_names=[f"www.{domain}"],
            certificate=acm.Certificate.from_certificate_arn(
                self, "SiteCertificate", certificate.value_as_string
            ),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_behavior=cloudfront.BehaviorOptions(
                origin=balancer,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
            ),
            additional_behaviors={"/api/*": api, **dict.fromkeys(STREAM_PATHS, streams)},
        )

    def _name(self, domain: str, fix: accelerator.Accelerator) -> None:
        for name, target in {
            "www": targets.CloudFrontTarget(self.distribution),
            "fix": targets.GlobalAcceleratorTarget(fix),
            "api": self.rest.alias,
            "socket": self.sockets.alias,
        }.items():
            route53.ARecord(
                self,
                f"Name-{name}",
                zone=self.zone,
                record_name=f"{name}.{domain}",
                target=route53.RecordTarget.from_alias(target),
            )
