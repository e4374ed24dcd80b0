"""Writes the OCI configuration of a container as a cluster's restricted policy wants it: from what `runc spec` says,
the user of the image, no capabilities, no way to get any, nothing writable.

    config.py BUNDLE USER ARGUMENT...
"""

import json
import sys

bundle, user, *arguments = sys.argv[1:]
path = f"{bundle}/config.json"
with open(path) as file:
    config = json.load(file)
uid, gid = map(int, user.split(":"))
config["root"] = {"path": "rootfs", "readonly": True}
config["process"].update(
    terminal=False,
    user={"uid": uid, "gid": gid},
    args=arguments,
    noNewPrivileges=True,
    capabilities={},
    rlimits=[],
)
# The port is the host's, so that the test can ask from outside.
shared = ("network", "cgroup")
config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] not in shared]
config["mounts"] = [m for m in config["mounts"] if m["destination"] in ("/proc", "/dev")]
config["mounts"].append({"destination": "/traces", "type": "none", "source": f"{bundle}/traces", "options": ["rbind", "ro"]})
with open(path, "w") as file:
    json.dump(config, file)
