"""Rows about requests: how many, how fast, and what comes of them.

``$__rate_interval`` is Grafana's: at least four scrapes long. A process that was killed leaves its gauges behind until
the server ends, so that gauges are read from those processes alone that reported lately; see ``current``.
"""

from __future__ import annotations

from deploy.grafana.panels import Panel, Row

_WINDOW = "[$__rate_interval]"
_READ = "search|search_text|search_image|recommend|recommend_product|embed_.+"
_ASKED = f'model=~"({_READ}|upsert_product|patch_product|delete_product)(_canary)?"'
_REPORTED_LATELY = "(time() - tandem_reported_timestamp_seconds < 30)"


def rate(selector: str, by: str) -> str:
    """Per second, summed over processes."""
    return f"sum by ({by}) (rate({selector}{_WINDOW}))"


def current(gauge: str) -> str:
    """A gauge of the models, by model and release, of processes that are still there."""
    return f"max by (instance, model, release) ({gauge} and on (instance, process, model) {_REPORTED_LATELY})"


def _of_a_server(gauge: str) -> str:
    return f"max by (instance) ({gauge} and on (instance, process, model) {_REPORTED_LATELY})"


def share(part: str, whole: str) -> str:
    """A part of what happened; 0 where nothing did."""
    return f"({part}) / ({whole} > 0) or 0 * ({whole})"


def _quantile(quantile: str, selector: str, by: str) -> str:
    return f'max by ({by}) (nv_inference_request_summary_us{{quantile="{quantile}", {selector}}}) / 1e6'


def _of_histogram(quantile: float, name: str, *by: str) -> str:
    return f"histogram_quantile({quantile}, {rate(f'{name}_bucket', ', '.join(('le', *by)))})"


def _mean(total: str, count: str) -> str:
    return f"{rate(total, 'model, version')} / ({rate(count, 'model, version')} > 0)"


_IN_INDEX = 'nv_inference_compute_infer_summary_us{quantile="0.99", model=~"retrieve|recommender"}'
_INDEX_P99 = f"max by (model, version) ({_IN_INDEX}) / 1e6"
_LOOKUPS = rate("tandem_tower_cache_lookups_total", "model, release")
_HITS = rate("tandem_tower_cache_hits_total", "model, release")
_FAILURES = rate(f"nv_inference_request_failure{{{_ASKED}}}", "model, reason")
_BAD = rate('tandem_searches_total{result=~"failed|unavailable"}', "release")
_REFUSED = rate('tandem_searches_total{result="refused"}', "release")
_SEARCHED = rate("tandem_searches_total", "release")

TRAFFIC = Row(
    "Traffic and errors",
    (
        Panel("Requests by name", {"{{model}}": rate(f"nv_inference_request_success{{{_ASKED}}}", "model")}, "reqps"),
        Panel(
            "Requests without an answer",
            {"{{model}} {{reason}}": _FAILURES},
            "reqps",
            "Callers' mistakes are among them. Triton counts a failure of a step twice at its ensemble, as OTHER.",
        ),
        Panel(
            "Searches that failed",
            {
                "requests of public names": "tandem:search_failure:ratio_rate5m",
                "failed or unavailable, release {{release}}": share(_BAD, _SEARCHED),
                "refused, release {{release}}": share(_REFUSED, _SEARCHED),
            },
            "percentunit",
            "What the alerts are made of, which needs their rules; and what `retrieve` counts, in rows. "
            "What it refused is the caller's mistake.",
        ),
        Panel(
            "Searches by kind",
            {"{{kind}}, filter: {{filtered}}, {{engine}}": rate("tandem_searches_total", "kind, filtered, engine")},
        ),
        Panel(
            "Recommendations by profile",
            {"{{profile}} {{result}}": rate("tandem_recommendations_total", "profile, result")},
            "short",
            "full: all from the rules of the profile's own task; reason: others filled up, or there were fewer.",
        ),
        Panel(
            "Products recommended, by rule",
            {"{{profile}} {{rule}}": rate("tandem_recommended_total", "profile, rule")},
        ),
        Panel("Writes", {"{{operation}} {{outcome}}": rate("tandem_writes_total", "operation, outcome")}),
        Panel(
            "Refused because too much was under way",
            {"{{model}}": rate("tandem_refused_total", "model")},
            "reqps",
            "The model is the one that such requests come to first.",
        ),
    ),
)

