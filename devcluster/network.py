"""The cluster's closed network: one bridge, routes, and a firewall table that lets nothing in or out.

Pods reach each other, services and the node's address on the bridge, and nothing else.
"""

import json
from pathlib import Path
from typing import Any

from devcluster import paths, versions
from devcluster.commands import run, succeeds
from devcluster.files import write_json

TABLE = "transfermodel_devcluster"
CNI_NETWORK = "transfermodel-devcluster"
_CNI_PROGRAMS = Path("/usr/lib/cni")
_CNI_RESULTS = Path("/var/lib/cni/results")
_KUBE_PROXY_TABLES = (("ip", "kube-proxy"), ("ip6", "kube-proxy"))
# Chains that the portmap plugin and the kubelet make in tables that they share with other programs.
_CHAIN_PREFIXES = ("CNI-", "KUBE-")

# Settings that the cluster needs, and those that kubelet and kube-proxy change by themselves: `down` puts them back.
_SETTINGS_NEEDED = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",  # or the answer of a service on the same bridge is not translated back
}
_SETTINGS_TOUCHED = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/conf/all/route_localnet")


def firewall() -> str:
    """The nftables rules, in nft's language."""
    bridge, node = versions.BRIDGE, versions.NODE_ADDRESS
    return f"""\
table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
  chain forward {{
    type filter hook forward priority filter - 1; policy accept;
    iifname "{bridge}" oifname != "{bridge}" counter reject with icmpx type admin-prohibited
    iifname != "{bridge}" oifname "{bridge}" counter drop
  }}
  chain input {{
    type filter hook input priority filter - 1; policy accept;
    ip daddr {node} iifname != {{ "lo", "{bridge}" }} counter drop
  }}
}}
"""


