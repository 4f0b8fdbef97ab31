"""When each alert on workers and their scalers fires, and when it does not."""

from tests.rehearsal.alert_cases import SCRAPING, ended, pending, ready
from tests.rehearsal.promtool import Case, of_keda, own

STALLED = (
    Case(
        "CeleryQueueStalled",
        {**SCRAPING, "in_flight": "none"},
        {
            pending("scraping"): "5x100",
            ready("scraping"): "1x100",
            own("fleet_queue_in_flight", worker="scraping"): "0x100",
            ended("success"): "0+1x40 40x39 41+1x20",
        },
        fires=(55, 79),
        quiet=(40, 48, 85),
    ),
    # Nothing waits: that nothing ends is rest.
    Case(
        "CeleryQueueStalled",
        {**SCRAPING, "in_flight": "none"},
        {
            pending("scraping"): "0x100",
            ready("scraping"): "1x100",
            own("fleet_queue_in_flight", worker="scraping"): "0x100",
        },
        quiet=(30, 90),
    ),
    Case(
        "CeleryQueueStalled",
        {**SCRAPING, "in_flight": "some"},
        {
            pending("scraping"): "5x200",
            ready("scraping"): "1x200",
            own("fleet_queue_in_flight", worker="scraping"): "2x200",
            ended("success"): "0+1x40 40x99 41+1x60",
        },
        fires=(90, 139),
        quiet=(40, 70, 150),
    ),
    # A worker that has just come, at its first long task.
    Case(
        "CeleryQueueStalled",
        {**SCRAPING, "in_flight": "some"},
        {
            pending("scraping"): "_x9 5x25 0x20",
            ready("scraping"): "_x9 1x50",
            own("fleet_queue_in_flight", worker="scraping"): "_x9 2x50",
        },
        quiet=(15, 25, 34),
    ),
)

SCALERS = (
    Case(
        "CeleryQueueUnserved",
        SCRAPING,
        {pending("scraping"): "0x9 3x80", ready("scraping"): "0x29 1x60"},
        fires=(20, 29),
        quiet=(9, 16, 31),
    ),
    # A worker whose Deployment is gone, and one of which nobody tells.
    Case(
        "CeleryQueueUnserved",
        SCRAPING,
        {
            pending("scraping"): "0x9 3x80",
            own("kube_deployment_created", deployment="api"): "1x90",
        },
        fires=(20, 80),
        quiet=(9, 16),
    ),
    Case("CeleryQueueUnserved", SCRAPING, {pending("scraping"): "3x90"}, quiet=(20, 80)),
    Case(
        "CeleryWorkerAtMaximum",
        {"worker": "labeling"},
        {
            own(
                "kube_horizontalpodautoscaler_spec_max_replicas",
                horizontalpodautoscaler="keda-hpa-worker-labeling",
            ): "5x200",
            own(
                "kube_horizontalpodautoscaler_status_current_replicas",
                horizontalpodautoscaler="keda-hpa-worker-labeling",
            ): "4x9 5x60 4x30",
            pending("labeling"): "10x200",
        },
        fires=(42, 69),
        quiet=(9, 38, 72),
    ),
    # At its maximum, and nothing waits.
    Case(
        "CeleryWorkerAtMaximum",
        {"worker": "labeling"},
        {
            own(
                "kube_horizontalpodautoscaler_spec_max_replicas",
                horizontalpodautoscaler="keda-hpa-worker-labeling",
            ): "5x100",
            own(
                "kube_horizontalpodautoscaler_status_current_replicas",
                horizontalpodautoscaler="keda-hpa-worker-labeling",
            ): "5x100",
            pending("labeling"): "0x100",
        },
        quiet=(40, 100),
    ),
    Case(
        "CeleryScalerPaused",
        {"worker": "scraping"},
        {of_keda("keda_scaled_object_paused", "worker-scraping"): "0x9 1x300 0x20"},
        fires=(255, 305),
        quiet=(9, 245, 315),
    ),
    # A scrape that honours labels.
    Case(
        "CeleryScalerPaused",
        {"worker": "scraping"},
        {own("keda_scaled_object_paused", scaledObject="worker-scraping"): "1x300"},
        fires=(250,),
        quiet=(200,),
    ),
    Case(
        "KedaScalerErrors",
        {"worker": "scraping"},
        {
            of_keda("keda_scaled_object_errors_total", "worker-scraping"): "0x19 0+2x20 40x60",
        },
        fires=(35,),
        quiet=(19, 25, 65),
    ),
    Case(
        "KedaScalerSlow",
        {"worker": "scraping"},
        {
            of_keda(
                "keda_scaler_metrics_latency_seconds", "worker-scraping", triggerIndex="0"
            ): "0.9x9 2.5x30 0.01x20"
        },
        fires=(22, 39),
        quiet=(9, 18, 42),
    ),
)

_TRAINED = own("fleet_tasks_total", queue="training", task="t", outcome="success")
_TRAINING = {
    own("fleet_queue_in_flight", worker="training"): "1x20 0x700",
    pending("training"): "0x720",
    _TRAINED: "_x19 1x699",
}
CAMPAIGNS = (
    # The last task ends at minute 20, the campaign at 500.
    Case(
        "CeleryCampaignIdle",
        {"queue": "training"},
        {**_TRAINING, own("fleet_campaign_active", queue="training"): "1x499 0x100"},
        fires=(390, 499),
        quiet=(20, 375, 501),
    ),
    Case(
        "CeleryCampaignIdle",
        {"queue": "training"},
        {**_TRAINING, own("fleet_campaign_active", queue="training"): "0x700"},
        quiet=(390, 700),
    ),
    # Tasks so short that no look finds one waiting or running.
    Case(
        "CeleryCampaignIdle",
        {"queue": "training"},
        {
            own("fleet_queue_in_flight", worker="training"): "0x500",
            pending("training"): "0x500",
            _TRAINED: "0+1x500",
            own("fleet_campaign_active", queue="training"): "1x500",
        },
        quiet=(390, 500),
    ),
    # An operator who looks whether the queue answers is no sender.
    Case(
        "CeleryCampaignIdle",
        {"queue": "training"},
        {
            own("fleet_queue_in_flight", worker="training"): "0x500",
            pending("training"): "0x500",
            own(
                "fleet_tasks_total",
                queue="training",
                task="worker_image.tasks.canary.probe",
                outcome="success",
            ): "0+1x500",
            own("fleet_campaign_active", queue="training"): "1x500",
        },
        fires=(390, 499),
        quiet=(350,),
    ),
    # One task every five hours is work.
    Case(
        "CeleryCampaignIdle",
        {"queue": "training"},
        {
            own("fleet_queue_in_flight", worker="training"): "0x299 1x5 0x299 1x5 0x100",
            pending("training"): "0x720",
            own("fleet_campaign_active", queue="training"): "1x720",
        },
        quiet=(299, 400, 600, 700),
    ),
)

CASES = (*STALLED, *SCALERS, *CAMPAIGNS)
