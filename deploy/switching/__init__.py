"""Which releases a running server answers from: switched, tried on a share of the traffic, and taken back.

The parts of a request are models that hold several releases side by side, each as a version. The ensembles that callers
ask pin one version, and are loaded anew last, so that every answer comes whole from one release.
"""