def cni_configuration() -> dict[str, Any]:
    """The list of CNI plugins: an address on the bridge, and host ports."""
    return {
        "cniVersion": "0.4.0",
        "name": CNI_NETWORK,
        "plugins": [
            {
                "type": "bridge",
                "bridge": versions.BRIDGE,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,  # a pod may reach itself through its service
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(paths.CNI / "addresses"),
                    "ranges": [[{"subnet": versions.POD_NETWORK, "gateway": versions.NODE_ADDRESS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def cni_folders() -> tuple[Path, Path]:
    """Folder of the plugins' programs, folder of the configuration."""
    return _CNI_PROGRAMS, paths.CNI / "net.d"


def up() -> None:
    """Make bridge, routes, settings and firewall; what is there already stays."""
    for module in ("overlay", "br_netfilter", "nf_conntrack", "nf_tables"):
        succeeds(["modprobe", module])  # many kernels have them built in, and then there is nothing to load
    _remember()
    bridge = versions.BRIDGE
    if not Path(f"/sys/class/net/{bridge}").exists():
        # With a fixed hardware address the bridge does not take over that of each new port.
        run("ip", "link", "add", "name", bridge, "address", "02:54:4d:00:00:01", "type", "bridge")
    prefix = versions.POD_NETWORK.partition("/")[2]
    run("ip", "address", "replace", f"{versions.NODE_ADDRESS}/{prefix}", "dev", bridge)
    run("ip", "link", "set", bridge, "up")
    # Nothing addressed to the cluster ever leaves the machine, not even when the bridge is gone.
    run("ip", "route", "replace", "blackhole", versions.NETWORK)
    # The kernel looks for a route before kube-proxy translates a service's address.
    run("ip", "route", "replace", versions.SERVICE_NETWORK, "dev", bridge, "src", versions.NODE_ADDRESS)
    for name, value in _SETTINGS_NEEDED.items():
        if _setting(name).exists():
            _setting(name).write_text(value)
    run("nft", "-f", "-", text_input=firewall())
    write_json(cni_folders()[1] / "10-devcluster.conflist", cni_configuration())


def down() -> None:
    """Remove all that `up`, the CNI plugins, kubelet and kube-proxy made; other programs' rules stay."""
    before = _remembered()
    for family, table in (*_KUBE_PROXY_TABLES, ("inet", TABLE)):
        succeeds(["nft", "delete", "table", family, table])
    _remove_chains(set(before.get("tables", [])))
    for route in (["blackhole", versions.NETWORK], [versions.SERVICE_NETWORK, "dev", versions.BRIDGE]):
        succeeds(["ip", "route", "delete", *route])
    _remove_ports()
    succeeds(["ip", "link", "delete", versions.BRIDGE])
    for result in _CNI_RESULTS.glob("*"):
        # containerd's loopback network has no name of ours, but the namespaces that it was made in have.
        if f'"{paths.RUN}/' in result.read_text():
            result.unlink(missing_ok=True)
    for folder in (_CNI_RESULTS, _CNI_RESULTS.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    for name, value in before.get("settings", {}).items():
        if _setting(name).exists() and _setting(name).read_text().strip() != value:
            _setting(name).write_text(value)


def has_service_rules() -> bool:
    """Whether kube-proxy has written its table."""
    return succeeds(["nft", "list", "table", "ip", "kube-proxy"])


def left_over() -> list[str]:
    """What of ours is still there, in words; empty after `down`."""
    found = []
    if Path(f"/sys/class/net/{versions.BRIDGE}").exists():
        found.append(f"bridge {versions.BRIDGE}")
    second = versions.NETWORK.split(".")[1]
    routes = run("ip", "-4", "route", "show", "table", "all").splitlines()
    prefixes = (f"198.{second}.", f"198.{int(second) + 1}.")
    found += [f"route {route}" for route in routes if any(prefix in route for prefix in prefixes)]
    ours = {(family, table) for family, table in (*_KUBE_PROXY_TABLES, ("inet", TABLE))}
    found += [f"nftables table {family} {table}" for family, table in _tables() if (family, table) in ours]
    found += [f"chain {chain} in {family} {table}" for family, table, chain in _chains()]
    return found


def _remove_chains(before: set[str]) -> None:
    chains = _chains()
    for item in json.loads(run("nft", "--json", "--handle", "list", "ruleset")).get("nftables", []):
        rule = item.get("rule")
        if rule and any(f'"{prefix}' in json.dumps(rule.get("expr", [])) for prefix in _CHAIN_PREFIXES):
            target = [rule["family"], rule["table"], rule["chain"], "handle", str(rule["handle"])]
            succeeds(["nft", "delete", "rule", *target])
    for family, table, chain in chains:
        succeeds(["nft", "flush", "chain", family, table, chain])
    for family, table, chain in chains:
        succeeds(["nft", "delete", "chain", family, table, chain])
    # iptables makes a table on first use and never removes it. An empty one that was not there before is ours.
    for family, table in _tables():
        if f"{family} {table}" not in before and not _rules(family, table):
            succeeds(["nft", "delete", "table", family, table])


def _remove_ports() -> None:
    """Remove the hosts' ends of pods' links, should a container have been killed before its network was taken down."""
    for link in json.loads(run("ip", "-json", "link", "show")):
        if link.get("master") == versions.BRIDGE:
            succeeds(["ip", "link", "delete", link["ifname"]])


def _chains() -> list[tuple[str, str, str]]:
    listed = json.loads(run("nft", "--json", "list", "chains")).get("nftables", [])
    return [
        (chain["family"], chain["table"], chain["name"])
        for item in listed
        if (chain := item.get("chain")) and chain["name"].startswith(_CHAIN_PREFIXES)
    ]


def _tables() -> list[tuple[str, str]]:
    listed = json.loads(run("nft", "--json", "list", "tables")).get("nftables", [])
    return [(item["table"]["family"], item["table"]["name"]) for item in listed if "table" in item]


def _rules(family: str, table: str) -> list[Any]:
    listed = json.loads(run("nft", "--json", "list", "table", family, table)).get("nftables", [])
    return [item for item in listed if "rule" in item or "set" in item or "map" in item]


def _remember() -> None:
    """Write down how the machine was before the first `up`."""
    file = paths.STATE / "before.json"
    if not file.exists():
        names = (*_SETTINGS_NEEDED, *_SETTINGS_TOUCHED)
        settings = {name: _setting(name).read_text().strip() for name in names if _setting(name).exists()}
        tables = [f"{family} {table}" for family, table in _tables()]
        write_json(file, {"settings": settings, "tables": tables})


def _remembered() -> dict[str, Any]:
    try:
        remembered: dict[str, Any] = json.loads((paths.STATE / "before.json").read_text())
    except FileNotFoundError:
        return {}
    return remembered


def _setting(name: str) -> Path:
    return Path("/proc/sys") / name