LATENCY = Row(
    "Latency by step and release",
    (
        *(
            Panel(
                f"p{quantile.removeprefix('0.')} of whole requests",
                {"{{model}}": _quantile(quantile, _ASKED, "model")},
                "s",
                "Of the last minute. Names that end in _canary are of the release on trial.",
            )
            for quantile in ("0.5", "0.99", "0.999")
        ),
        Panel(
            "p99 by step and release",
            {
                "{{model}} {{version}}": _quantile(
                    "0.99",
                    'model!~"(search|embed|upsert|patch|delete).*|recommend(_product)?(_canary)?"',
                    "model, version",
                )
            },
            "s",
            "The version of a step is its release.",
        ),
        Panel(
            "Time a request spends where",
            {
                "{{model}} {{version}}": _mean("nv_inference_request_duration_us", "nv_inference_request_success")
                + " / 1e6"
            },
            "s",
            "Means. The steps of an ensemble may run side by side.",
        ),
        Panel(
            "p99 of searches and recommendations in their index",
            {"{{model}} {{version}}": _INDEX_P99},
            "s",
        ),
    ),
)

QUEUES = Row(
    "Queues and batches",
    (
        Panel(
            "p99 in the queue",
            {"{{model}} {{version}}": 'max by (model, version) (nv_inference_queue_summary_us{quantile="0.99"}) / 1e6'},
            "s",
        ),
        Panel(
            "Requests that wait",
            {"{{model}} {{version}}": "sum by (model, version) (nv_inference_pending_request_count)"},
        ),
        Panel(
            "Requests under way, and how many may be",
            {"under way": _of_a_server("tandem_in_flight"), "at most": _of_a_server("tandem_max_in_flight")},
            "short",
            "Of both releases. What is more is refused.",
        ),
        Panel(
            "Mean batch",
            {"{{model}} {{version}}": _mean("nv_inference_count", "nv_inference_exec_count")},
        ),
        Panel(
            "Rows in a call, p50 and p99",
            {
                "p50 {{model}} {{release}}": _of_histogram(0.5, "tandem_batch_rows", "model", "release"),
                "p99 {{model}} {{release}}": _of_histogram(0.99, "tandem_batch_rows", "model", "release"),
            },
        ),
        Panel(
            "Rows that a tower encoded",
            {"{{model}} {{release}}": f"{_LOOKUPS} - {_HITS}"},
            "short",
            "The others it remembered.",
        ),
        Panel(
            "Hits of the towers' caches",
            {"{{model}} {{release}}": share(_HITS, _LOOKUPS)},
            "percentunit",
        ),
    ),
)

INDEX = Row(
    "Index and freshness",
    (
        Panel(
            "Behind the journal",
            {"{{model}} {{release}}": current("tandem_journal_behind_seconds")},
            "s",
            "What was written longer ago can be found.",
        ),
        Panel(
            "Last journal entry in the index", {"{{model}} {{release}}": current("tandem_index_applied_seq")}, "none"
        ),
        Panel("Catalogue cannot be followed", {"{{model}} {{release}}": current("tandem_journal_trouble")}, "bool"),
        Panel(
            "Rows",
            {
                "live, {{model}} {{release}}": current("tandem_index_live_rows"),
                "dead, {{model}} {{release}}": current("tandem_index_dead_rows"),
            },
            "short",
            "Dead rows go with the next snapshot.",
        ),
        Panel(
            "Products without a row",
            {"{{model}} {{release}}": current("tandem_index_unembedded_products")},
            "short",
            "They cannot be found until the keeper embeds them.",
        ),
        Panel("Memory of the rows", {"{{model}} {{release}}": current("tandem_index_row_bytes")}, "bytes"),
    ),
)

RESULTS = Row(
    "Filters and results",
    (
        Panel(
            "Share that a filter lets pass",
            {
                f"p{name}": _of_histogram(quantile, "tandem_filter_selectivity_ratio")
                for name, quantile in (("10", 0.1), ("50", 0.5), ("90", 0.9))
            },
            "percentunit",
        ),
        Panel(
            "Results",
            {"{{result}}": rate('tandem_searches_total{result=~"full|fewer|none"}', "result")},
            "short",
            "full: as many as were asked for.",
        ),
        Panel(
            "Searches that found nothing",
            {"release {{release}}": share(rate('tandem_searches_total{result="none"}', "release"), _SEARCHED)},
            "percentunit",
        ),
    ),
)
