"""The venue on AWS: `python -m deploy.aws.app [--size large] …` writes a template for each stack.

The templates hold no assets and need no bootstrap: `aws cloudformation deploy` takes them in the
order in which they are printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import aws_cdk as cdk

from deploy.aws.cluster import Cluster
from deploy.aws.edge import Edge
from deploy.aws.network import Network
from deploy.aws.records import Records
from deploy.aws.sizes import SIZES, Size
from deploy.aws.standby import Standby
from deploy.aws.stores import Stores
from deploy.aws.telemetry import Telemetry

DOMAIN = "venue.example"
# Of behaviour that the construct library keeps for older stacks: the newer one.
FLAGS = {
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
}


def build(
    size: Size, out: Path, *, domain: str = DOMAIN, standby_region: str | None = None
) -> dict[str, Path]:
    """Write the templates; return them by stack, in the order in which they are deployed.

    With `standby_region` the ledger has a copy there that can take over.
    """
    app = cdk.App(outdir=str(out), analytics_reporting=False, context=FLAGS)

    def options() -> dict[str, object]:
        return {"synthesizer": cdk.BootstraplessSynthesizer(), "termination_protection": True}

    network = Network(app, "agio-network", size, **options())
    is_global = standby_region is not None
    stores = Stores(app, "agio-stores", size, network, is_global=is_global, **options())
    records = Records(app, "agio-records", size, stores, **options())
    cluster = Cluster(app, "agio-cluster", size, network, stores, records, **options())
    edge = Edge(app, "agio-edge", size, network, cluster, domain=domain, **options())
    telemetry = Telemetry(app, "agio-telemetry", edge, **options())
    stacks: list[cdk.Stack] = [network, stores, records, cluster, edge, telemetry]
    if standby_region is not None:
        environment = cdk.Environment(region=standby_region)
        stacks.append(Standby(app, "agio-standby", size, env=environment, **options()))
    cdk.Tags.of(app).add("service", "agio")
    app.synth()
    return {str(stack.stack_name): out / stack.template_file for stack in stacks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--domain", default=DOMAIN, help="the zone in Route 53 that is made")
    parser.add_argument("--standby-region", help="where a copy of the ledger is kept")
    parser.add_argument("--out", type=Path, default=Path("build/aws"))
    chosen = parser.parse_args()
    made = build(
        SIZES[chosen.size], chosen.out, domain=chosen.domain, standby_region=chosen.standby_region
    )
    for name, template in made.items():
        print(f"{name}\t{template}")


if __name__ == "__main__":
    main()
