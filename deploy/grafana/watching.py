"""Rows about releases, what is watched of them, and the machine."""

from __future__ import annotations

from deploy.grafana.panels import Panel, Row
from deploy.grafana.serving import current, rate, share

_CANARY = 'model=~".+_canary"'
_BEYOND = "max by (release, name) (tandem_drift_statistic / tandem_drift_threshold)"
_LIVE = 'model=~"search|search_text|search_image|recommend|recommend_product"'


def _failing(models: str) -> str:
    failed = rate(f"nv_inference_request_failure{{{models}}}", "instance")
    return share(failed, f"{failed} + {rate(f'nv_inference_request_success{{{models}}}', 'instance')}")


RELEASES = Row(
    "Releases and canary",
    (
        Panel(
            "Releases",
            {
                "live": "max(tandem_live_release)",
                "before": "max(tandem_previous_release)",
                "on trial": "max(tandem_canary_release)",
            },
            "none",
            "0: none.",
            "stat",
        ),
        Panel("Share on trial", {"share": "max(tandem_canary_share)"}, "percentunit", "Of the callers.", "stat"),
        Panel("Loaded", {"release {{release}}": "max by (release) (tandem_loaded)"}, "none"),
        Panel(
            "Switches in the last day",
            {"{{action}} {{outcome}}": "sum by (action, outcome) (increase(tandem_switches_total[1d])) > 0"},
            "none",
            shape="bargauge",
        ),
        Panel(
            "Gate of the live release",
            {"{{tower}} {{figure}}": "max by (release, tower, figure) (tandem_gate_figure)"},
            "none",
            "What it was let through with.",
            "table",
        ),
        Panel(
            "Repairs and restarts",
            {
                "repairs": "sum(increase(tandem_repairs_total[1h]))",
                "restarts": "sum(increase(tandem_restarts_total[1h]))",
            },
            "none",
        ),
        Panel(
            "What happened",
            {"{{kind}}": "sum by (kind) (increase(tandem_events_total[1h])) > 0"},
            "none",
            "In an hour.",
            "bargauge",
        ),
        Panel("Failing, on trial and live", {"on trial": _failing(_CANARY), "live": _failing(_LIVE)}, "percentunit"),
        Panel(
            "p99, on trial and live",
            {
                name: f'max by (model) (nv_inference_request_summary_us{{quantile="0.99", {models}}}) / 1e6'
                for name, models in (("on trial {{model}}", _CANARY), ("live {{model}}", _LIVE))
            },
            "s",
        ),
    ),
)

DRIFT = Row(
    "Drift and probes",
    (
        Panel(
            "Recall of the probe set",
            {
                "release {{release}}": "min by (release) (tandem_probe_recall)",
                "release {{release}}, when it was made": "max by (release) (tandem_probe_recall_baseline)",
            },
            "percentunit",
            "Of questions with known answers.",
        ),
        Panel(
            "Drift beyond what chance does",
            {"{{name}}, release {{release}}": _BEYOND},
            "short",
            "Above 1: the window is not like the baseline.",
        ),
        Panel("Alarm", {"release {{release}}": "max by (release) (tandem_drift_alarm)"}, "bool"),
        Panel("Bounds breached", {"{{bound}}": "sum by (bound) (increase(tandem_watch_breaches_total[1h]))"}, "none"),
        Panel(
            "Taken back by watch",
            {"rollbacks": "sum(increase(tandem_watch_rollbacks_total[1d]))"},
            "none",
            "In a day.",
            "stat",
        ),
    ),
)

MACHINE = Row(
    "Machine and GPU",
    (
        Panel("Processors", {"{{instance}}": "nv_cpu_utilization"}, "percentunit"),
        Panel("Memory", {"{{instance}}": "nv_cpu_memory_used_bytes"}, "bytes"),
        Panel("A GPU searches", {"{{model}} {{release}}": current("tandem_index_on_gpu")}, "bool"),
        Panel("GPU use", {"{{gpu_uuid}}": "nv_gpu_utilization"}, "percentunit"),
        Panel("GPU memory", {"{{gpu_uuid}}": "nv_gpu_memory_used_bytes / nv_gpu_memory_total_bytes"}, "percentunit"),
        Panel("GPU power", {"{{gpu_uuid}}": "nv_gpu_power_usage"}, "watt"),
        Panel(
            "Supervisor's memory",
            {"{{instance}}": "process_resident_memory_bytes and on (instance) tandem_up"},
            "bytes",
        ),
    ),
)
