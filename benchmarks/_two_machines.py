"""A cluster of two machines that see songs and store only in S3: two network namespaces.

    unshare --map-root-user --net --mount python benchmarks/_two_machines.py <folder>

The folder has `corpus.joblib`. Prints whether the store is equal to one that this process writes.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path

import joblib
import s3fs
from _cluster import Cluster
from _corpora import read_all
from moto.server import ThreadedMotoServer

_HOST = "10.77.0.1"


def run_two_machines(folder, corpus):
    """Return a row of a table."""
    joblib.dump(corpus, folder / "corpus.joblib")
    stores = subprocess.run(
        ["unshare", "--map-root-user", "--net", "--mount", sys.executable, __file__, folder],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return {"fault": "none, two machines and S3", "store": stores.strip()}


def _build_network(names):
    """Make a namespace of each name, all at a bridge with this one."""

    def ip(command):
        subprocess.run(["ip", *command.split()], check=True)

    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    ip("link set lo up")
    ip("link add bridge type bridge")
    ip(f"addr add {_HOST}/24 dev bridge")
    ip("link set bridge up")
    for i, name in enumerate(names):
        ip(f"netns add {name}")
        ip(f"link add to-{name} type veth peer name eth0 netns {name}")
        ip(f"link set to-{name} master bridge up")
        ip(f"-n {name} addr add 10.77.0.{i + 2}/24 dev eth0")
        ip(f"-n {name} link set eth0 up")
        ip(f"-n {name} link set lo up")


def _run(folder):
    corpus = joblib.load(folder / "corpus.joblib")
    machines = ["one", "two"]
    _build_network(machines)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs each request
    server = ThreadedMotoServer(ip_address=_HOST, port=5000, verbose=False)
    server.start()
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://{_HOST}:5000",
        AWS_ACCESS_KEY_ID="me",
        AWS_SECRET_ACCESS_KEY="word",
        AWS_DEFAULT_REGION="us-east-1",
    )
    bucket = s3fs.S3FileSystem()
    bucket.mkdir("music")
    addresses = [f"s3://music/songs/{Path(path).name}" for path in corpus.paths]
    bucket.put(list(corpus.paths), addresses)
    there = corpus._replace(paths=addresses)
    # a worker finds an empty folder where the songs are on this machine
    songs = os.path.commonpath(corpus.paths)
    hide = 'mount -t tmpfs tmpfs "$1" && shift && exec "$@"'
    wraps = [["ip", "netns", "exec", name, "sh", "-c", hide, "sh", songs] for name in machines]
    with Cluster(folder, wraps, host=_HOST) as cluster, cluster.connect() as client:
        client.wait_for_workers(len(machines))
        hosts = {
            worker["host"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()
        }
        there.extract("s3://music/cluster", client=client)
    there.extract(folder / "alone")
    found = {name.split("/", 2)[2]: bucket.cat(name) for name in bucket.find("music/cluster")}
    equal = "equal" if found == read_all(folder / "alone") else "NOT EQUAL"
    print(f"{equal}, from {len(hosts)} machines")
    server.stop()


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
