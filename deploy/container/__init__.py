"""What runs in the container: one release of a store, on the Triton of the official image.

``python3 -m deploy.container`` is process 1. It lays out the repository of one release and starts ``tritonserver`` over
it. It asks it the release's probes all the time, and says on a port of its own whether they are answered. When the
container is stopped, it lets the requests in flight finish first. Releases are not switched inside of a container:
another one is a container beside this one (``deploy/chart``).
"""
